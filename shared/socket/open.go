package socket

import (
	"context"
	"crypto/subtle"
	"errors"
	"log/slog"
	"time"

	"hark/shared/pusher"
	"hark/shared/state"
)

// ErrForbidden refuses a handshake that did not come through the distribution.
var ErrForbidden = errors.New("handshake did not come through the distribution")

// Opener decides which connections are accepted, and greets them.
type Opener struct {
	Apps     Apps
	Registry Registry
	Gateway  Gateway
	Secret   string        // which a handshake must carry
	Activity time.Duration // silence after which clients ping, if their app sets none
	Log      *slog.Logger
}

// Registry writes the rows of new connections.
type Registry interface {
	// Open fails with a *pusher.Error if the app has as many connections as it may have.
	Open(ctx context.Context, app pusher.App, c state.Connection) error
}

// How long and how often the greeting is tried. The gateway says that the connection does not exist
// until the answer to $connect has reached it (docs/aws.md §A2).
const (
	minGreetPause = 5 * time.Millisecond
	maxGreetPause = 200 * time.Millisecond
	greetTimeout  = 3 * time.Second
)

// Open decides about a handshake. The returned function greets the client. It must be called after
// the handshake has been answered, because nothing can be posted before. A client that is not
// accepted is sent an error instead, which makes pusher-js stop, and is closed: a refused handshake
// would make pusher-js try for ever (docs/protocol.md §1.6, §1.8). The only error is ErrForbidden.
func (o *Opener) Open(
	ctx context.Context, h pusher.Handshake,
) (greet func(context.Context), err error) {
	if subtle.ConstantTimeCompare([]byte(h.Secret), []byte(o.Secret)) != 1 {
		return nil, ErrForbidden
	}
	first, accepted := o.firstFrame(ctx, h)
	return func(ctx context.Context) {
		if gone := o.greet(ctx, h.Connection, first); !accepted && !gone {
			o.close(ctx, h.Connection)
		}
	}, nil
}

// firstFrame accepts or refuses the client and returns the frame that it is sent first. The code of
// an internal error lets the client reconnect (docs/protocol.md §9, 14).
func (o *Opener) firstFrame(
	ctx context.Context, h pusher.Handshake,
) (frame []byte, accepted bool) {
	app, err := o.accept(ctx, h)
	var refusal *pusher.Error
	switch {
	case err == nil:
		return pusher.Established(h.Connection.SocketID(), o.activity(app)), true
	case errors.As(err, &refusal):
		return refusal.Frame(), false
	}
	o.Log.ErrorContext(ctx, "connection not opened", "connection", h.Connection, "error", err)
	return pusher.Errorf(pusher.CodeReconnect, "Please reconnect immediately").Frame(), false
}

// accept writes the connection's row. It fails with a *pusher.Error if the client is refused.
func (o *Opener) accept(ctx context.Context, h pusher.Handshake) (pusher.App, error) {
	app, err := o.Apps.ByKey(ctx, h.Key)
	switch {
	case errors.Is(err, pusher.ErrNoApp):
		return app, pusher.Errorf(pusher.CodeNoApp, "App key %.64s does not exist", h.Key)
	case err != nil:
		return app, err
	case app.Disabled:
		return app, pusher.Errorf(pusher.CodeDisabled, "Application disabled")
	case !app.AllowsOrigin(h.Origin):
		return app, pusher.Errorf(pusher.CodeUnauthorized, "Origin not allowed")
	}
	c := state.Connection{ID: h.Connection, App: app.ID, ConnectedAt: h.ConnectedAt}
	return app, o.Registry.Open(ctx, app, c)
}

// activity returns the silence after which the app's clients ping. Clients are sent it in seconds,
// and pusher-js stops for good at 0, so less than a second is not used (docs/protocol.md §1.2).
func (o *Opener) activity(app pusher.App) time.Duration {
	if app.ActivityTimeout < time.Second {
		return o.Activity
	}
	return app.ActivityTimeout
}

// greet posts the first frame. It reports whether the connection never existed or no longer does.
func (o *Opener) greet(ctx context.Context, id pusher.ConnectionID, frame []byte) (gone bool) {
	ctx, cancel := context.WithTimeout(ctx, greetTimeout)
	defer cancel()
	for pause := minGreetPause; ; pause = min(2*pause, maxGreetPause) {
		err := o.Gateway.Post(ctx, id, frame)
		if err == nil {
			return false
		}
		retry := errors.Is(err, state.ErrGone) || errors.Is(err, state.ErrBusy)
		if !retry || !sleep(ctx, pause) {
			o.Log.WarnContext(ctx, "connection not greeted", "connection", id, "error", err)
			return errors.Is(err, state.ErrGone)
		}
	}
}

func (o *Opener) close(ctx context.Context, id pusher.ConnectionID) {
	if err := o.Gateway.Close(ctx, id); err != nil {
		o.Log.WarnContext(ctx, "refused connection not closed", "connection", id, "error", err)
	}
}

// sleep waits and reports whether there is time left.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
