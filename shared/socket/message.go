package socket

import (
	"context"
	"errors"
	"strings"

	"hark/shared/invocation"
	"hark/shared/pusher"
	"hark/shared/state"
)

// request is a frame being answered.
type request struct {
	pusher.Frame
	id   pusher.ConnectionID
	t    state.Stamp
	size int // of the frame, in bytes

	c   state.Connection // who sent it, and what its app allows: only of frames that have a handler, or are long
	app pusher.App
}

// plain is the size up to which a frame that asks nothing of its connection is answered without reading the connection, so that pings
// cost nothing but themselves: those of the clients we know have less than 50 bytes. No app can have a smaller limit.
const plain = 256

// errEnd says that a connection has to be closed.
var errEnd = errors.New("connection has to be closed")

// Message answers one frame, received at t. It has no error to return: what goes wrong is told to the client or logged,
// since the gateway would answer an error with a JSON of its own, at which pusher-js throws (docs/protocol.md §1.7).
func (s *Server) Message(ctx context.Context, id pusher.ConnectionID, t state.Stamp, text []byte) {
	r := request{id: id, t: t, size: len(text)}
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
		s.restart(ctx, id)
	}
	if errors.Is(err, errEnd) && s.clients.mayClose(id, t) {
		s.close(ctx, id)
	}
}

// answer does what the frame asks for. It fills in what it learns of the request. After a panic the client is told to come back, as
// after any other fault of ours.
func (s *Server) answer(ctx context.Context, r *request, text []byte) (err error) {
	defer invocation.Recovered(&err)
	frame, malformed := pusher.ParseFrame(text)
	r.Frame = frame
	handle := s.handler(frame.Event)
	if handle == nil && r.size <= plain {
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
		return nil // activity, and nothing else
	}
	return pusher.Errorf(pusher.CodeReconnect, "Unsupported event received on socket: '%.200s'", frame.Event)
}

// handler returns what answers frames for which it must be known who sent them; nil for all others.
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

// identify reads who sent the frame, and sees to it that the app's limits for all frames are kept.
func (s *Server) identify(ctx context.Context, r *request) error {
	var err error
	if r.c, err = s.Membership.Connection(ctx, r.id); err != nil {
		return err
	}
	if r.app, err = s.Apps.ByID(ctx, r.c.App); err != nil {
		return err
	}
	if err := s.count(ctx, *r); err != nil {
		return err
	}
	if limit := r.app.MaxMessageSize; r.size > limit {
		return pusher.Errorf(pusher.CodeRejected, "The frame is too large: %d bytes, the limit is %d", r.size, limit)
	}
	return nil
}

// longestEcho is the longest name that is sent back to a client that may not subscribe to it: a longer one than any app allows must not
// make us send a frame that is as long.
const longestEcho = 1 << 10

// refuse tells a client why its frame is refused; whoever makes too many mistakes does not hear of each.
func (s *Server) refuse(ctx context.Context, r request, refusal *pusher.Error) {
	if !s.clients.mayHear(r.id, r.t) {
		return
	}
	if r.Event == "pusher:subscribe" { // beside the error's own frame: Echo's .error() hears only this one
		if d, err := r.SubscribeData(); err == nil && len(d.Channel) <= longestEcho {
			send(ctx, s.Gateway, s.Log, r.id, refusal.SubscriptionError(d.Channel))
		}
	}
	send(ctx, s.Gateway, s.Log, r.id, refusal.Frame())
}

// restart makes a client come back whose frame failed for a reason of ours: after a subscribe that is never answered,
// pusher-js would wait until it reconnects anyway.
func (s *Server) restart(ctx context.Context, id pusher.ConnectionID) {
	if ctx.Err() != nil { // what failed has used up its time; a little is kept back for this
		var cancel context.CancelFunc
		ctx, cancel = invocation.Overtime(ctx)
		defer cancel()
	}
	send(ctx, s.Gateway, s.Log, id, pusher.Errorf(pusher.CodeReconnect, "Please reconnect immediately").Frame())
	s.close(ctx, id)
}

func (s *Server) close(ctx context.Context, id pusher.ConnectionID) {
	if err := s.Gateway.Close(ctx, id); err != nil {
		s.Log.WarnContext(ctx, "connection not closed", "connection", id, "error", err)
	}
}
