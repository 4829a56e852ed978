package socket

import (
	"context"
	"crypto/subtle"
	"errors"
	"log/slog"
	"time"

	"hark/shared/pusher"
)

// ErrForbidden refuses a handshake that did not come through the distribution.
var ErrForbidden = errors.New("handshake did not come through the distribution")

// Opener lets connections in.
type Opener struct {
	Apps        Apps
	Connections Connections
	Sender      Sender
	Secret      string        // what a handshake must carry
	Activity    time.Duration // of silence, after which clients ping whose app does not say
	Log         *slog.Logger
}

// Connections writes the row of a new connection.
type Connections interface {
	// Open fails with a *pusher.Error if the app has as many connections as it may have.
	Open(ctx context.Context, app pusher.App, c pusher.Connection) error
}

// How long the greeting is tried while the gateway says that the connection is not there: it is not until the answer to
// $connect has reached it (aws-facts.md §A2).
const (
	greetFirst = 5 * time.Millisecond
	greetMost  = 200 * time.Millisecond
	greetFor   = 3 * time.Second
)

// Open decides about a handshake. The returned function greets the client and must be called after the handshake has been
// answered, because nothing can be posted before. A client that is not let in is greeted too, with the error that makes
// pusher-js stop, and closed: a refused handshake would make it try for ever (protocol.md §1.6, §1.8).
// The only error is ErrForbidden.
func (o *Opener) Open(ctx context.Context, h pusher.Handshake) (greet func(context.Context), err error) {
	if subtle.ConstantTimeCompare([]byte(h.Secret), []byte(o.Secret)) != 1 {
		return nil, ErrForbidden
	}
	app, refusal := o.admit(ctx, h)
	if refusal != nil {
		return func(ctx context.Context) {
			if o.greet(ctx, h.Connection, refusal.Frame()) {
				o.close(ctx, h.Connection)
			}
		}, nil
	}
	return func(ctx context.Context) {
		o.greet(ctx, h.Connection, pusher.Established(h.Connection.SocketID(), o.activity(app)))
	}, nil
}

// admit writes the connection of a known app, or returns what the client is told instead. A fault of ours uses a code that lets it come
// back (protocol.md §9, 14).
func (o *Opener) admit(ctx context.Context, h pusher.Handshake) (pusher.App, *pusher.Error) {
	app, err := o.Apps.ByKey(ctx, h.Key)
	switch {
	case errors.Is(err, pusher.ErrNoApp):
		return app, pusher.Errorf(pusher.CodeNoApp, "App key %.64s does not exist", h.Key)
	case err == nil && app.Disabled:
		return app, pusher.Errorf(pusher.CodeDisabled, "Application disabled")
	case err == nil && !app.AllowsOrigin(h.Origin):
		return app, pusher.Errorf(pusher.CodeUnauthorized, "Origin not allowed")
	case err == nil:
		err = o.Connections.Open(ctx, app, pusher.Connection{ID: h.Connection, App: app.ID, ConnectedAt: h.ConnectedAt})
	}
	var refusal *pusher.Error
	if errors.As(err, &refusal) {
		return app, refusal
	}
	if err != nil {
		o.Log.ErrorContext(ctx, "connection not opened", "connection", h.Connection, "error", err)
		return app, pusher.Errorf(pusher.CodeReconnect, "Please reconnect immediately")
	}
	return app, nil
}

// activity is the silence after which the app's clients ping. Less than a second would read 0, at which pusher-js stops for good
// (protocol.md §1.2).
func (o *Opener) activity(app pusher.App) time.Duration {
	if app.ActivityTimeout < time.Second {
		return o.Activity
	}
	return app.ActivityTimeout
}

// greet posts the first frame and reports whether it arrived.
func (o *Opener) greet(ctx context.Context, id pusher.ConnectionID, frame []byte) bool {
	ctx, cancel := context.WithTimeout(ctx, greetFor)
	defer cancel()
	for wait := greetFirst; ; wait = min(2*wait, greetMost) {
		err := o.Sender.Send(ctx, id, frame)
		if err == nil {
			return true
		}
		retry := errors.Is(err, pusher.ErrGone) || errors.Is(err, pusher.ErrBusy)
		if !retry || !sleep(ctx, wait) {
			o.Log.WarnContext(ctx, "connection not greeted", "connection", id, "error", err)
			return false
		}
	}
}

func (o *Opener) close(ctx context.Context, id pusher.ConnectionID) {
	if err := o.Sender.Close(ctx, id); err != nil {
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
