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

// Route handles the events of a WebSocket route whose answer is read by API Gateway only.
type Route = func(
	context.Context, events.APIGatewayWebsocketProxyRequest,
) (events.APIGatewayProxyResponse, error)

// ConnectRoute handles the events of $connect. It returns its answer as a reader.
type ConnectRoute = func(context.Context, events.APIGatewayWebsocketProxyRequest) (io.Reader, error)

// Opener decides about handshakes.
type Opener interface {
	// Open fails if the handshake is to be refused. Otherwise greet is called after the handshake
	// has been answered.
	Open(ctx context.Context, h pusher.Handshake) (greet func(context.Context), err error)
}

// Handshakes names what the distribution adds to a handshake.
type Handshakes struct {
	SecretHeader string // has the origin secret; its case does not matter
	KeyParameter string // of the query; has the app's key
}

// Connect returns the handler of $connect. It answers 200, or 403 if the opener refuses the
// handshake. The greeting follows the answer in the same invocation: aws-lambda-go closes a
// returned reader after it has posted the response and before it asks for the next invocation
// (docs/decisions/0006-greeting-after-the-answer.md).
func Connect(o Opener, names Handshakes, log *slog.Logger) ConnectRoute {
	return func(ctx context.Context, e events.APIGatewayWebsocketProxyRequest) (io.Reader, error) {
		early, cancel := invocation.Early(ctx)
		defer cancel()
		greet, err := o.Open(early, pusher.Handshake{
			Connection:  pusher.ConnectionID(e.RequestContext.ConnectionID),
			Key:         e.QueryStringParameters[names.KeyParameter],
			Secret:      header(e.Headers, names.SecretHeader),
			Origin:      header(e.Headers, "Origin"),
			ConnectedAt: receivedAt(e),
		})
		if err != nil {
			log.WarnContext(ctx, "handshake refused", "error", err)
			return &answer{Reader: strings.NewReader(`{"statusCode":403}`)}, nil
		}
		after := func() {
			defer logPanic(ctx, log)
			greet(context.WithoutCancel(ctx))
		}
		return &answer{Reader: strings.NewReader(`{"statusCode":200}`), after: after}, nil
	}
}

// answer is a response and what is to be done after it. It must have no exported fields besides the
// reader: aws-lambda-go streams a value only if it encodes to {}.
type answer struct {
	*strings.Reader
	after func()
}

// ContentType says in which format the reader is. aws-lambda-go calls it.
func (a *answer) ContentType() string { return "application/json" }

// Close does what is to be done after the response. aws-lambda-go calls it.
func (a *answer) Close() error {
	if a.after != nil {
		a.after()
	}
	return nil
}

// Messages handles the frames of clients.
type Messages interface {
	// Message handles one frame, and its own errors. t is when API Gateway received the frame.
	Message(ctx context.Context, id pusher.ConnectionID, t state.Stamp, text []byte)
}

// Message returns the handler of $default and of the named routes. It never fails, and is done
// before Lambda kills the function: in both cases API Gateway would send the client a frame of its
// own.
func Message(m Messages, log *slog.Logger) Route {
	return func(
		ctx context.Context, e events.APIGatewayWebsocketProxyRequest,
	) (out events.APIGatewayProxyResponse, err error) {
		out.StatusCode = http.StatusOK // after a panic too
		defer logPanic(ctx, log)
		ctx, cancel := invocation.Early(ctx)
		defer cancel()
		t := state.Stamp(receivedAt(e).UnixMilli())
		m.Message(ctx, pusher.ConnectionID(e.RequestContext.ConnectionID), t, []byte(e.Body))
		return out, nil
	}
}

// Forgetter forgets connections that have ended.
type Forgetter interface {
	Disconnected(ctx context.Context, id pusher.ConnectionID) error
}

// Disconnect returns the handler of $disconnect. It fails if the connection could not be forgotten,
// so that the failure is counted.
func Disconnect(f Forgetter) Route {
	return func(
		ctx context.Context, e events.APIGatewayWebsocketProxyRequest,
	) (events.APIGatewayProxyResponse, error) {
		ctx, cancel := invocation.Early(ctx)
		defer cancel()
		err := f.Disconnected(ctx, pusher.ConnectionID(e.RequestContext.ConnectionID))
		return events.APIGatewayProxyResponse{StatusCode: http.StatusOK}, err
	}
}

// receivedAt returns when API Gateway received the request; now if the event does not say.
func receivedAt(e events.APIGatewayWebsocketProxyRequest) time.Time {
	if ms := e.RequestContext.RequestTimeEpoch; ms > 0 {
		return time.UnixMilli(ms)
	}
	return time.Now()
}

// header returns the value of a header. Its case does not matter, because CloudFront, API Gateway
// and clients write it differently.
func header(h map[string]string, name string) string {
	for k, v := range h {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return ""
}

// logPanic recovers a panic and logs it. Otherwise the process would end, and API Gateway would
// send the client a frame of its own. It must be deferred itself.
func logPanic(ctx context.Context, log *slog.Logger) {
	if p := recover(); p != nil {
		stack := string(bytes.TrimSpace(debug.Stack()))
		log.ErrorContext(ctx, "panic", "value", p, "stack", stack)
	}
}
