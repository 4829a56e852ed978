package fanout

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
	"hark/shared/state"
)

// Subscribers reads the subscriptions of channels.
type Subscribers interface {
	// Subscribers hands over all subscriptions that had not expired at now, in pages.
	Subscribers(
		ctx context.Context, app string, ch pusher.Channel, now time.Time,
		page func([]state.Subscription) error,
	) error
	// Subscription reads one of them again.
	Subscription(
		ctx context.Context, app string, ch pusher.Channel, id pusher.ConnectionID,
	) (s state.Subscription, found bool, err error)
}

// Forgetter removes the rows of connections that are gone.
type Forgetter interface {
	// Gone forgets the connection of a subscription whose post was answered 410.
	Gone(ctx context.Context, s state.Subscription) error
}

// Cache keeps the newest event of cache channels.
type Cache interface {
	// PutCached replaces the channel's cached event.
	PutCached(
		ctx context.Context, app string, ch pusher.Channel,
		frame []byte, version string, now time.Time,
	) error
}

// Gateway posts to connections.
type Gateway interface {
	// Post posts one frame. It fails with state.ErrGone if the connection does not exist, and with
	// state.ErrBusy if it took no frame for the gateway's patience.
	Post(ctx context.Context, id pusher.ConnectionID, frame []byte) error
	// Alive asks whether the connection exists.
	Alive(ctx context.Context, id pusher.ConnectionID) (bool, error)
	// Close ends the connection.
	Close(ctx context.Context, id pusher.ConnectionID) error
}

// Fanout posts to the subscribers of channels. It is safe for concurrent use.
type Fanout struct {
	Subscribers   Subscribers
	Forgetter     Forgetter
	Cache         Cache
	Gateway       Gateway
	ClientsAtOnce int              // connections served at the same time; 1 if 0
	Now           func() time.Time // time.Now if nil
	Log           *slog.Logger
}

// roundPosts is about how many posts are made before the next events are begun. Events of a large
// channel thus end one after another, and those that have ended are not repeated when time runs
// out.
const roundPosts = 5000

// recipient is a subscriber during a call of Events.
type recipient struct {
	state.Subscription
	version string // of the event, if it is cached
	lost    error  // why nothing more is posted to it
}

// has reports whether the recipient was sent the event when it subscribed.
func (r *recipient) has() bool { return r.version != "" && r.Cached == r.version }

// Events posts one or more events of one channel to every subscriber, except the connection that
// caused each. A cached event must come alone, because a client that subscribes between two must
// find the first.
//
// Each subscriber gets the events one after another. No subscriber waits for another's post, but
// the call returns only when all posts have ended, so that nothing posted afterwards overtakes
// them. A client that takes no frame for the gateway's patience gets no more events of this call,
// so that it holds the call up once and not once for each event.
//
// done counts the events, from the first on, that every subscriber has or missed for good. err says
// why the next one must be posted again, also to subscribers that have it: the subscribers could
// not be read, or time ran out.
func (f *Fanout) Events(ctx context.Context, events []state.Event) (done int, err error) {
	version, err := f.keep(ctx, events[0])
	if err != nil {
		return 0, err
	}
	// One read serves all events: all were published before it.
	all, err := f.recipients(ctx, events[0].App, events[0].Channel, version)
	if err != nil {
		return 0, err
	}
	atOnce := max(1, roundPosts/max(1, len(all)))
	for done < len(events) {
		n, err := f.round(ctx, all, events[done:min(done+atOnce, len(events))])
		done += n
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// keep caches an event of a cache channel and returns its version. It does so before the
// subscribers are read: a client that subscribes too late to be among them finds the event in the
// cache.
func (f *Fanout) keep(ctx context.Context, e state.Event) (version string, err error) {
	if !e.Cache {
		return "", nil
	}
	version = rand.Text()
	return version, f.Cache.PutCached(ctx, e.App, e.Channel, e.Frame, version, f.now())
}

func (f *Fanout) recipients(
	ctx context.Context, app string, ch pusher.Channel, version string,
) (all []*recipient, err error) {
	err = f.Subscribers.Subscribers(ctx, app, ch, f.now(), func(page []state.Subscription) error {
		for _, s := range page {
			all = append(all, &recipient{Subscription: s, version: version})
		}
		return ctx.Err()
	})
	return all, err
}

// round posts events to all recipients and waits until all posts have ended.
func (f *Fanout) round(
	ctx context.Context, all []*recipient, events []state.Event,
) (done int, err error) {
	var posts errgroup.Group
	posts.SetLimit(max(f.ClientsAtOnce, 1))
	ended := make([]atomic.Int64, len(events)) // for each event, how many recipients are through
	for _, r := range all {
		posts.Go(func() error { return f.serve(ctx, r, events, ended) })
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

// serve posts to one recipient its events, in order, until time runs out. It posts nothing more to
// a recipient that is gone or takes no frame. It fails only by a panic.
func (f *Fanout) serve(
	ctx context.Context, r *recipient, events []state.Event, ended []atomic.Int64,
) (failed error) {
	defer invocation.Recovered(&failed) // a panic must not end the other channels' deliveries
	if r.Pending && r.lost == nil {
		r.lost = f.await(ctx, r)
	}
	for i, e := range events {
		err := r.lost
		if err == nil && !r.has() && (e.Except == "" || r.Connection.SocketID() != e.Except) {
			err = f.post(ctx, r.Subscription, e.Frame)
		}
		if err != nil && ctx.Err() != nil {
			return nil // neither this event nor those behind it have ended
		}
		if errors.Is(err, state.ErrGone) || errors.Is(err, state.ErrBusy) {
			r.lost = err
		}
		if err != nil && !errors.Is(err, state.ErrGone) {
			f.Log.WarnContext(ctx, "event dropped for one client",
				"app", r.App, "channel", r.Channel, "connection", r.Connection, "error", err)
		}
		ended[i].Add(1)
	}
	return nil
}
