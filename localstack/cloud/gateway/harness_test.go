package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/gobwas/ws"

	"hark/localstack/cloud/gateway"
)

const (
	patience = 30 * time.Second // how long a test waits for what must happen
	stage    = "v1"
	apiID    = "abcdef1234"

	functionPrefix = "arn:aws:lambda:us-east-1:000000000000:function:"
)

type request = events.APIGatewayWebsocketProxyRequest

// function is a fake function. It gets the event and returns its result, which is then encoded, or
// an error, which becomes a function error.
type function func(request) (any, error)

// ok is the usual result of functions.
var ok = map[string]any{"statusCode": 200} //nolint:gochecknoglobals // a constant

func always(v any) function { return func(request) (any, error) { return v, nil } }

// clock is a clock that only tests advance.
type clock struct{ atomic.Int64 }

func newClock() *clock {
	c := new(clock)
	c.Store(time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) now() time.Time { return time.Unix(0, c.Load()) }

func (c *clock) advance(d time.Duration) { c.Add(int64(d)) }

// errThrottled is an error that Invoke itself returns.
var errThrottled = errors.New("TooManyRequestsException")

// cloud is a gateway with an API of fake functions.
type cloud struct {
	*gateway.Service
	t       testing.TB
	sockets *httptest.Server // Service.Socket
	aws     *httptest.Server // Service.ServeConnections
	ended   chan request     // the events of $disconnect
	raw     chan []byte      // the payloads of all events, while there is room
}

// start starts a cloud. Functions are given by route key; $connect and $disconnect have default
// ones.
func start(
	t testing.TB, opts gateway.Options, functions map[string]function, edit ...func(*gateway.API),
) *cloud {
	t.Helper()
	c := &cloud{t: t, ended: make(chan request, 1000), raw: make(chan []byte, 100)}
	all := map[string]function{
		"$connect":    always(ok),
		"$disconnect": func(e request) (any, error) { c.ended <- e; return ok, nil },
		"$default":    always(ok),
	}
	for key, f := range functions {
		all[key] = f
	}
	opts.Region, opts.Account = "us-east-1", "000000000000"
	opts.Invoke = func(ctx context.Context, arn string, payload []byte) ([]byte, string, error) {
		select {
		case c.raw <- bytes.Clone(payload):
		default:
		}
		return invoke(ctx, all[strings.TrimPrefix(arn, functionPrefix)], payload)
	}
	c.Service = gateway.New(opts)
	api := gateway.API{
		ID:                       apiID,
		Stage:                    stage,
		RouteSelectionExpression: "$request.body.event",
		Routes:                   map[string]gateway.Route{},
	}
	for key, f := range all {
		if f != nil {
			api.Routes[key] = gateway.Route{
				IntegrationType: "AWS_PROXY",
				IntegrationURI:  functionPrefix + key,
			}
		}
	}
	for _, e := range edit {
		e(&api)
	}
	if err := c.Create(api); err != nil {
		t.Fatal(err)
	}
	c.sockets = httptest.NewServer(c.Socket(apiID))
	c.aws = httptest.NewServer(http.HandlerFunc(c.ServeConnections))
	t.Cleanup(func() {
		c.Close()
		c.sockets.Close()
		c.aws.Close()
	})
	return c
}

func invoke(ctx context.Context, f function, payload []byte) ([]byte, string, error) {
	var e request
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, "", err
	}
	type result struct {
		v   any
		err error
	}
	done := make(chan result, 1)
	go func() {
		v, err := f(e)
		done <- result{v, err}
	}()
	select {
	case <-ctx.Done():
		return nil, "", ctx.Err()
	case r := <-done:
		if errors.Is(r.err, errThrottled) {
			return nil, "", r.err
		}
		if r.err != nil {
			//nolint:nilerr // part of the result
			return []byte(`{"errorMessage":"` + r.err.Error() + `"}`), "Unhandled", nil
		}
		out, err := json.Marshal(r.v)
		return out, "", err
	}
}

// client is a WebSocket client that reads and writes frames.
type client struct {
	net.Conn
	t  testing.TB
	in *bufio.Reader
}

// dial opens a connection at path.
func (c *cloud) dial(path string, edit ...func(*ws.Dialer)) (*client, error) {
	c.t.Helper()
	d := ws.Dialer{Timeout: patience, Header: ws.HandshakeHeaderHTTP{"User-Agent": {"test"}}}
	for _, e := range edit {
		e(&d)
	}
	conn, in, _, err := d.Dial(
		context.Background(), "ws"+strings.TrimPrefix(c.sockets.URL, "http")+path,
	)
	if err != nil {
		return nil, err
	}
	c.t.Cleanup(func() { conn.Close() })
	if in == nil {
		in = bufio.NewReader(conn)
	}
	return &client{Conn: conn, t: c.t, in: in}, nil
}

// connect dials the stage and returns the client and its connection ID.
func (c *cloud) connect(edit ...func(*ws.Dialer)) (*client, string) {
	c.t.Helper()
	drain(c.raw)
	s, err := c.dial("/"+stage, edit...)
	if err != nil {
		c.t.Fatal(err)
	}
	var e request
	if err := json.Unmarshal(receive(c.t, c.raw), &e); err != nil {
		c.t.Fatal(err)
	}
	return s, e.RequestContext.ConnectionID
}

func drain[T any](c chan T) {
	for {
		select {
		case <-c:
		default:
			return
		}
	}
}

// send sends one unfragmented message.
func (s *client) send(op ws.OpCode, payload []byte) {
	s.t.Helper()
	s.frame(ws.NewFrame(op, true, payload))
}

func (s *client) frame(f ws.Frame) {
	s.t.Helper()
	if err := ws.WriteFrame(s, ws.MaskFrame(f)); err != nil {
		s.t.Fatal(err)
	}
}

// next returns the next frame; ok is false at the end of the stream.
func (s *client) next() (f ws.Frame, ok bool) {
	s.t.Helper()
	_ = s.SetReadDeadline(time.Now().Add(patience))
	h, err := ws.ReadHeader(s.in)
	if errors.Is(err, io.EOF) {
		return f, false
	}
	payload := make([]byte, h.Length)
	if err == nil {
		_, err = io.ReadFull(s.in, payload)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return ws.Frame{Header: h, Payload: payload}, true
}

// text returns the next message, which is a single text frame.
func (s *client) text() string {
	s.t.Helper()
	f, ok := s.next()
	if !ok || f.Header.OpCode != ws.OpText || !f.Header.Fin {
		s.t.Fatalf("got frame %+v %.100q, want a text message", f.Header, f.Payload)
	}
	return string(f.Payload)
}

// closed returns the code of the next frame, which is a close frame.
func (s *client) closed() ws.StatusCode {
	s.t.Helper()
	f, ok := s.next()
	if !ok || f.Header.OpCode != ws.OpClose {
		s.t.Fatalf("got frame %+v %q, want a close frame", f.Header, f.Payload)
	}
	code, _ := ws.ParseCloseFrameData(f.Payload)
	return code
}

// call calls @connections and returns status and body.
func (c *cloud) call(method, id, body string) (*http.Response, string) {
	c.t.Helper()
	return c.callPath(
		method, "/_aws/execute-api/"+apiID+"/"+stage+"/@connections/"+url.PathEscape(id), body,
	)
}

func (c *cloud) callPath(method, path, body string) (*http.Response, string) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(
		context.Background(), method, c.aws.URL+path, strings.NewReader(body),
	)
	if err != nil {
		c.t.Fatal(err)
	}
	resp, err := c.aws.Client().Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp, string(b)
}

// post posts and returns the status.
func (c *cloud) post(id, body string) int {
	c.t.Helper()
	resp, _ := c.call(http.MethodPost, id, body)
	return resp.StatusCode
}

// receive waits for a value.
func receive[T any](t testing.TB, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}
