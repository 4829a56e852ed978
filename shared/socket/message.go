package socket

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"hark/shared/pusher"
)

// Server answers the frames of open connections.
type Server struct {
	Apps    Apps
	Members Members
	Sender  Sender
	Log     *slog.Logger
}

// Members knows who is subscribed.
type Members interface {
	// Connection fails with pusher.ErrGone for a connection that may not subscribe any more, and closes it.
	Connection(ctx context.Context, id pusher.ConnectionID) (pusher.Connection, error)
	// Subscribe reports whether the client may be told that it is subscribed.
	Subscribe(ctx context.Context, c pusher.Connection, ch pusher.Channel, t pusher.Stamp) (bool, error)
	Unsubscribe(ctx context.Context, c pusher.Connection, ch pusher.Channel, t pusher.Stamp) error
}

// Message answers one frame, received at t. It has no error to return: what goes wrong is told to the client or logged,
// since the gateway would answer an error with a JSON of its own, at which pusher-js throws (protocol.md §1.7).
func (s *Server) Message(ctx context.Context, id pusher.ConnectionID, t pusher.Stamp, text []byte) {
	err := s.answer(ctx, id, t, text)
	var refusal *pusher.Error
	switch {
	case err == nil, errors.Is(err, pusher.ErrGone):
	case errors.As(err, &refusal):
		send(ctx, s.Sender, s.Log, id, refusal.Frame())
	default:
		s.Log.ErrorContext(ctx, "frame not handled", "connection", id, "error", err)
		s.restart(ctx, id)
	}
}

// restart makes a client come back whose frame failed for a reason of ours: after a subscribe that is never answered,
// pusher-js would wait until it reconnects anyway.
func (s *Server) restart(ctx context.Context, id pusher.ConnectionID) {
	send(ctx, s.Sender, s.Log, id, pusher.Errorf(pusher.CodeReconnect, "Please reconnect immediately").Frame())
	if err := s.Sender.Close(ctx, id); err != nil {
		s.Log.WarnContext(ctx, "connection not closed", "connection", id, "error", err)
	}
}

func (s *Server) answer(ctx context.Context, id pusher.ConnectionID, t pusher.Stamp, text []byte) error {
	f, err := pusher.ParseFrame(text)
	if err != nil {
		return err
	}
	switch f.Event {
	case "pusher:ping":
		send(ctx, s.Sender, s.Log, id, pusher.Pong())
		return nil
	case "pusher:pong":
		return nil // activity, and nothing else
	case "pusher:subscribe":
		return s.subscribe(ctx, id, t, f)
	case "pusher:unsubscribe":
		return s.unsubscribe(ctx, id, t, f)
	default:
		return pusher.Errorf(pusher.CodeInvalid, "Unsupported event received on socket: '%.200s'", f.Event)
	}
}

func (s *Server) subscribe(ctx context.Context, id pusher.ConnectionID, t pusher.Stamp, f pusher.Frame) error {
	d, err := f.SubscribeData()
	if err != nil {
		return err
	}
	err = s.join(ctx, id, t, d)
	var refusal *pusher.Error
	if errors.As(err, &refusal) { // beside the error's own frame: Echo's .error() hears only this one
		send(ctx, s.Sender, s.Log, id, refusal.SubscriptionError(d.Channel))
	}
	return err
}

func (s *Server) join(ctx context.Context, id pusher.ConnectionID, t pusher.Stamp, d pusher.SubscribeData) error {
	if err := d.Channel.Validate(); err != nil {
		return err
	}
	if d.Channel.Presence() {
		return pusher.Errorf(pusher.CodeUnauthorized, "Presence channels are not served yet: %s", d.Channel)
	}
	c, err := s.Members.Connection(ctx, id)
	if err != nil {
		return err
	}
	if d.Channel.Private() {
		app, err := s.Apps.ByID(ctx, c.App)
		if err != nil {
			return err
		}
		if err := app.Authorize(id.SocketID(), d.Channel, d.ChannelData, d.Auth); err != nil {
			return err
		}
	}
	in, err := s.Members.Subscribe(ctx, c, d.Channel, t)
	if err != nil || !in {
		return err
	}
	err = s.Sender.Send(ctx, id, pusher.Succeeded(d.Channel))
	if errors.Is(err, pusher.ErrGone) { // should that be wrong, the client waits for the frame for ever: it must come back
		return s.Sender.Close(ctx, id)
	}
	if err != nil {
		return fmt.Errorf("tell %s that it is subscribed to %s: %w", id, d.Channel, err)
	}
	return nil
}

// unsubscribe tells the client nothing, as no server does (protocol.md §3.9).
func (s *Server) unsubscribe(ctx context.Context, id pusher.ConnectionID, t pusher.Stamp, f pusher.Frame) error {
	d, err := f.SubscribeData()
	if err != nil {
		return err
	}
	if err := d.Channel.Validate(); err != nil {
		return err
	}
	c, err := s.Members.Connection(ctx, id)
	if err != nil {
		return err
	}
	return s.Members.Unsubscribe(ctx, c, d.Channel, t)
}
