package apigw_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"hark/shared/apigw"
	"hark/shared/pusher"
	"hark/shared/state"
)

// timed notes until when it may take.
type timed struct {
	end   time.Time
	bound bool
	err   error // of the context, at the end
}

func (d *timed) Message(ctx context.Context, _ pusher.ConnectionID, _ state.Stamp, _ []byte) {
	d.end, d.bound = ctx.Deadline()
	d.err = ctx.Err()
}

func (d *timed) Open(ctx context.Context, h pusher.Handshake) (func(context.Context), error) {
	d.Message(ctx, h.Connection, 0, nil)
	return func(context.Context) {}, nil
}

func (d *timed) Disconnected(ctx context.Context, id pusher.ConnectionID) error {
	d.Message(ctx, id, 0, nil)
	return nil
}

// connect answers a handshake as the other handlers answer.
func connect(d *timed) func(context.Context, events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
	handle := apigw.Connect(d, apigw.Handshakes{}, slog.New(slog.DiscardHandler))
	return func(ctx context.Context, e events.APIGatewayWebsocketProxyRequest) (out events.APIGatewayProxyResponse, err error) {
		_, err = handle(ctx, e)
		return out, err
	}
}

// The time of a handshake, of a frame, and of a connection's end, is over a second before the
// function is killed: that is for the last word.
func TestMarginOfAnInvocation(t *testing.T) {
	type handler = func(context.Context, events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error)
	for name, handle := range map[string]func(*timed) handler{
		"a handshake": func(d *timed) handler { return connect(d) },
		"a frame":     func(d *timed) handler { return apigw.Message(d, slog.New(slog.DiscardHandler)) },
		"an end":      func(d *timed) handler { return apigw.Disconnect(d) },
	} {
		t.Run(name, func(t *testing.T) {
			killed := time.Now().Add(time.Hour)
			ctx, cancel := context.WithDeadline(t.Context(), killed)
			defer cancel()
			d := &timed{}
			if _, err := handle(d)(ctx, events.APIGatewayWebsocketProxyRequest{}); err != nil {
				t.Fatal(err)
			}
			if want := killed.Add(-time.Second); !d.bound || !d.end.Equal(want) || d.err != nil {
				t.Errorf("it ends at %s (bound: %t, %v), want %s", d.end, d.bound, d.err, want)
			}
		})
		t.Run(name+" that has less than that left is told at once", func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 900*time.Millisecond)
			defer cancel()
			d := &timed{}
			if _, err := handle(d)(ctx, events.APIGatewayWebsocketProxyRequest{}); err != nil || !errors.Is(d.err, context.DeadlineExceeded) {
				t.Errorf("it is told %v (%v)", d.err, err)
			}
		})
		t.Run(name+" that nobody kills", func(t *testing.T) {
			d := &timed{}
			if _, err := handle(d)(t.Context(), events.APIGatewayWebsocketProxyRequest{}); err != nil || d.bound || d.err != nil {
				t.Errorf("it ends at %s (bound: %t, %v)", d.end, d.bound, d.err)
			}
		})
	}
}
