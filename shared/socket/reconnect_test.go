package socket_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"hark/shared/pusher"
	"hark/shared/socket"
	"hark/shared/state"
)

// hurried is a gateway that fails when time has run out, and records how much was left.
type hurried struct {
	socket.Gateway
	left []time.Duration
}

func (s *hurried) Post(ctx context.Context, id pusher.ConnectionID, frame []byte) error {
	if err := s.record(ctx); err != nil {
		return err
	}
	return s.Gateway.Post(ctx, id, frame)
}

func (s *hurried) Close(ctx context.Context, id pusher.ConnectionID) error {
	if err := s.record(ctx); err != nil {
		return err
	}
	return s.Gateway.Close(ctx, id)
}

func (s *hurried) record(ctx context.Context) error {
	end, ok := ctx.Deadline()
	if !ok {
		return errors.New("no end")
	}
	s.left = append(s.left, time.Until(end))
	return ctx.Err()
}

// tardy is a membership in which time runs out.
type tardy struct {
	socket.Membership
	out func()
}

func (m tardy) Subscribe(
	ctx context.Context, _ pusher.App, _ state.Connection, _ pusher.Channel, _ state.Stamp,
) error {
	m.out()
	<-ctx.Done()
	return ctx.Err()
}

// panicking is a membership that panics.
type panicking struct{ socket.Membership }

func (panicking) Subscribe(
	context.Context, pusher.App, state.Connection, pusher.Channel, state.Stamp,
) error {
	panic("nil map")
}

// A client whose frame makes the code panic must not wait for an answer that never comes.
func TestReconnectAfterAPanic(t *testing.T) {
	c := newConversation()
	c.Membership = panicking{c.members}
	c.Message(t.Context(), connection, stamp, []byte(subscribe("orders", "", "")))
	if len(c.got) != 2 || c.got[1] != "closed" {
		t.Fatalf("got %q", c.got)
	}
	errorFrame(t, c.got[0], 4200)
}

// A client whose frame has used up the function's time is sent the error and closed in the time
// that functions keep back.
func TestReconnectWhenTimeHasRunOut(t *testing.T) {
	c := newConversation()
	ctx, out := context.WithCancel(t.Context())
	gateway := &hurried{Gateway: c.gateway}
	c.Gateway = gateway
	c.Membership = tardy{c.members, out}
	c.Message(ctx, connection, stamp, []byte(subscribe("orders", "", "")))
	if len(c.got) != 2 || c.got[1] != "closed" {
		t.Fatalf("got %q", c.got)
	}
	errorFrame(t, c.got[0], 4200)
	for _, left := range gateway.left {
		if left > time.Second {
			t.Errorf("it may take %s, more than is kept back", left)
		}
	}
}
