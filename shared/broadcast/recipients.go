package broadcast

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"hark/shared/invocation"
	"hark/shared/pusher"
)

// How long a subscriber may take to be told that it is one, and after which pauses its row is looked at meanwhile. The function that
// tells it is done in milliseconds; one that takes longer has died, or its table is slow, which many looks would make slower.
const (
	settleFor   = 3 * time.Second
	settleFirst = 20 * time.Millisecond
	settleMost  = 160 * time.Millisecond
)

// Tell posts one frame to all of the subscriptions, whatever their state, and returns when all posts have ended. Who could not be
// told is closed: it comes back, and learns everything anew. It fails if time ran out, by a panic, or if somebody who was not told could
// not be closed either: then all must be told again.
func (b *Broadcaster) Tell(ctx context.Context, subscribers []pusher.Subscription, frame []byte) error {
	var posts errgroup.Group
	posts.SetLimit(max(b.Parallel, 1))
	for _, s := range subscribers {
		posts.Go(func() (failed error) {
			defer invocation.Recovered(&failed)
			err := b.post(ctx, s, frame)
			if err == nil || errors.Is(err, pusher.ErrGone) {
				return nil
			}
			if ctx.Err() != nil {
				return fmt.Errorf("time ran out: %w", context.Cause(ctx))
			}
			b.Log.WarnContext(ctx, "client closed: it could not be told what has changed",
				"app", s.App, "channel", s.Channel, "connection", s.Connection, "error", err)
			return b.Sender.Close(ctx, s.Connection)
		})
	}
	return posts.Wait()
}

// await waits until a recipient whose subscription is pending has been told that it is subscribed: no event may come to it before. It
// fails with pusher.ErrGone for one that has left meanwhile. One that is not told in time never will be, and is closed; on a
// presence channel at once, since there nobody else could be at work on it.
func (b *Broadcaster) await(ctx context.Context, r *recipient) error {
	var unread error
	pause := settleFirst
	for end := time.Now().Add(settleFor); !r.Channel.Presence() && time.Now().Before(end); pause = min(2*pause, settleMost) {
		if err := sleep(ctx, pause); err != nil {
			return err
		}
		s, found, err := b.Subscribers.Subscription(ctx, r.App, r.Channel, r.Connection)
		switch {
		case err != nil: // as good as still pending
			unread = err
		case !found:
			return pusher.ErrGone
		case !s.Pending:
			r.Pending, r.Cached = false, s.Cached
			return nil
		}
	}
	if err := b.Sender.Close(ctx, r.Connection); err != nil {
		return err
	}
	if unread != nil {
		return fmt.Errorf("not known to be subscribed, and closed: %w: %w", pusher.ErrBusy, unread)
	}
	return fmt.Errorf("not told that it is subscribed, and closed: %w", pusher.ErrBusy)
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
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
	if err := b.Members.Gone(ctx, s); err != nil {
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
