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

// timed records the deadline of its context.
type timed struct {
	end   time.Time
	bound bool  // whether there is a deadline
	err   error // of the context
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

// connect turns the handler of $connect into one like those of the other routes.
func connect(d *timed) apigw.Route {
	handle := apigw.Connect(d, apigw.Handshakes{}, slog.New(slog.DiscardHandler))
	return func(
		ctx context.Context, e events.APIGatewayWebsocketProxyRequest,
	) (out events.APIGatewayProxyResponse, err error) {
		_, err = handle(ctx, e)
		return out, err
	}
}

// Every route's handler stops its work a second before the function is killed.
func TestHandlersStopASecondBeforeTheDeadline(t *testing.T) {
	for name, handle := range map[string]func(*timed) apigw.Route{
		"a handshake": connect,
		"a frame": func(d *timed) apigw.Route {
			return apigw.Message(d, slog.New(slog.DiscardHandler))
		},
		"an end": func(d *timed) apigw.Route { return apigw.Disconnect(d) },
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
		t.Run(name+" that has less than a second left stops at once", func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 900*time.Millisecond)
			defer cancel()
			d := &timed{}
			_, err := handle(d)(ctx, events.APIGatewayWebsocketProxyRequest{})
			if err != nil || !errors.Is(d.err, context.DeadlineExceeded) {
				t.Errorf("its context has the error %v (%v)", d.err, err)
			}
		})
		t.Run(name+" without a deadline", func(t *testing.T) {
			d := &timed{}
			_, err := handle(d)(t.Context(), events.APIGatewayWebsocketProxyRequest{})
			if err != nil || d.bound || d.err != nil {
				t.Errorf("it ends at %s (bound: %t, %v)", d.end, d.bound, d.err)
			}
		})
	}
}
