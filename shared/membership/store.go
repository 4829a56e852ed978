package membership

import (
	"context"
	"time"

	"hark/shared/pusher"
)

// Store holds the rows. Every read is strongly consistent and every write atomic; a write on a condition reports whether
// the condition held.
type Store interface {
	Connections
	Subscriptions
	Markers
	Leases
}

// Connections are the C rows.
type Connections interface {
	// PutConnection writes the row of a new connection.
	PutConnection(ctx context.Context, c pusher.Connection) error
	// Connection reads the row; it fails with pusher.ErrGone if there is none.
	Connection(ctx context.Context, id pusher.ConnectionID) (pusher.Connection, error)
	// TurnOn sets on[ch] to t, removes off[ch] and the offs stamped before stale, if the row exists and is not dead, and neither
	// on[ch] nor off[ch] is newer than t. It fails with a *pusher.Error if the connection has no room for one more channel.
	TurnOn(ctx context.Context, c pusher.Connection, ch pusher.Channel, t, stale pusher.Stamp) (bool, error)
	// TurnOff removes on[ch], sets off[ch] to t and removes the offs stamped before stale, if the row exists and is not dead,
	// on[ch] is older than t, and off[ch] is not newer.
	TurnOff(ctx context.Context, c pusher.Connection, ch pusher.Channel, t, stale pusher.Stamp) (bool, error)
	// MarkDead sets the row dead and returns it as it is then; it fails with pusher.ErrGone if there is none.
	MarkDead(ctx context.Context, id pusher.ConnectionID) (pusher.Connection, error)
	// DeleteConnection removes the row if it is there.
	DeleteConnection(ctx context.Context, id pusher.ConnectionID) error
}

// Subscriptions are the S rows.
type Subscriptions interface {
	// PutSubscription writes the row if there is none or its stamp is not newer.
	PutSubscription(ctx context.Context, s pusher.Subscription) (bool, error)
	// DropSubscription removes the row if it has just this stamp.
	DropSubscription(ctx context.Context, s pusher.Subscription) error
	// DropOlderSubscription removes the row if its stamp is older than this one.
	DropOlderSubscription(ctx context.Context, s pusher.Subscription) error
	// TakeSubscription removes the row whatever its stamp, and returns that stamp; 0 if there was no row.
	TakeSubscription(ctx context.Context, s pusher.Subscription) (pusher.Stamp, error)
	// Occupied reports whether the channel has any S row, expired ones included.
	Occupied(ctx context.Context, app string, ch pusher.Channel) (bool, error)
}

// Markers are the K rows.
type Markers interface {
	// ConnectionAndMarker reads both rows at once. A connection that is missing comes back dead.
	ConnectionAndMarker(ctx context.Context, c pusher.Connection, ch pusher.Channel) (pusher.Connection, pusher.Marker, error)
	// Marker reads the row.
	Marker(ctx context.Context, app string, ch pusher.Channel) (pusher.Marker, error)
	// PutMarker writes the row if there is none.
	PutMarker(ctx context.Context, app string, ch pusher.Channel) (bool, error)
	// MarkVacant sets vac to the nonce if the row exists and has no vac.
	MarkVacant(ctx context.Context, app string, ch pusher.Channel, nonce string) (bool, error)
	// Reopen removes vac if it is the nonce.
	Reopen(ctx context.Context, app string, ch pusher.Channel, nonce string) (bool, error)
	// DeleteMarker removes the row if vac is the nonce.
	DeleteMarker(ctx context.Context, app string, ch pusher.Channel, nonce string) error
}

// Leases tell Sweep which connections to look at, and when.
type Leases interface {
	// PutLease makes the connection due at a minute.
	PutLease(ctx context.Context, id pusher.ConnectionID, due time.Time) error
	// Due returns the connections that are due in that minute.
	Due(ctx context.Context, minute time.Time) ([]pusher.ConnectionID, error)
	// DeleteLease removes a lease that has been looked at.
	DeleteLease(ctx context.Context, id pusher.ConnectionID, due time.Time) error
	// Swept returns the last minute that Sweep has finished; the zero time if it never has.
	Swept(ctx context.Context) (time.Time, error)
	// SetSwept notes it.
	SetSwept(ctx context.Context, minute time.Time) error
}

// Sockets ends connections.
type Sockets interface {
	// Close closes the connection's socket; one that is gone already is no error.
	Close(ctx context.Context, id pusher.ConnectionID) error
}
