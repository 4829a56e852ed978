package fanout

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"hark/shared/invocation"
	"hark/shared/state"
)

// How long a pending subscription is waited for, and the pauses between reads of its row. The
// function that subscribes takes milliseconds; one that takes longer has died, or its table is
// slow, which many reads would make slower.
const (
	pendingTimeout  = 3 * time.Second
	minPendingPause = 20 * time.Millisecond
	maxPendingPause = 160 * time.Millisecond
)

// youngConnection is the age up to which a 410 does not prove that a connection is gone: users have
// seen it for frames that arrived (docs/aws.md §A5).
const youngConnection = 10 * time.Second

// Post posts one frame to all of the subscriptions, pending ones included, and returns when all
// posts have ended. A client that cannot be sent the frame is closed: it comes back and learns
// everything anew. Post fails if time ran out, after a panic, or if a client could neither be sent
// the frame nor be closed; then the frame must be posted again to all.
func (f *Fanout) Post(ctx context.Context, to []state.Subscription, frame []byte) error {
	var posts errgroup.Group
	posts.SetLimit(max(f.ClientsAtOnce, 1))
	for _, s := range to {
		posts.Go(func() error { return f.postOrClose(ctx, s, frame) })
	}
	return posts.Wait()
}

func (f *Fanout) postOrClose(
	ctx context.Context, s state.Subscription, frame []byte,
) (failed error) {
	defer invocation.Recovered(&failed)
	err := f.post(ctx, s, frame)
	if err == nil || errors.Is(err, state.ErrGone) {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("time ran out: %w", context.Cause(ctx))
	}
	f.Log.WarnContext(ctx, "client closed: it could not be sent a change",
		"app", s.App, "channel", s.Channel, "connection", s.Connection, "error", err)
	return f.Gateway.Close(ctx, s.Connection)
}

// await waits until a pending subscription is settled: no event may be posted before its success.
// It fails with state.ErrGone if the client has unsubscribed meanwhile. A subscription that is not
// settled in time never will be, and its connection is closed; on a presence channel at once, since
// there only this consumer could settle it.
func (f *Fanout) await(ctx context.Context, r *recipient) error {
	var unread error
	pause := minPendingPause
	for end := time.Now().Add(pendingTimeout); !r.Channel.Presence() && time.Now().Before(end); {
		if err := sleep(ctx, pause); err != nil {
			return err
		}
		pause = min(2*pause, maxPendingPause)
		s, found, err := f.Subscribers.Subscription(ctx, r.App, r.Channel, r.Connection)
		switch {
		case err != nil: // as if it were still pending
			unread = err
		case !found:
			return state.ErrGone
		case !s.Pending:
			r.Pending, r.Cached = false, s.Cached
			return nil
		}
	}
	if err := f.Gateway.Close(ctx, r.Connection); err != nil {
		return err
	}
	if unread != nil {
		return fmt.Errorf("closed: its subscription could not be read: %w: %w",
			state.ErrBusy, unread)
	}
	return fmt.Errorf("closed: its subscription stayed pending: %w", state.ErrBusy)
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// post posts to one subscriber. If its connection is gone it is forgotten, and post fails with
// state.ErrGone.
func (f *Fanout) post(ctx context.Context, s state.Subscription, frame []byte) error {
	err := f.Gateway.Post(ctx, s.Connection, frame)
	if errors.Is(err, state.ErrGone) {
		return f.gone(ctx, s, frame)
	}
	return err
}

// gone forgets a connection for which a post was answered 410: $disconnect is best effort, so rows
// are removed here too. A connection that has only just opened is asked for once more, and is
// posted the frame again if it exists. gone fails with state.ErrGone if the connection was
// forgotten.
func (f *Fanout) gone(ctx context.Context, s state.Subscription, frame []byte) error {
	if f.now().Sub(s.ConnectedAt) < youngConnection {
		alive, err := f.Gateway.Alive(ctx, s.Connection)
		if err != nil {
			return err
		}
		if alive {
			if err := f.Gateway.Post(ctx, s.Connection, frame); !errors.Is(err, state.ErrGone) {
				return err
			}
		}
	}
	if err := f.Forgetter.Gone(ctx, s); err != nil {
		return err
	}
	return state.ErrGone
}

func (f *Fanout) now() time.Time {
	if f.Now != nil {
		return f.Now()
	}
	return time.Now()
}
