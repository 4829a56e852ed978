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
// have ended, so that what comes after it overtakes nothing. done counts the broadcasts, from the first on, that everybody has or was
// given up for. err tells why the next one must be delivered again, also to those who have it: its subscribers could not
// be read, or time ran out.
func (b *Broadcaster) Deliver(ctx context.Context, broadcasts []pusher.Broadcast) (done int, err error) {
	var posts errgroup.Group
	posts.SetLimit(max(b.Parallel, 1))
	turns := make(turns)
	pending := make([]atomic.Int64, len(broadcasts)) // posts of each that have not ended
	read := 0
	for _, e := range broadcasts {
		left := &pending[read]
		err = b.Subscribers.Subscribers(ctx, e.App, e.Channel, b.now(), func(page []pusher.Subscription) error {
			for _, s := range page {
				if e.Except != "" && s.Connection.SocketID() == e.Except {
					continue
				}
				left.Add(1)
				before, end := turns.take(s.Connection)
				posts.Go(func() error {
					defer end()
					if wait(ctx, before) && b.post(ctx, s, e.Frame) {
						left.Add(-1)
					}
					return nil
				})
			}
			return ctx.Err()
		})
		if err != nil {
			break
		}
		read++
	}
	_ = posts.Wait() // a post that fails is given up
	for done < read && pending[done].Load() == 0 {
		done++
	}
	if err == nil && done < len(broadcasts) {
		err = fmt.Errorf("time ran out: %w", context.Cause(ctx))
	}
	return done, err
}

// turns lets the posts to one connection follow each other.
type turns map[pusher.ConnectionID]chan struct{}

// take returns what to wait for, nil for nothing, and what ends the turn.
func (t turns) take(id pusher.ConnectionID) (before <-chan struct{}, end func()) {
	mine := make(chan struct{})
	before, t[id] = t[id], mine
	return before, func() { close(mine) }
}

// wait waits for a turn, and reports whether there is time left.
func wait(ctx context.Context, turn <-chan struct{}) bool {
	if turn != nil {
		select {
		case <-ctx.Done():
			return false
		case <-turn:
		}
	}
	return ctx.Err() == nil
}

// post delivers to one subscriber or gives it up; it reports false only if time ran out.
func (b *Broadcaster) post(ctx context.Context, s pusher.Subscription, frame []byte) bool {
	err := b.Sender.Send(ctx, s.Connection, frame)
	if errors.Is(err, pusher.ErrGone) {
		err = b.gone(ctx, s, frame)
	}
	if err == nil {
		return true
	}
	if ctx.Err() != nil {
		return false
	}
	b.Log.WarnContext(ctx, "event dropped for one client", "app", s.App, "channel", s.Channel, "connection", s.Connection, "error", err)
	return true
}

// gone forgets a client whose connection is said to be gone: $disconnect is best effort, so its rows are removed here too. Of a
// connection that has only just opened the gateway is asked once more, and it gets the frame again if it is there.
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
	return b.Forget.Gone(ctx, s)
}

func (b *Broadcaster) now() time.Time {
	if b.Now != nil {
		return b.Now()
	}
	return time.Now()
}
