package socket

import (
	"context"
	"log/slog"
	"time"

	"hark/shared/pusher"
	"hark/shared/state"
)

// Server answers the frames of open connections. It is safe for concurrent use. For the limits in
// limits.go it remembers a little about the connections whose frames it answered lately.
type Server struct {
	Apps       Apps
	Membership Membership
	Bans       Bans
	Rates      Rates
	Publisher  Publisher
	Webhooks   Webhooks // nil if the stack has no webhooks
	Gateway    Gateway
	Log        *slog.Logger

	clients clients
}

// Gateway posts to connections and ends them.
type Gateway interface {
	// Post posts one frame. It fails with state.ErrGone if the connection does not exist, not yet
	// or no longer, and with state.ErrBusy if it took no frame for the gateway's patience.
	Post(ctx context.Context, id pusher.ConnectionID, frame []byte) error
	// Close ends a connection. It is no error if the connection is gone already.
	Close(ctx context.Context, id pusher.ConnectionID) error
}

// Apps finds an app. Both methods fail with pusher.ErrNoApp if there is none.
type Apps interface {
	ByKey(ctx context.Context, key string) (pusher.App, error)
	ByID(ctx context.Context, id string) (pusher.App, error)
}

// Membership runs the steps of subscriptions and sign-ins, and sends the frames that report them. A
// *pusher.Error from it is a refusal, which the Server sends.
type Membership interface {
	// Connection fails with state.ErrGone for a connection whose frames must not be served any
	// more, and closes it.
	Connection(ctx context.Context, id pusher.ConnectionID) (state.Connection, error)
	// Subscribe puts a connection on a channel without presence.
	Subscribe(
		ctx context.Context, app pusher.App, c state.Connection, ch pusher.Channel, t state.Stamp,
	) error
	// SubscribePresence puts a connection on a presence channel, as that member.
	SubscribePresence(
		ctx context.Context, c state.Connection, ch pusher.Channel, m pusher.Member, t state.Stamp,
	) error
	// SubscribeUser answers a subscribe to the channel of the user that the connection is signed in
	// as.
	SubscribeUser(ctx context.Context, c state.Connection, ch pusher.Channel) error
	// Unsubscribe takes a connection off a channel, with presence or without.
	Unsubscribe(
		ctx context.Context, app pusher.App, c state.Connection, ch pusher.Channel, t state.Stamp,
	) error
	// SignIn signs a connection in as the user. userData is the text that the app has signed.
	SignIn(
		ctx context.Context, app pusher.App, c state.Connection, u pusher.User, userData string,
	) error
	// Subscribed reports whether a connection is on a channel, and on a presence channel as which
	// member.
	Subscribed(
		ctx context.Context, c state.Connection, ch pusher.Channel,
	) (m pusher.Member, on bool, err error)
}

// Bans knows which users are banned. The Server asks it only for apps that ban users.
type Bans interface {
	// Banned returns until when the user is banned, which may have passed; the zero time if the
	// user never was.
	Banned(ctx context.Context, app, user string) (until time.Time, err error)
}

// Rates counts the frames of connections.
type Rates interface {
	// CountFrame returns how many frames the connection has sent, this one included, under that
	// name within the fixed window of time that t is in.
	CountFrame(
		ctx context.Context, id pusher.ConnectionID, name string, window time.Duration,
		t state.Stamp,
	) (int, error)
}

// Publisher queues client events for the subscribers of their channels.
type Publisher interface {
	// Publish queues messages. Once it has returned nil, they will be delivered.
	Publish(ctx context.Context, messages ...state.Broadcast) error
}

// Webhooks sends webhook events to apps.
type Webhooks interface {
	// Notify queues a webhook event. Once it has returned nil, the event will be sent.
	Notify(ctx context.Context, app pusher.App, event pusher.WebhookEvent) error
}

// send posts a frame to a client that may have left meanwhile.
func send(
	ctx context.Context, gateway Gateway, log *slog.Logger, id pusher.ConnectionID, frame []byte,
) {
	if err := gateway.Post(ctx, id, frame); err != nil {
		log.WarnContext(ctx, "frame not sent", "connection", id, "error", err)
	}
}
