package membership

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"time"

	"hark/shared/pusher"
)

// Membership runs the steps. It keeps nothing between calls and is safe for concurrent use. A function fills in what its steps use:
// one that only forgets needs no Crowd, one that serves no frames no Sockets.
type Membership struct {
	Store   Store
	Apps    Apps
	Sockets Sockets
	Queue   Queue
	Crowd   Crowd
	Checks  Checks           // nil if the stack has no webhooks, or the function changes no channel: then markers are removed by whoever finds the channel empty
	Notices Notices          // nil if the stack has no webhooks
	Timeout time.Duration    // how long a function may run: a frame younger than that may still be at work
	Now     func() time.Time // time.Now if nil
	Nonce   func() string    // unique; random if nil
	Log     *slog.Logger
}

// Apps finds an app; it fails with pusher.ErrNoApp if there is none.
type Apps interface {
	ByID(ctx context.Context, id string) (pusher.App, error)
}

// remembered is how long C keeps the stamp of an unsubscribe, so that a subscribe which it overtook is refused.
const remembered = time.Minute

// again is when Sweep looks at a connection that Forget left in doubt: no frame can be at work that long.
const again = 2 * time.Minute

// Open writes the row of a new connection: without one, no frame of it is served. It fails with a *pusher.Error if the app has
// as many connections as it may have; two that come at once may both be let in.
func (m *Membership) Open(ctx context.Context, app pusher.App, c pusher.Connection) error {
	if app.MaxConnections > 0 {
		n, err := m.Store.OpenConnections(ctx, app.ID)
		if err != nil {
			return err
		}
		if n >= app.MaxConnections {
			return pusher.Errorf(pusher.CodeQuota, "Application is over connection quota: %d of %d connections are open", n, app.MaxConnections)
		}
		c.Counted = true // and uncounted by whoever deletes the row: should nobody, Sweep
		if err := m.Store.PutLease(ctx, c.ID, c.ConnectedAt.Add(pusher.RowLife)); err != nil {
			return err
		}
	}
	return m.Store.PutConnection(ctx, c)
}

// Connection returns a connection that may subscribe. For one that is missing or dead it closes the socket, since a client
// that was forgotten must come back rather than stay deaf, and fails with pusher.ErrGone.
func (m *Membership) Connection(ctx context.Context, id pusher.ConnectionID) (pusher.Connection, error) {
	c, err := m.Store.Connection(ctx, id)
	if err == nil && c.Dead {
		err = pusher.ErrGone
	}
	if errors.Is(err, pusher.ErrGone) {
		if err := m.Sockets.Close(ctx, id); err != nil {
			return pusher.Connection{}, err
		}
	}
	return c, err
}

// Work does what the one consumer of a channel's group does beside posting events. After an error it must be done again, before
// anything else of the group.
func (m *Membership) Work(ctx context.Context, b pusher.Broadcast) error {
	switch b.Kind {
	case pusher.KindJoin:
		return m.join(ctx, b)
	case pusher.KindLeave:
		return m.leave(ctx, b)
	case pusher.KindCount:
		return m.tellCount(ctx, b.App, b.Channel)
	case pusher.KindWatch:
		return m.tellWatchers(ctx, b)
	default: // of a version that is not ours, or an event
		m.Log.ErrorContext(ctx, "broadcast dropped: its kind is unknown", "app", b.App, "channel", b.Channel, "kind", b.Kind)
		return nil
	}
}

// tell posts a frame that the client cannot do without. One that does not get it is closed: it comes back, and learns everything
// anew. It fails only for reasons that are not the client's.
func (m *Membership) tell(ctx context.Context, id pusher.ConnectionID, frame []byte) error {
	err := m.Sockets.Send(ctx, id, frame)
	if ctx.Err() == nil && (errors.Is(err, pusher.ErrGone) || errors.Is(err, pusher.ErrBusy)) {
		return m.Sockets.Close(ctx, id)
	}
	return err
}

func (m *Membership) now() time.Time {
	if m.Now != nil {
		return m.Now()
	}
	return time.Now()
}

func (m *Membership) nonce() string {
	if m.Nonce != nil {
		return m.Nonce()
	}
	return rand.Text()
}

// before is the stamp of a moment that long ago.
func (m *Membership) before(d time.Duration) pusher.Stamp {
	return pusher.Stamp(m.now().Add(-d).UnixMilli())
}
