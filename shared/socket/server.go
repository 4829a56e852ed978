package socket

import (
	"context"
	"log/slog"
	"time"

	"hark/shared/pusher"
)

// Server answers the frames of open connections. It is safe for concurrent use, and remembers a little of the connections whose
// frames it has lately answered, for the limits of limits.go.
type Server struct {
	Apps      Apps
	Members   Members
	Bans      Bans
	Rates     Rates
	Publisher Publisher
	Notices   Notices // nil if the stack has no webhooks
	Sender    Sender
	Log       *slog.Logger

	clients clients
}

// Sender posts frames to connections and ends them.
type Sender interface {
	// Send posts one frame. It fails with pusher.ErrGone if the connection is not there (yet, or any more).
	Send(ctx context.Context, id pusher.ConnectionID, frame []byte) error
	// Close closes the connection; one that is gone already is no error.
	Close(ctx context.Context, id pusher.ConnectionID) error
}

// Apps finds an app; both fail with pusher.ErrNoApp if there is none.
type Apps interface {
	ByKey(ctx context.Context, key string) (pusher.App, error)
	ByID(ctx context.Context, id string) (pusher.App, error)
}

// Members knows who is subscribed and who is signed in. Whatever it decides it tells the client itself; a *pusher.Error is for the
// Server to tell.
type Members interface {
	// Connection fails with pusher.ErrGone for a connection of which no frame may be served any more, and closes it.
	Connection(ctx context.Context, id pusher.ConnectionID) (pusher.Connection, error)
	// Subscribe puts a connection into a channel without presence.
	Subscribe(ctx context.Context, app pusher.App, c pusher.Connection, ch pusher.Channel, t pusher.Stamp) error
	// Enter puts it, as that member, into a presence channel.
	Enter(ctx context.Context, c pusher.Connection, ch pusher.Channel, m pusher.Member, t pusher.Stamp) error
	// Unsubscribe takes it out of a channel of either kind.
	Unsubscribe(ctx context.Context, app pusher.App, c pusher.Connection, ch pusher.Channel, t pusher.Stamp) error
	// SignIn signs it in as the user, for whom the app has vouched with that text.
	SignIn(ctx context.Context, app pusher.App, c pusher.Connection, u pusher.User, userData string) error
	// Subscribed reports whether it is in the channel, and as whom if the channel has presence.
	Subscribed(ctx context.Context, c pusher.Connection, ch pusher.Channel) (m pusher.Member, in bool, err error)
}

// Bans knows whom an app keeps away. It is asked for apps that ban users only.
type Bans interface {
	// Banned returns until when the user is banned, which may have passed; the zero time if the user never was.
	Banned(ctx context.Context, app, user string) (until time.Time, err error)
}

// Rates counts the frames of connections.
type Rates interface {
	// CountFrame returns how many frames, with this one, the connection has sent under that name within the fixed window of time that t
	// is in.
	CountFrame(ctx context.Context, id pusher.ConnectionID, name string, window time.Duration, t pusher.Stamp) (int, error)
}

// Publisher takes the events of clients, to be delivered to their channels' subscribers.
type Publisher interface {
	Publish(ctx context.Context, broadcasts ...pusher.Broadcast) error
}

// Notices tells apps by their webhooks.
type Notices interface {
	// Notify has the app told of a notice. Once it has returned nil, it will be.
	Notify(ctx context.Context, app pusher.App, n pusher.Notice) error
}

// send posts a frame to a client that may have left meanwhile.
func send(ctx context.Context, s Sender, log *slog.Logger, id pusher.ConnectionID, frame []byte) {
	if err := s.Send(ctx, id, frame); err != nil {
		log.WarnContext(ctx, "frame not sent", "connection", id, "error", err)
	}
}
