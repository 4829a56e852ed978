package broadcast

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"hark/shared/pusher"
)

// Subscribers are who an event is for.
type Subscribers interface {
	// Subscribers hands over all that had not expired by then, in pages.
	Subscribers(ctx context.Context, app string, ch pusher.Channel, now time.Time, page func([]pusher.Subscription) error) error
}

// Forgetter removes a client that has gone.
type Forgetter interface {
	Gone(ctx context.Context, s pusher.Subscription) error
}

// Sender posts to connections.
type Sender interface {
	// Send fails with pusher.ErrGone if the connection is not there, with pusher.ErrBusy if it took nothing for long enough.
	Send(ctx context.Context, id pusher.ConnectionID, frame []byte) error
	// Alive asks whether the connection is there.
	Alive(ctx context.Context, id pusher.ConnectionID) (bool, error)
}

// Broadcaster fans events out.
type Broadcaster struct {
	Subscribers Subscribers
	Forget      Forgetter
	Sender      Sender
	Parallel    int              // posts at once for one event; 1 if 0
	Now         func() time.Time // time.Now if nil
	Log         *slog.Logger
}

// young is the age up to which a 410 does not prove that a connection has gone: users saw them for messages that arrived
// (aws-facts.md §A5).
const young = 10 * time.Second

// Deliver posts broadcasts of one channel, or of one group of channels, to every subscriber except the one that caused each.
// A subscriber gets them one after another; nobody waits for somebody else's post, but the call returns only when all posts
// have ended, so that what comes after it overtakes nothing. A client that took nothing for the sender's patience is given up
// for the rest of the call too: it may cost a batch its patience once, not once for each event. done counts the broadcasts,
// from the first on, that everybody has or was given up for. err tells why the next one must be delivered again, also to
// those who have it: its subscribers could not be read, or time ran out.
func (b *Broadcaster) Deliver(ctx context.Context, broadcasts []pusher.Broadcast) (done int, err error) {
	var posts errgroup.Group
	posts.SetLimit(max(b.Parallel, 1))
	lines := make(map[pusher.ConnectionID]*line)
	left := make([]atomic.Int64, len(broadcasts)) // posts of each that have not ended
	read := 0
	for _, e := range broadcasts {
		err = b.Subscribers.Subscribers(ctx, e.App, e.Channel, b.now(), func(page []pusher.Subscription) error {
			for _, s := range page {
				if e.Except != "" && s.Connection.SocketID() == e.Except {
					continue
				}
				l := lines[s.Connection]
				if l == nil {
					l = &line{}
					lines[s.Connection] = l
				}
				left[read].Add(1)
				if l.add(delivery{s, e.Frame, &left[read]}) {
					posts.Go(func() error { b.serve(ctx, l); return nil })
				}
			}
			return ctx.Err()
		})
		if err != nil {
			break
		}
		read++
	}
	_ = posts.Wait() // a post that fails is given up
	for done < read && left[done].Load() == 0 {
		done++
	}
	if err == nil && done < len(broadcasts) {
		err = fmt.Errorf("time ran out: %w", context.Cause(ctx))
	}
	return done, err
}

// serve posts what waits in a line, until nothing does or time runs out.
func (b *Broadcaster) serve(ctx context.Context, l *line) {
	for d, ok := l.next(); ok; d, ok = l.next() {
		err := l.lost
		if err == nil {
			err = b.post(ctx, d.to, d.frame)
		}
		if err != nil && ctx.Err() != nil {
			return // neither this delivery nor what waits behind it has ended
		}
		if errors.Is(err, pusher.ErrGone) || errors.Is(err, pusher.ErrBusy) {
			l.lost = err
		}
		if err != nil && !errors.Is(err, pusher.ErrGone) {
			b.Log.WarnContext(ctx, "event dropped for one client",
				"app", d.to.App, "channel", d.to.Channel, "connection", d.to.Connection, "error", err)
		}
		d.left.Add(-1)
	}
}

// post delivers to one subscriber. It fails with pusher.ErrGone if there is nobody any more, who is forgotten then.
func (b *Broadcaster) post(ctx context.Context, s pusher.Subscription, frame []byte) error {
	err := b.Sender.Send(ctx, s.Connection, frame)
	if errors.Is(err, pusher.ErrGone) {
		return b.gone(ctx, s, frame)
	}
	return err
}

// gone forgets a client whose connection is said to be gone: $disconnect is best effort, so its rows are removed here too. Of a
// connection that has only just opened the gateway is asked once more, and it gets the frame again if it is there. It fails
// with pusher.ErrGone for one that has been forgotten.
func (b *Broadcaster) gone(ctx context.Context, s pusher.Subscription, frame []byte) error {
	if b.now().Sub(s.ConnectedAt) < young {
		alive, err := b.Sender.Alive(ctx, s.Connection)
		if err != nil {
			return err
		}
		if alive {
			if err := b.Sender.Send(ctx, s.Connection, frame); !errors.Is(err, pusher.ErrGone) {
				return err
			}
		}
	}
	if err := b.Forget.Gone(ctx, s); err != nil {
		return err
	}
	return pusher.ErrGone
}

func (b *Broadcaster) now() time.Time {
	if b.Now != nil {
		return b.Now()
	}
	return time.Now()
}
