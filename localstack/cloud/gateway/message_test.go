package gateway_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/google/go-cmp/cmp"

	"hark/localstack/cloud/gateway"
	"hark/localstack/cloud/meter"
)

func TestMessagesTakeTheirRoute(t *testing.T) {
	seen := make(chan string, 1)
	see := func(e request) (any, error) {
		seen <- e.RequestContext.RouteKey + " " + e.Body
		return ok, nil
	}
	c := start(
		t, gateway.Options{}, map[string]function{"$default": see, "pusher:ping": see, "7": see},
	)
	s, _ := c.connect()
	for _, tt := range []struct{ name, body, want string }{
		{"a key that matches", `{"event":"pusher:ping","data":{}}`, "pusher:ping"},
		{"a number as a key", `{"event":7}`, "7"},
		{"no key that matches", `{"event":"client-x"}`, "$default"},
		{"no such field", `{"data":1}`, "$default"},
		{"not JSON", `junk`, "$default"},
		{"empty", ``, "$default"},
		{"a route that is not for messages", `{"event":"$connect"}`, "$default"},
		{"nor that one", `{"event":"$disconnect"}`, "$default"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.send(ws.OpText, []byte(tt.body))
			if got := receive(t, seen); got != tt.want+" "+tt.body {
				t.Errorf("got %q, want %s", got, tt.want)
			}
		})
	}
}

// The keys are those of the stack with context routes=named. Only the exact key selects a route:
// the function of $default still gets frames that merely look like the others.
func TestOnlyTheExactKeySelectsARoute(t *testing.T) {
	seen := make(chan string, 1)
	route := func(name string) function {
		return func(e request) (any, error) {
			seen <- name + " " + e.RequestContext.RouteKey
			return ok, nil
		}
	}
	c := start(t, gateway.Options{}, map[string]function{
		"$default": route("message"), "pusher:signin": route("auth"),
		"pusher:subscribe": route("subscribe"), "pusher:unsubscribe": route("subscribe"),
	})
	s, _ := c.connect()
	for _, tt := range []struct{ name, body, want string }{
		{
			"a subscribe", `{"event":"pusher:subscribe","data":{"channel":"a"}}`,
			"subscribe pusher:subscribe",
		},
		{
			"an unsubscribe", `{"event":"pusher:unsubscribe","data":{"channel":"a"}}`,
			"subscribe pusher:unsubscribe",
		},
		{
			"a sign-in", `{"event":"pusher:signin","data":{"auth":"","user_data":""}}`,
			"auth pusher:signin",
		},
		{"a sign-in in escapes", `{"event":"pusher\u003asignin"}`, "auth pusher:signin"},
		{"a ping", `{"event":"pusher:ping","data":{}}`, "message $default"},
		{
			"a client event", `{"event":"client-pusher:subscribe","channel":"private-a","data":{}}`,
			"message $default",
		},
		{"another case", `{"event":"Pusher:Subscribe"}`, "message $default"},
		{"a longer name", `{"event":"pusher:subscribed"}`, "message $default"},
		{"a space behind it", `{"event":"pusher:subscribe "}`, "message $default"},
		{"its first half", `{"event":"pusher"}`, "message $default"},
		{"a field in another case", `{"Event":"pusher:subscribe"}`, "message $default"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.send(ws.OpText, []byte(tt.body))
			if got := receive(t, seen); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// twoWay gives the API's default route a route response.
func twoWay(a *gateway.API) {
	r := a.Routes["$default"]
	r.RouteResponseSelectionExpression = "$default"
	a.Routes["$default"] = r
}

// throttled lets a single message through.
func throttled(a *gateway.API) {
	a.DefaultRouteSettings = gateway.Throttle{Rate: 1e-6, Burst: 1}
}

func withoutDefault(a *gateway.API) { delete(a.Routes, "$default") }

// integrations are the responses of functions and what the client is sent for them.
var integrations = []struct {
	name     string
	function function
	edit     func(*gateway.API)
	want     string // the message, or API Gateway's own text
}{
	{
		"a failure", func(request) (any, error) { return nil, errors.New("boom") }, nil,
		"Internal server error",
	},
	{
		"a throttle", func(request) (any, error) { return nil, errThrottled }, nil,
		"Internal server error",
	},
	{"an answer that is none", always("x"), nil, "Internal server error"},
	{"slowness", func(request) (any, error) { select {} }, nil, "Endpoint request timed out"},
	{"a route that is missing", nil, withoutDefault, "Forbidden"},
	{"a route that is throttled", always(ok), throttled, "Too Many Requests"},
	{
		"a body without a route response",
		always(map[string]any{"statusCode": 200, "body": "b"}), nil, "",
	},
	{
		"a status that is an error", always(map[string]any{"statusCode": 500, "body": "b"}),
		nil, "",
	},
	{
		"a body with a route response", always(map[string]any{"statusCode": 200, "body": "b"}),
		twoWay, "b",
	},
	{
		"a body in base64", always(map[string]any{
			"statusCode": 200, "body": "YmI=", "isBase64Encoded": true,
		}), twoWay, "bb",
	},
	{"no body with a route response", always(ok), twoWay, ""},
}

func TestTheClientIsSentWhatTheRouteLetsThrough(t *testing.T) {
	t.Parallel()
	for _, tt := range integrations {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			edit := tt.edit
			if edit == nil {
				edit = func(*gateway.API) {}
			}
			opts := gateway.Options{}
			if tt.name == "slowness" {
				opts.IntegrationTimeout = time.Second
			}
			c := start(t, opts, map[string]function{"$default": tt.function}, edit)
			s, id := c.connect()
			s.send(ws.OpText, []byte("1"))
			if tt.name == "a route that is throttled" {
				s.send(ws.OpText, []byte("2"))
			}
			if tt.want == "" { // no message comes before the pong
				time.Sleep(20 * time.Millisecond)
				s.send(ws.OpPing, []byte("p"))
				if f, _ := s.next(); f.Header.OpCode != ws.OpPong || string(f.Payload) != "p" {
					t.Fatalf("got %+v %q, want the pong and nothing else", f.Header, f.Payload)
				}
				return
			}
			got := s.text()
			if len(tt.want) > 2 {
				prefix := fmt.Sprintf(
					`{"message": %q, "connectionId":%q, "requestId":"`, tt.want, id,
				)
				if !strings.HasPrefix(got, prefix) || !json.Valid([]byte(got)) {
					t.Errorf("got %s, want %s…", got, prefix)
				}
				return
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestMessagesOfOneConnectionRunSideBySide(t *testing.T) {
	t.Parallel()
	started, release := make(chan int64, 100), make(chan struct{})
	c := start(t, gateway.Options{}, map[string]function{"$default": func(e request) (any, error) {
		started <- e.RequestContext.RequestTimeEpoch
		<-release
		return ok, nil
	}})
	s, _ := c.connect()
	for range 65 {
		s.send(ws.OpText, []byte("x"))
	}
	for range 64 {
		receive(t, started)
	}
	select {
	case <-started:
		t.Error("more than 64 run at a time")
	case <-time.After(20 * time.Millisecond):
	}
	release <- struct{}{}
	receive(t, started) // the 65th
	close(release)
}

func TestRequestTimeNeverDecreases(t *testing.T) {
	t.Parallel()
	clock := make(chan time.Time, 1)
	clock <- time.Unix(1_000_000, 0)
	back := func() time.Time { // a clock that runs backwards
		now := <-clock
		clock <- now.Add(-time.Second)
		return now
	}
	stamps := make(chan int64, 10)
	see := func(e request) (any, error) {
		stamps <- e.RequestContext.RequestTimeEpoch
		return ok, nil
	}
	c := start(
		t, gateway.Options{Now: back, Life: time.Hour},
		map[string]function{"$connect": see, "$default": see},
	)
	s, err := c.dial("/" + stage)
	if err != nil {
		t.Fatal(err)
	}
	last := receive(t, stamps)
	for range 5 {
		s.send(ws.OpText, []byte("x"))
		next := receive(t, stamps)
		if next < last {
			t.Fatalf("%d after %d", next, last)
		}
		last = next
	}
}

func TestMessagesAndMinutesAreCounted(t *testing.T) {
	t.Parallel()
	var m meter.Meter
	c := start(
		t, gateway.Options{Meter: &m},
		map[string]function{"$default": func(request) (any, error) { return nil, errThrottled }},
	)
	s, id := c.connect()
	c.post(id, strings.Repeat("x", 32<<10)) // 1
	c.post(id, strings.Repeat("x", 70<<10)) // 3
	s.send(ws.OpText, []byte("x"))          // 1, and its error
	for range 5 {
		s.next()
	}
	s.Close()
	receive(t, c.ended)
	const post, failed = "PostToConnection", "$default" // the function is named after its route
	want := []meter.Line{
		// four frames
		{Service: "apigateway", Unit: meter.SocketBytes, Operation: post, N: 102<<10 + 4*4},
		{
			Service:   "apigateway",
			Unit:      meter.SocketBytes,
			Function:  failed,
			Operation: failed,
			N:         103 + 2,
		},
		{Service: "apigateway", Unit: meter.SocketMinutes, Operation: "$connect", N: 1},
		{Service: "apigateway", Unit: meter.SocketMessages, Operation: failed, N: 1},
		{Service: "apigateway", Unit: meter.SocketMessages, Operation: post, N: 4},
		{
			Service:   "apigateway",
			Unit:      meter.SocketMessages,
			Function:  failed,
			Operation: failed,
			N:         1,
		},
		{Service: "apigateway", Unit: meter.OwnErrors, Function: failed, Operation: failed, N: 1},
	}
	if diff := cmp.Diff(want, m.Lines()); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
}

func TestARefusalOfConnectByTheGatewayIsCounted(t *testing.T) {
	t.Parallel()
	var m meter.Meter
	results := make(chan any, 2)
	connect := func(request) (any, error) {
		v := <-results
		err, _ := v.(error)
		return v, err
	}
	c := start(t, gateway.Options{Meter: &m}, map[string]function{"$connect": connect})
	// The first refusal is the function's own.
	for _, v := range []any{map[string]any{"statusCode": 403}, errThrottled} {
		results <- v
		if _, err := c.dial("/" + stage); err == nil {
			t.Error("the client was let in")
		}
	}
	if got := m.Snapshot()[meter.OwnErrors]; got != 1 {
		t.Errorf("counted %v errors of API Gateway's own, want 1", got)
	}
}
