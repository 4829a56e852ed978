package socket

import (
	"context"
	"errors"
	"strings"

	"hark/shared/invocation"
	"hark/shared/pusher"
	"hark/shared/state"
)

// request is a frame that is being answered.
type request struct {
	pusher.Frame
	id    pusher.ConnectionID
	stamp state.Stamp
	size  int // of the frame, in bytes

	// Set by identify: for frames that have a handler, and for those longer than maxUnread.
	connection state.Connection
	app        pusher.App
}

// maxUnread is the longest frame without a handler that is answered without reading the connection,
// in bytes. Pings thus cost no read: those of known clients have less than 50 bytes. No app can set
// a smaller max_message_size.
const maxUnread = 256

// errClose says that the connection must be closed.
var errClose = errors.New("connection has to be closed")

// Message answers one frame, received at t. It returns no error but logs it or sends it to the
// client: API Gateway would answer an error with JSON of its own, on which pusher-js throws
// (docs/protocol.md §1.7).
func (s *Server) Message(ctx context.Context, id pusher.ConnectionID, t state.Stamp, text []byte) {
	r := request{id: id, stamp: t, size: len(text)}
	err := s.clients.admit(id, t)
	if err == nil {
		err = s.answer(ctx, &r, text)
	}
	var refusal *pusher.Error
	switch {
	case err == nil, errors.Is(err, state.ErrGone):
	case errors.As(err, &refusal):
		s.refuse(ctx, r, refusal)
	default:
		s.Log.ErrorContext(ctx, "frame not handled", "connection", id, "error", err)
		s.reconnect(ctx, id)
	}
	if errors.Is(err, errClose) && s.clients.mayClose(id, t) {
		s.close(ctx, id)
	}
}

// answer does what the frame asks for. It sets the fields of the request that it learns. A panic
// becomes an internal error.
func (s *Server) answer(ctx context.Context, r *request, text []byte) (err error) {
	defer invocation.Recovered(&err)
	frame, malformed := pusher.ParseFrame(text)
	r.Frame = frame
	handle := s.handler(frame.Event)
	if handle == nil && r.size <= maxUnread {
		if err := s.countKnown(ctx, *r); err != nil {
			return err
		}
	} else if err := s.identify(ctx, r); err != nil {
		return err
	}
	switch {
	case malformed != nil:
		return malformed
	case handle != nil:
		return handle(ctx, *r)
	case frame.Event == "pusher:ping":
		send(ctx, s.Gateway, s.Log, r.id, pusher.Pong())
		return nil
	case frame.Event == "pusher:pong":
		return nil // no answer
	}
	return pusher.Errorf(pusher.CodeReconnect,
		"Unsupported event received on socket: '%.200s'", frame.Event)
}

// handler returns the function that answers frames with the event; nil if the answer needs neither
// the connection nor its app.
func (s *Server) handler(event string) func(context.Context, request) error {
	switch {
	case event == "pusher:subscribe":
		return s.subscribe
	case event == "pusher:unsubscribe":
		return s.unsubscribe
	case event == "pusher:signin":
		return s.signIn
	case strings.HasPrefix(event, "client-"):
		return s.clientEvent
	}
	return nil
}

// identify reads the frame's connection and its app, and refuses a frame that exceeds the app's
// limits for all frames.
func (s *Server) identify(ctx context.Context, r *request) error {
	var err error
	if r.connection, err = s.Membership.Connection(ctx, r.id); err != nil {
		return err
	}
	if r.app, err = s.Apps.ByID(ctx, r.connection.App); err != nil {
		return err
	}
	if err := s.count(ctx, *r); err != nil {
		return err
	}
	if limit := r.app.MaxMessageSize; r.size > limit {
		return pusher.Errorf(pusher.CodeRejected,
			"The frame is too large: %d bytes, the limit is %d", r.size, limit)
	}
	return nil
}

// longestEcho is the longest channel name that is sent back to a client, in bytes. It is longer
// than any app allows, and keeps a client from making Hark send long frames.
const longestEcho = 1 << 10

// refuse sends a client the reason why its frame is refused, unless it was sent too many lately.
// The pusher:subscription_error comes first.
func (s *Server) refuse(ctx context.Context, r request, refusal *pusher.Error) {
	if !s.clients.mayRefuse(r.id, r.stamp) {
		return
	}
	if r.Event == "pusher:subscribe" {
		if d, err := r.SubscribeData(); err == nil && len(d.Channel) <= longestEcho {
			send(ctx, s.Gateway, s.Log, r.id, refusal.SubscriptionError(d.Channel))
		}
	}
	send(ctx, s.Gateway, s.Log, r.id, refusal.Frame())
}

// reconnect makes a client reconnect after an internal error. Otherwise pusher-js would wait for
// the answer until it reconnects for another reason.
func (s *Server) reconnect(ctx context.Context, id pusher.ConnectionID) {
	if ctx.Err() != nil { // a little time is kept back for this
		var cancel context.CancelFunc
		ctx, cancel = invocation.Overtime(ctx)
		defer cancel()
	}
	frame := pusher.Errorf(pusher.CodeReconnect, "Please reconnect immediately").Frame()
	send(ctx, s.Gateway, s.Log, id, frame)
	s.close(ctx, id)
}

func (s *Server) close(ctx context.Context, id pusher.ConnectionID) {
	if err := s.Gateway.Close(ctx, id); err != nil {
		s.Log.WarnContext(ctx, "connection not closed", "connection", id, "error", err)
	}
}
