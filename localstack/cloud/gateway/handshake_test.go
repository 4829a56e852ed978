package gateway_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"hark/localstack/cloud/gateway"
)

func TestAConnectionOpensOnlyAfterConnectReturned(t *testing.T) {
	t.Parallel()
	ids, answer := make(chan string, 1), make(chan struct{})
	c := start(t, gateway.Options{}, map[string]function{"$connect": func(e request) (any, error) {
		ids <- e.RequestContext.ConnectionID
		<-answer
		return ok, nil
	}})
	dialed := make(chan *client)
	go func() {
		s, err := c.dial("/" + stage)
		if err != nil {
			t.Error(err)
		}
		dialed <- s
	}()
	id := receive(t, ids)
	resp, body := c.call(http.MethodPost, id, "too early")
	if resp.StatusCode != http.StatusGone || body != "" ||
		resp.Header.Get("X-Amzn-Errortype") != "GoneException" {
		t.Errorf("post during $connect: %d %q, want 410 with an empty body", resp.StatusCode, body)
	}
	select {
	case <-dialed:
		t.Fatal("the socket opened before $connect returned")
	case <-time.After(20 * time.Millisecond):
	}
	close(answer)
	s := receive(t, dialed)
	if status := c.post(id, "hello"); status != http.StatusOK {
		t.Fatalf("post: %d, want 200", status)
	}
	if got := s.text(); got != "hello" {
		t.Errorf("got %q, want the post, and not the one from before", got)
	}
}

// handshakes are handshakes and their answers.
var handshakes = []struct {
	name    string
	path    string
	connect function
	want    int // 0: the socket opens
}{
	{"the stage opens", "/v1", always(ok), 0},
	{"the stage with a slash opens, with a query too", "/v1/?app=key&x=%20", always(ok), 0},
	{
		"201 opens", "/v1",
		always(map[string]any{"statusCode": 201, "body": "not for the client"}), 0,
	},
	{"an API without $connect lets everybody in", "/v1", nil, 0},
	{"no stage is forbidden", "/", always(ok), 403},
	{"another stage is forbidden", "/v2", always(ok), 403},
	{"a path behind the stage is forbidden", "/v1/app/key", always(ok), 403},
	{
		"403 of the function is the handshake's", "/v1",
		always(map[string]any{"statusCode": 403, "body": "secret"}), 403,
	},
	{
		"400 of the function is the handshake's", "/v1",
		always(map[string]any{"statusCode": 400}), 400,
	},
	{
		"301 of the function is the handshake's", "/v1",
		always(map[string]any{"statusCode": 301}), 301,
	},
	{
		"a function that fails gives 502", "/v1",
		func(request) (any, error) { return nil, errors.New("boom") }, 502,
	},
	{
		"a throttled function gives 502", "/v1",
		func(request) (any, error) { return nil, errThrottled }, 502,
	},
	{"an answer without status gives 502", "/v1", always(map[string]any{"body": "x"}), 502},
	{"an answer that is no object gives 502", "/v1", always("200"), 502},
	{"an answer that is null gives 502", "/v1", always(nil), 502},
	{"a status that is none gives 502", "/v1", always(map[string]any{"statusCode": 99}), 502},
	{
		"a function that is too slow gives 504", "/v1",
		func(request) (any, error) { select {} }, 504,
	},
}

func TestConnectDecidesTheHandshake(t *testing.T) {
	t.Parallel()
	for _, tt := range handshakes {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			opts := gateway.Options{}
			if tt.want == http.StatusGatewayTimeout {
				opts.IntegrationTimeout = time.Second
			}
			c := start(t, opts, map[string]function{"$connect": tt.connect})
			var body []byte
			_, err := c.dial(tt.path, func(d *ws.Dialer) {
				d.OnStatusError = func(_ int, _ []byte, head io.Reader) {
					if resp, err := http.ReadResponse(bufio.NewReader(head), nil); err == nil {
						body, _ = io.ReadAll(resp.Body)
					}
				}
			})
			var status ws.StatusError
			if errors.As(err, &status); err != nil && status == 0 || int(status) != tt.want {
				t.Fatalf("handshake: %v, want status %d", err, tt.want)
			}
			if strings.Contains(string(body), "secret") {
				t.Errorf("the function's body reached the client: %s", body)
			}
			if tt.want >= 500 && !strings.Contains(string(body), `"connectionId":"`) {
				t.Errorf("got body %s, want API Gateway's JSON", body)
			}
		})
	}
}

func TestAnOrdinaryRequestIsNotUpgraded(t *testing.T) {
	t.Parallel()
	c := start(t, gateway.Options{}, nil)
	resp, err := c.sockets.Client().Get(c.sockets.URL + "/" + stage)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUpgradeRequired {
		t.Errorf("got %d, want 426", resp.StatusCode)
	}
}

func TestSubprotocolIsTheFunctionsChoice(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		answer map[string]any
		want   string
	}{
		{"none unless it returns one", map[string]any{"statusCode": 200}, ""},
		{
			"its header",
			map[string]any{
				"statusCode": 200, "headers": map[string]any{"sec-websocket-protocol": "b"},
			},
			"b",
		},
		{
			"its header of many values",
			map[string]any{
				"statusCode":        200,
				"multiValueHeaders": map[string]any{"Sec-WebSocket-Protocol": []string{"a"}},
			},
			"a",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := start(t, gateway.Options{}, map[string]function{"$connect": always(tt.answer)})
			d := ws.Dialer{Protocols: []string{"a", "b"}}
			conn, _, hs, err := d.Dial(
				t.Context(), "ws"+strings.TrimPrefix(c.sockets.URL, "http")+"/"+stage,
			)
			if err != nil {
				t.Fatal(err)
			}
			conn.Close()
			if hs.Protocol != tt.want {
				t.Errorf("got %q, want %q", hs.Protocol, tt.want)
			}
		})
	}
}

func TestConnectIsThrottled(t *testing.T) {
	t.Parallel()
	clock := newClock()
	opts := gateway.Options{Now: clock.now}
	c := start(t, opts, nil, func(a *gateway.API) {
		r := a.Routes["$connect"]
		r.Throttle = &gateway.Throttle{Rate: 10, Burst: 3}
		a.Routes["$connect"] = r
	})
	dial := func() int {
		s, err := c.dial("/" + stage)
		var status ws.StatusError
		if errors.As(err, &status) {
			return int(status)
		}
		if err != nil {
			t.Fatal(err)
		}
		s.send(ws.OpText, []byte("the throttle of $connect is not that of messages"))
		return http.StatusSwitchingProtocols
	}
	for i, want := range []int{101, 101, 101, 429, 429} {
		if got := dial(); got != want {
			t.Errorf("handshake %d: %d, want %d", i, got, want)
		}
	}
	clock.advance(100 * time.Millisecond) // a token at 10/s
	for i, want := range []int{101, 429} {
		if got := dial(); got != want {
			t.Errorf("handshake %d after 100 ms: %d, want %d", i, got, want)
		}
	}
}

func TestConnectionIDsHaveTheFormOfAWS(t *testing.T) {
	t.Parallel()
	t.Run("have AWS's shape and survive the path", func(t *testing.T) {
		t.Parallel()
		c := start(t, gateway.Options{}, nil)
		s, id := c.connect()
		if len(id) != 16 || !strings.HasSuffix(id, "=") {
			t.Errorf("got id %q, want 16 characters that end in =", id)
		}
		escaped := strings.ReplaceAll(id, "=", "%3D")
		resp, _ := c.callPath(
			http.MethodPost, "/_aws/execute-api/"+apiID+"/"+stage+"/%40connections/"+escaped, "hi",
		)
		if got := s.text(); resp.StatusCode != http.StatusOK || got != "hi" {
			t.Errorf("post: %d, client got %q", resp.StatusCode, got)
		}
	})
	t.Run("may hold what a path must escape", func(t *testing.T) {
		t.Parallel()
		const id = "+/+/abcdefghij0="
		c := start(t, gateway.Options{NewID: func() string { return id }}, nil)
		s, _ := c.connect()
		if status := c.post(id, "hi"); status != http.StatusOK || s.text() != "hi" {
			t.Errorf("post to %s: %d", url.PathEscape(id), status)
		}
	})
}

// goodRoute returns a route that Create accepts.
func goodRoute() gateway.Route {
	return gateway.Route{
		IntegrationType: "AWS_PROXY", IntegrationURI: "arn:aws:lambda:r:1:function:f",
	}
}

// apiWithRoute returns an API whose only route is the good one, edited.
func apiWithRoute(edit func(*gateway.Route)) gateway.API {
	r := goodRoute()
	edit(&r)
	return gateway.API{
		ID:                       "a",
		Stage:                    "s",
		RouteSelectionExpression: "$request.body.x",
		Routes:                   map[string]gateway.Route{"$default": r},
	}
}

// refusedAPIs are APIs that Create does not accept.
var refusedAPIs = []struct {
	name string
	api  gateway.API
	want string
}{
	{
		"a MOCK integration", apiWithRoute(func(r *gateway.Route) { r.IntegrationType = "MOCK" }),
		"MOCK",
	},
	{
		"an authorizer", apiWithRoute(func(r *gateway.Route) { r.AuthorizationType = "CUSTOM" }),
		"CUSTOM",
	},
	{
		"an integration with no function",
		apiWithRoute(func(r *gateway.Route) { r.IntegrationURI = "https://x" }), "https://x",
	},
	{
		"a route response with a key",
		apiWithRoute(func(r *gateway.Route) {
			r.RouteResponseSelectionExpression = "x"
		}), "$default",
	},
	{"an API without stage", gateway.API{ID: "a"}, "stage"},
	{
		"a selection by header",
		gateway.API{ID: "a", Stage: "s", RouteSelectionExpression: "$request.header.x"},
		"header.x",
	},
	{
		"a key of its own with a dollar",
		gateway.API{
			ID:                       "a",
			Stage:                    "s",
			RouteSelectionExpression: "$request.body.x",
			Routes:                   map[string]gateway.Route{"$mine": goodRoute()},
		},
		"not formatted properly",
	},
}

func TestCreateRefusesByName(t *testing.T) {
	t.Parallel()
	for _, tt := range refusedAPIs {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := gateway.New(gateway.Options{}).Create(tt.api)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error about %q", err, tt.want)
			}
		})
	}
	t.Run("not an integration path as CloudFormation has it", func(t *testing.T) {
		t.Parallel()
		api := apiWithRoute(func(r *gateway.Route) {
			r.IntegrationURI = "arn:aws:apigateway:r:lambda:path/2015-03-31/functions/" +
				"arn:aws:lambda:r:1:function:f/invocations"
		})
		if err := gateway.New(gateway.Options{}).Create(api); err != nil {
			t.Error(err)
		}
	})
}

func TestConnectEventHasHeadersAndQuery(t *testing.T) {
	t.Parallel()
	c := start(t, gateway.Options{}, nil)
	_, err := c.dial("/"+stage+"?app=a%20b&app=c&flag", func(d *ws.Dialer) {
		d.Header = ws.HandshakeHeaderHTTP{
			"X-Forwarded-For": {"203.0.113.7"}, "x-hark-origin": {"s"},
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	var e request
	if err := json.Unmarshal(receive(t, c.raw), &e); err != nil {
		t.Fatal(err)
	}
	if e.QueryStringParameters["app"] != "c" || len(e.MultiValueQueryStringParameters["app"]) != 2 {
		t.Errorf("got query %v %v", e.QueryStringParameters, e.MultiValueQueryStringParameters)
	}
	for name, want := range map[string]string{
		"X-Forwarded-For":       "203.0.113.7, 127.0.0.1",
		"X-Hark-Origin":         "s",
		"Sec-WebSocket-Version": "13",
		"Host":                  strings.TrimPrefix(c.sockets.URL, "http://"),
		"Connection":            "",
		"Upgrade":               "",
	} {
		if got := e.Headers[name]; got != want {
			t.Errorf("header %s: %q, want %q", name, got, want)
		}
	}
	if e.RequestContext.Identity.SourceIP != "127.0.0.1" {
		t.Errorf("sourceIp %q, want the peer's", e.RequestContext.Identity.SourceIP)
	}
}
