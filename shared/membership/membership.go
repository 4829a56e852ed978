package membership

import (
	"context"
	"crypto/rand"
	"log/slog"
	"time"

	"hark/shared/pusher"
	"hark/shared/state"
)

// Membership runs the steps. It keeps nothing between calls and is safe for concurrent use. A
// function fills in only what its steps use: disconnect needs no Gateway.
type Membership struct {
	Rows
	Apps     Apps
	Gateway  Gateway
	Queue    Queue
	Checks   Checks           // nil without webhooks: then Vacate itself removes markers
	Webhooks Webhooks         // nil without webhooks
	Timeout  time.Duration    // of functions: a younger frame may still be at work
	Now      func() time.Time // time.Now if nil
	Nonce    func() string    // unique; random if nil
	Log      *slog.Logger
}

// Rows are the rows that the steps read and write. Every read is strongly consistent and every
// write atomic. A write on a condition reports whether the condition held.
type Rows struct {
	Connections   Connections   // open.go
	Channels      Channels      // subscribe.go
	Subscriptions Subscriptions // subscribe.go
	Cache         Cache         // cached.go
	Markers       Markers       // occupancy.go
	Presence      Presence      // presence.go
	Counts        Counts        // count.go
	SignIns       SignIns       // signin.go
	Statuses      Statuses      // watch.go
	Leases        Leases        // sweep.go
}

// Apps finds an app.
type Apps interface {
	// ByID fails with pusher.ErrNoApp if there is no such app.
	ByID(ctx context.Context, id string) (pusher.App, error)
}

// Gateway posts to connections and ends them.
type Gateway interface {
	// Post posts one frame. It fails with state.ErrGone if the connection does not exist, and with
	// state.ErrBusy if it took no frame for the gateway's patience.
	Post(ctx context.Context, id pusher.ConnectionID, frame []byte) error
	// Close ends a connection; one that is gone already is no error.
	Close(ctx context.Context, id pusher.ConnectionID) error
	// Alive asks whether a connection exists.
	Alive(ctx context.Context, id pusher.ConnectionID) (bool, error)
}

// Queue is the broadcasts queue: it keeps a channel's messages in order.
type Queue interface {
	// Publish queues messages for the consumers of their channels. Once it has returned nil, they
	// will be handled.
	Publish(ctx context.Context, messages ...state.Broadcast) error
}

// Checks queues checks, which compare what is with what the app's webhooks announced (docs/steps.md
// §3, "Check"). A check runs a few seconds later, so that a page that reloads causes no webhook
// event.
type Checks interface {
	// Check checks whether the channel is occupied; if user is not "", whether the user is on it.
	Check(ctx context.Context, app string, ch pusher.Channel, user string) error
	// Missed says that a subscriber found no event on a cache channel.
	Missed(ctx context.Context, app string, ch pusher.Channel) error
}

// Webhooks sends webhook events to apps.
type Webhooks interface {
	// Notify queues a webhook event. Once it has returned nil, the event will be sent.
	Notify(ctx context.Context, app pusher.App, event pusher.WebhookEvent) error
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
func (m *Membership) before(d time.Duration) state.Stamp {
	return state.Stamp(m.now().Add(-d).UnixMilli())
}
