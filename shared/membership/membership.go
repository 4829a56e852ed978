package membership

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"hark/shared/pusher"
)

// Membership runs the steps. It keeps nothing between calls and is safe for concurrent use.
type Membership struct {
	Store   Store
	Sockets Sockets          // unused by a function that only hears of $disconnect
	Timeout time.Duration    // how long a function may run: a frame younger than that may still be at work
	Now     func() time.Time // time.Now if nil
	Nonce   func() string    // unique; random if nil
}

// remembered is how long C keeps the stamp of an unsubscribe, so that a subscribe which it overtook is refused.
const remembered = time.Minute

// again is when Sweep looks at a connection that Forget left in doubt: no frame can be at work that long.
const again = 2 * time.Minute

// Open writes the row of a new connection: without one, no frame of it is served.
func (m *Membership) Open(ctx context.Context, c pusher.Connection) error {
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
