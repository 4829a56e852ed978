package apigw_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"hark/shared/apigw"
	"hark/shared/pusher"
	"hark/shared/state"
)

// recorded returns an event as AWS sends it to the function of that name.
func recorded(t *testing.T, trigger string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "events", trigger+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func decode[T any](t *testing.T, text []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// logged returns a logger and the buffer to which it writes.
func logged() (*slog.Logger, *bytes.Buffer) {
	var b bytes.Buffer
	return slog.New(slog.NewTextHandler(&b, nil)), &b
}

// opener refuses a handshake with err, or returns greet.
type opener struct {
	got   pusher.Handshake
	err   error
	greet func(context.Context)
}

func (o *opener) Open(_ context.Context, h pusher.Handshake) (func(context.Context), error) {
	o.got = h
	return o.greet, o.err
}

func names() apigw.Handshakes {
	return apigw.Handshakes{SecretHeader: "x-hark-origin", KeyParameter: "app"}
}

func TestConnectReadsTheHandshake(t *testing.T) {
	o := &opener{greet: func(context.Context) {}}
	log, _ := logged()
	e := decode[events.APIGatewayWebsocketProxyRequest](t, recorded(t, "connect"))
	if _, err := apigw.Connect(o, names(), log)(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	want := pusher.Handshake{
		Connection:  "L0SM9cOFvHcCIhw=",
		Key:         "local-key",
		Secret:      "11111111-2222-3333-4444-555555555555",
		ConnectedAt: time.UnixMilli(1795521600005),
	}
	if o.got != want {
		t.Errorf("got %+v, want %+v", o.got, want)
	}
}

// CloudFront, API Gateway and clients each write header names in their own case.
func TestConnectFindsTheSecretInAnyCase(t *testing.T) {
	for _, c := range []struct {
		name, header, configured, want string
	}{
		{"as it is set", "x-hark-origin", "x-hark-origin", "s"},
		{"in canonical case", "X-Hark-Origin", "x-hark-origin", "s"},
		{"in upper case", "X-HARK-ORIGIN", "x-hark-origin", "s"},
		{"configured in another case", "x-hark-origin", "X-Hark-Origin", "s"},
		{"absent", "x-other", "x-hark-origin", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := &opener{greet: func(context.Context) {}}
			log, _ := logged()
			e := events.APIGatewayWebsocketProxyRequest{Headers: map[string]string{c.header: "s"}}
			_, err := apigw.Connect(o, apigw.Handshakes{
				SecretHeader: c.configured,
			}, log)(t.Context(), e)
			if err != nil || o.got.Secret != c.want {
				t.Errorf("got %q, %v", o.got.Secret, err)
			}
		})
	}
}

// Browsers send the origin of the page; other clients send none.
func TestConnectReadsTheOrigin(t *testing.T) {
	for name, headers := range map[string]map[string]string{
		"https://example.com":  {"Origin": "https://example.com", "x-hark-origin": "s"},
		"http://localhost:173": {"origin": "http://localhost:173"},
		"null":                 {"ORIGIN": "null"},
		"":                     {"x-hark-origin": "s"},
	} {
		t.Run(name, func(t *testing.T) {
			o := &opener{greet: func(context.Context) {}}
			log, _ := logged()
			event := events.APIGatewayWebsocketProxyRequest{Headers: headers}
			_, err := apigw.Connect(o, names(), log)(t.Context(), event)
			if err != nil || o.got.Origin != name {
				t.Errorf("got %q, %v", o.got.Origin, err)
			}
		})
	}
}

func TestConnectUsesNowIfTheEventHasNoTime(t *testing.T) {
	o := &opener{greet: func(context.Context) {}}
	log, _ := logged()
	before := time.Now()
	_, err := apigw.Connect(o, names(), log)(t.Context(), events.APIGatewayWebsocketProxyRequest{})
	if err != nil || o.got.ConnectedAt.Before(before) || o.got.ConnectedAt.After(time.Now()) {
		t.Errorf("got %s, %v", o.got.ConnectedAt, err)
	}
}

// aws-lambda-go closes the answer after it has posted it. Close posts the greeting (docs/aws.md
// §A2).
func TestConnectGreetsOnCloseOnly(t *testing.T) {
	greeted := 0
	o := &opener{greet: func(ctx context.Context) {
		greeted++
		if ctx.Err() != nil {
			t.Error("the context has ended")
		}
	}}
	log, _ := logged()
	ctx, cancel := context.WithCancel(t.Context())
	out, err := apigw.Connect(o, names(), log)(ctx, events.APIGatewayWebsocketProxyRequest{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(out)
	if err != nil || string(text) != `{"statusCode":200}` {
		t.Fatalf("got %s, %v", text, err)
	}
	if greeted != 0 {
		t.Fatal("greeted before the answer was closed")
	}
	cancel() // the answer has been posted
	if err := out.(io.Closer).Close(); err != nil || greeted != 1 {
		t.Errorf("greeted %d times, %v", greeted, err)
	}
}

// aws-lambda-go streams a result only if the result encodes to {}, so this test goes through its
// handler.
func TestConnectIsAStreamToTheRuntime(t *testing.T) {
	for _, c := range []struct {
		name    string
		err     error
		want    string
		greeted bool
	}{
		{"accepted", nil, `{"statusCode":200}`, true},
		{"refused", errors.New("not through the distribution"), `{"statusCode":403}`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			greeted := false
			log, _ := logged()
			o := &opener{err: c.err, greet: func(context.Context) { greeted = true }}
			h := lambda.NewHandler(apigw.Connect(o, names(), log))
			out, err := h.Invoke(t.Context(), recorded(t, "connect"))
			if err != nil || string(out) != c.want || greeted != c.greeted {
				t.Errorf("got %s, %v, greeted: %t", out, err, greeted)
			}
		})
	}
}

func TestTheAnswerToConnectIsJSON(t *testing.T) {
	log, _ := logged()
	event := events.APIGatewayWebsocketProxyRequest{}
	out, err := apigw.Connect(&opener{}, names(), log)(t.Context(), event)
	if err != nil || out.(interface{ ContentType() string }).ContentType() != "application/json" {
		t.Errorf("got %#v, %v", out, err)
	}
}

func TestConnectLogsAPanicOfTheGreeting(t *testing.T) {
	log, text := logged()
	o := &opener{greet: func(context.Context) { panic("the greeting broke") }}
	h := lambda.NewHandler(apigw.Connect(o, names(), log))
	out, err := h.Invoke(t.Context(), recorded(t, "connect"))
	if err != nil || string(out) != `{"statusCode":200}` {
		t.Errorf("got %s, %v", out, err)
	}
	logs := text.String()
	if !strings.Contains(logs, "the greeting broke") || !strings.Contains(logs, "routes_test.go") {
		t.Errorf("the log does not say what broke and where: %s", logs)
	}
}

// messages is a function as apigw.Messages.
type messages func(id pusher.ConnectionID, t state.Stamp, text []byte)

func (m messages) Message(_ context.Context, id pusher.ConnectionID, t state.Stamp, text []byte) {
	m(id, t, text)
}

func TestMessage(t *testing.T) {
	type frame struct {
		id   pusher.ConnectionID
		at   state.Stamp
		text string
	}
	var got frame
	log, _ := logged()
	h := apigw.Message(messages(func(id pusher.ConnectionID, at state.Stamp, text []byte) {
		got = frame{id, at, string(text)}
	}), log)
	out, err := lambda.NewHandler(h).Invoke(t.Context(), recorded(t, "message"))
	if err != nil {
		t.Fatal(err)
	}
	want := frame{
		"L0SM9cOFvHcCIhw=", 1795521601000,
		`{"event":"pusher:subscribe","data":{"auth":"","channel":"news"}}`,
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	answered(t, out)
}

// A panic must not become an error. API Gateway would send the client a frame about it, at which
// pusher-js throws (docs/protocol.md §1.7).
func TestMessageLogsAPanic(t *testing.T) {
	log, text := logged()
	h := apigw.Message(messages(func(pusher.ConnectionID, state.Stamp, []byte) {
		panic("the frame broke")
	}), log)
	out, err := lambda.NewHandler(h).Invoke(t.Context(), recorded(t, "message"))
	if err != nil || !strings.Contains(text.String(), "the frame broke") {
		t.Errorf("got %v, log %s", err, text)
	}
	answered(t, out)
}

// answered checks for an answer of 200 without a body, about which API Gateway sends the client
// nothing.
func answered(t *testing.T, out []byte) {
	t.Helper()
	a := decode[struct {
		StatusCode int
		Body       string
	}](t, out)
	if a.StatusCode != http.StatusOK || a.Body != "" {
		t.Errorf("got %s, want 200 and no body", out)
	}
}

// forgetter is a function as an apigw.Forgetter.
type forgetter func(id pusher.ConnectionID) error

func (f forgetter) Disconnected(_ context.Context, id pusher.ConnectionID) error { return f(id) }

func TestDisconnect(t *testing.T) {
	broken := errors.New("the table is down")
	for _, c := range []struct {
		name string
		err  error
	}{{"forgotten", nil}, {"not forgotten, which must be counted", broken}} {
		t.Run(c.name, func(t *testing.T) {
			var got pusher.ConnectionID
			h := apigw.Disconnect(forgetter(func(id pusher.ConnectionID) error {
				got = id
				return c.err
			}))
			_, err := lambda.NewHandler(h).Invoke(t.Context(), recorded(t, "disconnect"))
			if got != "L0SM9cOFvHcCIhw=" || !errors.Is(err, c.err) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}
