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

// Opener lets connections in.
type Opener struct {
	Apps     Apps
	Registry Registry
	Gateway  Gateway
	Secret   string        // what a handshake must carry
	Activity time.Duration // of silence, after which clients ping whose app does not say
	Log      *slog.Logger
}

// Registry writes the rows of new connections.
type Registry interface {
	// Open fails with a *pusher.Error if the app has as many connections as it may have.
	Open(ctx context.Context, app pusher.App, c state.Connection) error
}

// How long the greeting is tried while the gateway says that the connection is not there: it is not until the answer to
// $connect has reached it (docs/aws.md §A2).
const (
	greetFirst = 5 * time.Millisecond
	greetMost  = 200 * time.Millisecond
	greetFor   = 3 * time.Second
)

// Open decides about a handshake. The returned function greets the client and must be called after the handshake has been
// answered, because nothing can be posted before. A client that is not let in is greeted too, with the error that makes
// pusher-js stop, and closed: a refused handshake would make it try for ever (docs/protocol.md §1.6, §1.8).
// The only error is ErrForbidden.
func (o *Opener) Open(ctx context.Context, h pusher.Handshake) (greet func(context.Context), err error) {
	if subtle.ConstantTimeCompare([]byte(h.Secret), []byte(o.Secret)) != 1 {
		return nil, ErrForbidden
	}
	first, in := o.admit(ctx, h)
	return func(ctx context.Context) {
		if gone := o.greet(ctx, h.Connection, first); !in && !gone {
			o.close(ctx, h.Connection)
		}
	}, nil
}

// admit writes the connection of a client that is let in, and returns the first frame that a client is sent either way. A fault of
// ours uses a code that lets it come back (docs/protocol.md §9, 14).
func (o *Opener) admit(ctx context.Context, h pusher.Handshake) (first []byte, in bool) {
	app, err := o.enter(ctx, h)
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

// enter fails with a *pusher.Error for a client that is not let in.
func (o *Opener) enter(ctx context.Context, h pusher.Handshake) (pusher.App, error) {
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
	return app, o.Registry.Open(ctx, app, state.Connection{ID: h.Connection, App: app.ID, ConnectedAt: h.ConnectedAt})
}

// activity is the silence after which the app's clients ping. Less than a second would read 0, at which pusher-js stops for good
// (docs/protocol.md §1.2).
func (o *Opener) activity(app pusher.App) time.Duration {
	if app.ActivityTimeout < time.Second {
		return o.Activity
	}
	return app.ActivityTimeout
}

// greet posts the first frame, and reports whether the client has gone before it could be.
func (o *Opener) greet(ctx context.Context, id pusher.ConnectionID, frame []byte) (gone bool) {
	ctx, cancel := context.WithTimeout(ctx, greetFor)
	defer cancel()
	for wait := greetFirst; ; wait = min(2*wait, greetMost) {
		err := o.Gateway.Post(ctx, id, frame)
		if err == nil {
			return false
		}
		retry := errors.Is(err, state.ErrGone) || errors.Is(err, state.ErrBusy)
		if !retry || !sleep(ctx, wait) {
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

// sleep waits, and reports whether there is time left.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
