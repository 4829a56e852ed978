package membership

import (
	"context"
	"errors"

	"hark/shared/pusher"
	"hark/shared/state"
)

// Connections are the rows of connections: C of docs/steps.md §3.
type Connections interface {
	// PutConnection writes the row of a new connection. A counted one is added to the app's open
	// connections by the same write.
	PutConnection(ctx context.Context, c state.Connection) error
	// Connection reads the row; it fails with state.ErrGone if there is none.
	Connection(ctx context.Context, id pusher.ConnectionID) (state.Connection, error)
	// SignIn sets the user, if the row exists, is not dead, and has no other user.
	SignIn(ctx context.Context, id pusher.ConnectionID, u pusher.User) (bool, error)
	// MarkDead sets the row dead and returns it as it is then; it fails with state.ErrGone if there
	// is none.
	MarkDead(ctx context.Context, id pusher.ConnectionID) (state.Connection, error)
	// DeleteConnection removes the row if it exists. A counted one is subtracted from the app's
	// open connections by the same write.
	DeleteConnection(ctx context.Context, c state.Connection) error
	// OpenConnections returns how many counted connections the app has.
	OpenConnections(ctx context.Context, app string) (int, error)
}

// Open writes the row of a new connection; without the row no frame of it is served. It fails with
// a *pusher.Error if the app has as many connections as it may have. Two that come at the same
// moment may both be let in (docs/decisions/0040-maximum-connections.md).
func (m *Membership) Open(ctx context.Context, app pusher.App, c state.Connection) error {
	if app.MaxConnections > 0 {
		n, err := m.Connections.OpenConnections(ctx, app.ID)
		if err != nil {
			return err
		}
		if n >= app.MaxConnections {
			return pusher.Errorf(pusher.CodeQuota,
				"Application is over connection quota: %d of %d connections are open",
				n, app.MaxConnections)
		}
		// The function that deletes the row subtracts it. If none does, the lease makes sweep do
		// so.
		c.Counted = true
		if err := m.Leases.PutLease(ctx, c.ID, c.ConnectedAt.Add(state.RowLife)); err != nil {
			return err
		}
	}
	return m.Connections.PutConnection(ctx, c)
}

// Connection returns a connection that may subscribe. If its row is missing or dead it closes the
// connection and fails with state.ErrGone: a client that was forgotten must come back, because it
// would get no events.
func (m *Membership) Connection(
	ctx context.Context, id pusher.ConnectionID,
) (state.Connection, error) {
	c, err := m.Connections.Connection(ctx, id)
	if err == nil && c.Dead {
		err = state.ErrGone
	}
	if errors.Is(err, state.ErrGone) {
		if err := m.Gateway.Close(ctx, id); err != nil {
			return state.Connection{}, err
		}
	}
	return c, err
}
