package apigw

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"hark/shared/invocation"
	"hark/shared/pusher"
	"hark/shared/state"
)

// Opener decides about handshakes. Its error refuses one; the function it returns is called after the answer.
type Opener interface {
	Open(ctx context.Context, h pusher.Handshake) (greet func(context.Context), err error)
}

// Handshakes names what the distribution puts into one.
type Handshakes struct {
	SecretHeader string // in any case
	KeyParameter string
}

// Connect returns the handler of $connect. It answers 200, or 403 to what the opener refuses. What has to be done after
// the answer runs in the same invocation: aws-lambda-go closes a returned reader once it has posted the response and before
// it asks for the next invocation.
func Connect(o Opener, names Handshakes, log *slog.Logger) func(context.Context, events.APIGatewayWebsocketProxyRequest) (io.Reader, error) {
	return func(ctx context.Context, e events.APIGatewayWebsocketProxyRequest) (io.Reader, error) {
		soon, cancel := invocation.Early(ctx)
		defer cancel()
		greet, err := o.Open(soon, pusher.Handshake{
			Connection:  pusher.ConnectionID(e.RequestContext.ConnectionID),
			Key:         e.QueryStringParameters[names.KeyParameter],
			Secret:      header(e.Headers, names.SecretHeader),
			Origin:      header(e.Headers, "Origin"),
			ConnectedAt: received(e),
		})
		if err != nil {
			log.WarnContext(ctx, "handshake refused", "error", err)
			return &answer{Reader: strings.NewReader(`{"statusCode":403}`)}, nil
		}
		after := func() {
			defer survive(ctx, log)
			greet(context.WithoutCancel(ctx))
		}
		return &answer{Reader: strings.NewReader(`{"statusCode":200}`), after: after}, nil
	}
}

// answer is a response with something to do behind it. It has no exported fields beside the reader: aws-lambda-go
// takes a value for a stream only if it encodes to {}.
type answer struct {
	*strings.Reader
	after func()
}

// ContentType tells the runtime what the reader holds.
func (a *answer) ContentType() string { return "application/json" }

// Close does what is left to do.
func (a *answer) Close() error {
	if a.after != nil {
		a.after()
	}
	return nil
}

// Messages answers frames. What goes wrong is its own business.
type Messages interface {
	Message(ctx context.Context, id pusher.ConnectionID, t state.Stamp, text []byte)
}

// Message returns the handler of $default. It never fails and returns no body: of an error API Gateway would make a frame of its own,
// as it would of a function that is killed.
func Message(m Messages, log *slog.Logger) func(context.Context, events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
	return func(ctx context.Context, e events.APIGatewayWebsocketProxyRequest) (out events.APIGatewayProxyResponse, err error) {
		out.StatusCode = http.StatusOK // also after a panic
		defer survive(ctx, log)
		ctx, cancel := invocation.Early(ctx)
		defer cancel()
		t := state.Stamp(received(e).UnixMilli())
		m.Message(ctx, pusher.ConnectionID(e.RequestContext.ConnectionID), t, []byte(e.Body))
		return out, nil
	}
}

// Leavers hear that a connection has ended.
type Leavers interface {
	Disconnected(ctx context.Context, id pusher.ConnectionID) error
}

// Disconnect returns the handler of $disconnect. It fails if the connection could not be forgotten, so that the failure is counted.
func Disconnect(l Leavers) func(context.Context, events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
	return func(ctx context.Context, e events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
		ctx, cancel := invocation.Early(ctx)
		defer cancel()
		err := l.Disconnected(ctx, pusher.ConnectionID(e.RequestContext.ConnectionID))
		return events.APIGatewayProxyResponse{StatusCode: http.StatusOK}, err
	}
}

// received is when the gateway got the request; now, should it not say.
func received(e events.APIGatewayWebsocketProxyRequest) time.Time {
	if ms := e.RequestContext.RequestTimeEpoch; ms > 0 {
		return time.UnixMilli(ms)
	}
	return time.Now()
}

// header looks a header up whatever its case: CloudFront, API Gateway and clients each have their own.
func header(h map[string]string, name string) string {
	for k, v := range h {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return ""
}

// survive logs a panic, so that neither the process nor the client's protocol ends with it.
func survive(ctx context.Context, log *slog.Logger) {
	if p := recover(); p != nil {
		log.ErrorContext(ctx, "panic", "value", p, "stack", string(bytes.TrimSpace(debug.Stack())))
	}
}
