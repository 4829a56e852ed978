package socket_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"hark/shared/pusher"
	"hark/shared/socket"
)

// hurried is a sender who does nothing when time has run out, and notes how much of it there was.
type hurried struct {
	socket.Sender
	left []time.Duration
}

func (s *hurried) Send(ctx context.Context, id pusher.ConnectionID, frame []byte) error {
	if err := s.look(ctx); err != nil {
		return err
	}
	return s.Sender.Send(ctx, id, frame)
}

func (s *hurried) Close(ctx context.Context, id pusher.ConnectionID) error {
	if err := s.look(ctx); err != nil {
		return err
	}
	return s.Sender.Close(ctx, id)
}

func (s *hurried) look(ctx context.Context) error {
	end, ok := ctx.Deadline()
	if !ok {
		return errors.New("no end")
	}
	s.left = append(s.left, time.Until(end))
	return ctx.Err()
}

// tardy are members at whom time runs out.
type tardy struct {
	socket.Members
	out func()
}

func (m tardy) Subscribe(ctx context.Context, _ pusher.App, _ pusher.Connection, _ pusher.Channel, _ pusher.Stamp) error {
	m.out()
	<-ctx.Done()
	return ctx.Err()
}

// panicking are members in whom there is a mistake.
type panicking struct{ socket.Members }

func (panicking) Subscribe(context.Context, pusher.App, pusher.Connection, pusher.Channel, pusher.Stamp) error {
	panic("nil map")
}

// A client whose frame meets a mistake of ours must not wait for an answer that never comes.
func TestRestartAfterAPanic(t *testing.T) {
	c := newConversation()
	c.Members = panicking{c.members}
	c.Message(t.Context(), connection, stamp, []byte(subscribe("orders", "", "")))
	if len(c.got) != 2 || c.got[1] != "closed" {
		t.Fatalf("got %q", c.got)
	}
	errorFrame(t, c.got[0], 4200)
}

// A client whose frame has used up the function's time is still told to come back, and closed, in what functions keep back.
func TestRestartWhenTimeHasRunOut(t *testing.T) {
	c := newConversation()
	ctx, out := context.WithCancel(t.Context())
	sockets := &hurried{Sender: c.sender}
	c.Sender = sockets
	c.Members = tardy{c.members, out}
	c.Message(ctx, connection, stamp, []byte(subscribe("orders", "", "")))
	if len(c.got) != 2 || c.got[1] != "closed" {
		t.Fatalf("got %q", c.got)
	}
	errorFrame(t, c.got[0], 4200)
	for _, left := range sockets.left {
		if left > time.Second {
			t.Errorf("it may take %s, which nobody keeps back", left)
		}
	}
}
