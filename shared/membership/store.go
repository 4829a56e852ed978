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
	Users
	Memories
	Leases
}

// Connections are the C rows.
type Connections interface {
	// PutConnection writes the row of a new connection; one that is counted is added to the app's open connections by the same write.
	PutConnection(ctx context.Context, c pusher.Connection) error
	// Connection reads the row; it fails with pusher.ErrGone if there is none.
	Connection(ctx context.Context, id pusher.ConnectionID) (pusher.Connection, error)
	// TurnOn sets on[ch] to t, removes off[ch] and the offs stamped before stale, if the row exists and is not dead, and neither
	// on[ch] nor off[ch] is newer than t. It fails with a *pusher.Error if the connection has no room for one more channel.
	TurnOn(ctx context.Context, c pusher.Connection, ch pusher.Channel, t, stale pusher.Stamp) (bool, error)
	// TurnOff removes on[ch], sets off[ch] to t and removes the offs stamped before stale, if the row exists and is not dead,
	// on[ch] is older than t, and off[ch] is not newer.
	TurnOff(ctx context.Context, c pusher.Connection, ch pusher.Channel, t, stale pusher.Stamp) (bool, error)
	// TurnBack removes on[ch] and sets off[ch] to t, if on[ch] is t: that subscribe was refused.
	TurnBack(ctx context.Context, id pusher.ConnectionID, ch pusher.Channel, t pusher.Stamp) error
	// SignIn sets the user, if the row exists and is not dead, and nobody else is signed in.
	SignIn(ctx context.Context, id pusher.ConnectionID, u pusher.User) (bool, error)
	// MarkDead sets the row dead and returns it as it is then; it fails with pusher.ErrGone if there is none.
	MarkDead(ctx context.Context, id pusher.ConnectionID) (pusher.Connection, error)
	// DeleteConnection removes the row if it is there; one that is counted leaves the app's open connections by the same write.
	DeleteConnection(ctx context.Context, c pusher.Connection) error
	// OpenConnections returns how many counted connections the app has.
	OpenConnections(ctx context.Context, app string) (int, error)
}

// Subscriptions are the S rows.
type Subscriptions interface {
	// PutSubscription writes the row if there is none or its stamp is not newer.
	PutSubscription(ctx context.Context, s pusher.Subscription) (bool, error)
	// Subscription reads the row; found tells whether there is one.
	Subscription(ctx context.Context, app string, ch pusher.Channel, id pusher.ConnectionID) (s pusher.Subscription, found bool, err error)
	// Settle removes pending and notes the cached event that the client was told, if the row has just this stamp.
	Settle(ctx context.Context, s pusher.Subscription) (bool, error)
	// DropSubscription removes the row if it has just this stamp.
	DropSubscription(ctx context.Context, s pusher.Subscription) error
	// DropOlderSubscription removes the row if its stamp is older than this one.
	DropOlderSubscription(ctx context.Context, s pusher.Subscription) error
	// TakeSubscription removes the row whatever its stamp, and returns that stamp; 0 if there was no row.
	TakeSubscription(ctx context.Context, s pusher.Subscription) (pusher.Stamp, error)
	// Occupied reports whether the channel has any S row, expired ones included.
	Occupied(ctx context.Context, app string, ch pusher.Channel) (bool, error)
	// Subscribers hands over the rows that had not expired by then, in pages.
	Subscribers(ctx context.Context, app string, ch pusher.Channel, now time.Time, page func([]pusher.Subscription) error) error
	// Members returns all S rows of a presence channel, expired ones included, with their members.
	Members(ctx context.Context, app string, ch pusher.Channel) ([]pusher.Subscription, error)
	// Count counts the rows that had not expired by then.
	Count(ctx context.Context, app string, ch pusher.Channel, now time.Time) (int, error)
}

// Markers are the K rows.
type Markers interface {
	// ConnectionAndMarker reads both rows at once. A connection that is missing comes back dead.
	ConnectionAndMarker(ctx context.Context, c pusher.Connection, ch pusher.Channel) (pusher.Connection, pusher.Marker, error)
	// Marker reads the row.
	Marker(ctx context.Context, app string, ch pusher.Channel) (pusher.Marker, error)
	// PutMarker writes the row if there is none, as of now.
	PutMarker(ctx context.Context, app string, ch pusher.Channel, now time.Time) (bool, error)
	// MarkVacant sets vac to the nonce if the row exists and has no vac, or that one: a write may be repeated whose answer was lost.
	MarkVacant(ctx context.Context, app string, ch pusher.Channel, nonce string) (bool, error)
	// Reopen removes vac if it is the nonce.
	Reopen(ctx context.Context, app string, ch pusher.Channel, nonce string) (bool, error)
	// DeleteMarker removes the row if vac is the nonce.
	DeleteMarker(ctx context.Context, app string, ch pusher.Channel, nonce string) error
}

// Users are the rows that say who is signed in where, and who watches whom.
type Users interface {
	// PutUser writes that the connection is signed in as c.User and watches these users, over what it said before.
	PutUser(ctx context.Context, c pusher.Connection, watchlist []string) error
	// Watchlist returns whom the connection watches as the user.
	Watchlist(ctx context.Context, app, user string, id pusher.ConnectionID) ([]string, error)
	// TakeUser removes the row of the connection and user; found tells whether there was one.
	TakeUser(ctx context.Context, app, user string, id pusher.ConnectionID) (found bool, err error)
	// User reports whether any connection is signed in as the user, and what its watchers were last told.
	User(ctx context.Context, app, user string) (online bool, told pusher.Word, err error)
	// SetWord notes what they are told.
	SetWord(ctx context.Context, app, user string, word pusher.Word, now time.Time) error
	// Watch writes that the connection watches these users.
	Watch(ctx context.Context, c pusher.Connection, users []string) error
	// Unwatch removes what Watch wrote.
	Unwatch(ctx context.Context, app string, id pusher.ConnectionID, users []string) error
	// Watchers returns the connections that watch the user and had not expired by then; at most limit, all if it is 0.
	Watchers(ctx context.Context, app, user string, now time.Time, limit int) ([]pusher.Subscription, error)
}

// Memories are rows that hold what was said last, so that it is not said again.
type Memories interface {
	// Cached returns the channel's newest event that had not expired by then.
	Cached(ctx context.Context, app string, ch pusher.Channel, now time.Time) (pusher.Cached, error)
	// ToldCount returns how many its subscribers were said to be, and when; 0 and the zero time if they never were.
	ToldCount(ctx context.Context, app string, ch pusher.Channel) (n int, at time.Time, err error)
	// SetToldCount notes it.
	SetToldCount(ctx context.Context, app string, ch pusher.Channel, n int, at time.Time) error
}

// Leases tell Sweep what to look at, and when. A lease is never put into the minute that is running, so that Sweep may work on a
// minute as soon as it has begun.
type Leases interface {
	// PutLease makes the connection due at a minute.
	PutLease(ctx context.Context, id pusher.ConnectionID, due time.Time) error
	// PutCountLease makes the number of a channel's subscribers due at a minute.
	PutCountLease(ctx context.Context, app string, ch pusher.Channel, due time.Time) error
	// Due returns what is due in that minute.
	Due(ctx context.Context, minute time.Time) ([]Lease, error)
	// DeleteLease removes a lease that has been looked at.
	DeleteLease(ctx context.Context, l Lease) error
	// Swept returns the last minute that Sweep has finished; the zero time if it never has.
	Swept(ctx context.Context) (time.Time, error)
	// SetSwept notes it.
	SetSwept(ctx context.Context, minute time.Time) error
}

// Lease is something that is due. It is a word of pusher, since the store may not import what uses it.
type Lease = pusher.Lease

// Sockets posts to connections and ends them.
type Sockets interface {
	// Send posts one frame. It fails with pusher.ErrGone if the connection is not there (any more).
	Send(ctx context.Context, id pusher.ConnectionID, frame []byte) error
	// Close closes the connection's socket; one that is gone already is no error.
	Close(ctx context.Context, id pusher.ConnectionID) error
	// Alive asks whether the connection is there.
	Alive(ctx context.Context, id pusher.ConnectionID) (bool, error)
}

// Queue takes what must keep its place between a channel's events.
type Queue interface {
	// Publish queues broadcasts for the one consumer of each channel. Once it has returned nil they will be worked on.
	Publish(ctx context.Context, broadcasts ...pusher.Broadcast) error
}

// Checks has somebody look, a little later, whether the app has been told how things are by then: model.md §3, "Check".
type Checks interface {
	// Check looks whether the channel is occupied; of a presence channel, if a user is named, whether that user is there.
	Check(ctx context.Context, app string, ch pusher.Channel, user string) error
	// Missed says that somebody found no event on a cache channel.
	Missed(ctx context.Context, app string, ch pusher.Channel) error
}

// Notices tells an app by its webhooks.
type Notices interface {
	Notify(ctx context.Context, app pusher.App, n pusher.Notice) error
}

// Crowd posts one frame to many.
type Crowd interface {
	// Tell posts the frame to every one of the subscriptions and returns when all posts have ended. A connection that could not be
	// told is closed, or forgotten if it has gone. It fails if time ran out before all had been asked, or if somebody who was not told
	// could not be closed either; then it must be done again.
	Tell(ctx context.Context, subscribers []pusher.Subscription, frame []byte) error
}
