package edge_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/coder/websocket"

	"hark/localstack/cloud/edge"
	"hark/localstack/cloud/gateway"
)

// A client's socket goes through the edge to a gateway, in this process or behind a proxy, both
// ways and to its end.
func TestWebSocketThroughTheEdge(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		origin func(t *testing.T, socket http.Handler) http.Handler
	}{
		{
			"to a handler in this process",
			func(_ *testing.T, socket http.Handler) http.Handler { return socket },
		},
		{"to a reverse proxy", reverseProxy},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := make(chan events.APIGatewayWebsocketProxyRequest, 10)
			g := newGateway(t, got)
			v := newViewer(t, code, func(o *edge.Options) {
				o.Origin = func(string) http.Handler { return tt.origin(t, g.Socket("api1")) }
			})
			server := httptest.NewServer(v)
			t.Cleanup(server.Close)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()

			client, _, err := websocket.Dial(
				ctx, strings.Replace(server.URL, "http", "ws", 1)+"/app/my-key?protocol=7", nil,
			)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = client.CloseNow() })
			e := <-got
			if e.QueryStringParameters["app"] != "my-key" ||
				e.Headers["X-Hark-Origin"] != "secret" || e.Headers["X-Hark-Ip"] != "127.0.0.1" {
				t.Errorf("$connect got query %v, headers %v", e.QueryStringParameters, e.Headers)
			}
			if err := client.Write(ctx, websocket.MessageText, []byte("up")); err != nil {
				t.Fatal(err)
			}
			if e := <-got; e.Body != "up" {
				t.Errorf("$default got %q", e.Body)
			}
			post(t, g, http.MethodPost, e.RequestContext.ConnectionID, "down")
			if _, b, err := client.Read(ctx); err != nil || string(b) != "down" {
				t.Errorf("client got %q, %v", b, err)
			}
			post(t, g, http.MethodDelete, e.RequestContext.ConnectionID, "")
			_, _, err = client.Read(ctx)
			if websocket.CloseStatus(err) != websocket.StatusNormalClosure {
				t.Errorf("client got %v, want close 1000", err)
			}
			if e := <-got; e.RequestContext.EventType != "DISCONNECT" {
				t.Errorf("got %+v", e.RequestContext)
			}
		})
	}
}

// reverseProxy serves the socket on a port of its own, and returns a proxy to it.
func reverseProxy(t *testing.T, socket http.Handler) http.Handler {
	t.Helper()
	server := httptest.NewServer(socket)
	t.Cleanup(server.Close)
	target, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
	}
}

func TestRefusedHandshakeReachesTheViewer(t *testing.T) {
	t.Parallel()
	g := newGateway(t, make(chan events.APIGatewayWebsocketProxyRequest, 10))
	v := newViewer(t, code, func(o *edge.Options) {
		o.Distribution = json.RawMessage(strings.Replace(
			distribution, `"OriginPath": "/v1"`, `"OriginPath": "/v2"`, 1,
		))
		o.Origin = func(string) http.Handler { return g.Socket("api1") }
	})
	server := httptest.NewServer(v)
	t.Cleanup(server.Close)
	_, resp, err := websocket.Dial(
		t.Context(), strings.Replace(server.URL, "http", "ws", 1)+"/app/k", nil,
	)
	if err == nil || resp == nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("got %v %v, want 403", resp, err)
	}
}

func newGateway(t *testing.T, got chan<- events.APIGatewayWebsocketProxyRequest) *gateway.Service {
	t.Helper()
	g := gateway.New(gateway.Options{
		Region: "us-east-1", Account: "1",
		Invoke: func(_ context.Context, _ string, payload []byte) ([]byte, string, error) {
			var e events.APIGatewayWebsocketProxyRequest
			if err := json.Unmarshal(payload, &e); err != nil {
				return nil, "", err
			}
			got <- e
			return []byte(`{"statusCode":200}`), "", nil
		},
	})
	route := gateway.Route{
		IntegrationType: "AWS_PROXY", IntegrationURI: "arn:aws:lambda:us-east-1:1:function:f",
	}
	if err := g.Create(gateway.API{
		ID: "api1", Stage: "v1", RouteSelectionExpression: "$request.body.event",
		Routes: map[string]gateway.Route{
			"$connect": route, "$default": route, "$disconnect": route,
		},
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

func post(t *testing.T, g *gateway.Service, method, id, body string) {
	t.Helper()
	w := httptest.NewRecorder()
	path := "/_aws/execute-api/api1/v1/@connections/" + url.PathEscape(id)
	g.ServeConnections(
		w, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body)),
	)
	if w.Code >= 300 {
		t.Fatalf("%s: %d %s", method, w.Code, w.Body)
	}
}
