package broadcast

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"hark/shared/invocation"
	"hark/shared/pusher"
)

// Subscribers are who an event is for.
type Subscribers interface {
	// Subscribers hands over all that had not expired by then, in pages.
	Subscribers(ctx context.Context, app string, ch pusher.Channel, now time.Time, page func([]pusher.Subscription) error) error
	// Subscription reads one again.
	Subscription(ctx context.Context, app string, ch pusher.Channel, id pusher.ConnectionID) (s pusher.Subscription, found bool, err error)
}

// Members does what is neither an event nor ours to understand, and removes a client that has gone.
type Members interface {
	// Work does one broadcast of another kind than events. If it fails it must be done again, before anything that follows.
	Work(ctx context.Context, b pusher.Broadcast) error
	Gone(ctx context.Context, s pusher.Subscription) error
}

// Cache keeps the newest event of cache channels.
type Cache interface {
	PutCached(ctx context.Context, app string, ch pusher.Channel, frame []byte, version string, now time.Time) error
}

// Sender posts to connections.
type Sender interface {
	// Send fails with pusher.ErrGone if the connection is not there, with pusher.ErrBusy if it took nothing for long enough.
	Send(ctx context.Context, id pusher.ConnectionID, frame []byte) error
	// Alive asks whether the connection is there.
	Alive(ctx context.Context, id pusher.ConnectionID) (bool, error)
	// Close ends the connection.
	Close(ctx context.Context, id pusher.ConnectionID) error
}

// Broadcaster fans events out.
type Broadcaster struct {
	Subscribers Subscribers
	Members     Members
	Cache       Cache
	Sender      Sender
	Parallel    int              // posts at once for one event; 1 if 0
	Now         func() time.Time // time.Now if nil
	Log         *slog.Logger
}

// young is the age up to which a 410 does not prove that a connection has gone: users saw them for messages that arrived
// (aws-facts.md §A5).
const young = 10 * time.Second

// Deliver posts broadcasts to every subscriber of their channel except the one that caused each. A subscriber gets them one
// after another; nobody waits for somebody else's post, but the call returns only when all posts have ended, so that what comes
// after it overtakes nothing. A client that took nothing for the sender's patience is given up for its channel's part of the
// call: it may cost a batch its patience once, not once for each event. done counts the broadcasts, from the first on, that
// everybody has or was given up for. err tells why the next one must be delivered again, also to those who have it: its
// subscribers could not be read, or time ran out.
func (b *Broadcaster) Deliver(ctx context.Context, broadcasts []pusher.Broadcast) (done int, err error) {
	for done < len(broadcasts) {
		if broadcasts[done].Kind != pusher.KindEvent {
			if err := b.Members.Work(ctx, broadcasts[done]); err != nil {
				return done, err
			}
			done++
			continue
		}
		n, err := b.deliver(ctx, events(broadcasts[done:]))
		done += n
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// events returns the broadcasts, from the first on, that are events for the same channel. In a queue's group all are for one, but
// for two channels whose hashes meet. One that is kept stands alone: whoever subscribes between two of them must find the first.
func events(broadcasts []pusher.Broadcast) []pusher.Broadcast {
	first := broadcasts[0]
	for i, e := range broadcasts {
		if e.Kind != pusher.KindEvent || e.App != first.App || e.Channel != first.Channel || i > 0 && (e.Cache || first.Cache) {
			return broadcasts[:i]
		}
	}
	return broadcasts
}

// roundPosts is about how many posts are made before the next events are begun. Events of a large channel thus end one after
// another, and what has ended need not come again when time runs out.
const roundPosts = 5000

// recipient is a subscriber during a call.
type recipient struct {
	pusher.Subscription
	version string // of the event, if it is one that is kept
	lost    error  // why it is asked no more
}

// has reports whether the recipient was told the event when it subscribed.
func (r *recipient) has() bool { return r.version != "" && r.Cached == r.version }

// deliver posts broadcasts of one channel. Its subscribers are read once for all of them: all had been published before.
func (b *Broadcaster) deliver(ctx context.Context, broadcasts []pusher.Broadcast) (done int, err error) {
	version, err := b.keep(ctx, broadcasts[0])
	if err != nil {
		return 0, err
	}
	var all []*recipient
	err = b.Subscribers.Subscribers(ctx, broadcasts[0].App, broadcasts[0].Channel, b.now(), func(page []pusher.Subscription) error {
		for _, s := range page {
			all = append(all, &recipient{Subscription: s, version: version})
		}
		return ctx.Err()
	})
	if err != nil {
		return 0, err
	}
	atOnce := max(1, roundPosts/max(1, len(all)))
	for done < len(broadcasts) {
		n, err := b.round(ctx, all, broadcasts[done:min(done+atOnce, len(broadcasts))])
		done += n
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// keep writes an event down that is to be kept, and returns its version. It comes before the subscribers are read: who subscribes too
// late to be among them finds it.
func (b *Broadcaster) keep(ctx context.Context, e pusher.Broadcast) (version string, err error) {
	if !e.Cache {
		return "", nil
	}
	version = rand.Text()
	return version, b.Cache.PutCached(ctx, e.App, e.Channel, e.Frame, version, b.now())
}

// round posts broadcasts to all recipients and waits for them.
func (b *Broadcaster) round(ctx context.Context, all []*recipient, broadcasts []pusher.Broadcast) (done int, err error) {
	var posts errgroup.Group
	posts.SetLimit(max(b.Parallel, 1))
	ended := make([]atomic.Int64, len(broadcasts)) // how many recipients are through with each
	for _, r := range all {
		posts.Go(func() error { return b.serve(ctx, r, broadcasts, ended) })
	}
	if err := posts.Wait(); err != nil {
		return 0, err
	}
	for done < len(ended) && ended[done].Load() == int64(len(all)) {
		done++
	}
	if done < len(ended) {
		return done, fmt.Errorf("time ran out: %w", context.Cause(ctx))
	}
	return done, nil
}

// serve posts to one recipient what it is to get, in order, until time runs out. One that has gone or takes nothing is asked
// no more. It fails only by a panic.
func (b *Broadcaster) serve(ctx context.Context, r *recipient, broadcasts []pusher.Broadcast, ended []atomic.Int64) (failed error) {
	defer invocation.Recovered(&failed) // it must not end the process, and with it the other channels' deliveries
	if r.Pending && r.lost == nil {
		r.lost = b.await(ctx, r)
	}
	for i, e := range broadcasts {
		err := r.lost
		if err == nil && !r.has() && (e.Except == "" || r.Connection.SocketID() != e.Except) {
			err = b.post(ctx, r.Subscription, e.Frame)
		}
		if err != nil && ctx.Err() != nil {
			return nil // neither this event nor those behind it have ended
		}
		if errors.Is(err, pusher.ErrGone) || errors.Is(err, pusher.ErrBusy) {
			r.lost = err
		}
		if err != nil && !errors.Is(err, pusher.ErrGone) {
			b.Log.WarnContext(ctx, "event dropped for one client",
				"app", r.App, "channel", r.Channel, "connection", r.Connection, "error", err)
		}
		ended[i].Add(1)
	}
	return nil
}
