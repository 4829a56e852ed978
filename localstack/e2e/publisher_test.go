package e2e_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	pusher "github.com/pusher/pusher-http-go/v5"

	"hark/localstack/e2e/wire"
)

// What an app's server does: it sends requests that are signed by hand, or uses the Go SDK.

func api() wire.API { return apiOf(hark.App) }

func apiOf(app wire.App) wire.API { return wire.API{Base: hark.APIURL, App: app} }

func sdk(t *testing.T) *pusher.Client {
	t.Helper()
	u, err := url.Parse(hark.APIURL)
	if err != nil {
		t.Fatal(err)
	}
	return &pusher.Client{
		AppID: hark.App.ID, Key: hark.App.Key, Secret: hark.App.Secret, Host: u.Host,
		Secure: u.Scheme == "https",
	}
}

// publish sends the event, which must be accepted with 200 and {} (docs/protocol.md §5.2).
func publish(t *testing.T, e wire.Event) {
	t.Helper()
	publishTo(t, hark.App, e)
}

func publishTo(t *testing.T, app wire.App, e wire.Event) {
	t.Helper()
	a, err := apiOf(app).Publish(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	if a.Status != 200 || a.Body != "{}" {
		t.Fatalf("publish %.200v: got %d %s, want 200 {}", e, a.Status, a.Body)
	}
}

// request sends a request of the app. A path without a leading slash is below /apps/{id}/.
func request(t *testing.T, app wire.App, r wire.Request) wire.Answer {
	t.Helper()
	if r.Path == "" || r.Path[0] != '/' {
		r.Path = "/apps/" + app.ID + "/" + r.Path
	}
	a, err := apiOf(app).Do(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// post sends a request of the default app, by default a POST to its events.
func post(t *testing.T, r wire.Request) wire.Answer {
	t.Helper()
	if r.Method == "" {
		r.Method = http.MethodPost
	}
	if r.Path == "" {
		r.Path = "events"
	}
	return request(t, hark.App, r)
}

// get asks for a path below /apps/{id}/ with params as name, value, name, value.
func get(t *testing.T, path string, params ...string) wire.Answer {
	t.Helper()
	return getOf(t, hark.App, path, params...)
}

func getOf(t *testing.T, app wire.App, path string, params ...string) wire.Answer {
	t.Helper()
	r := wire.Request{Method: http.MethodGet, Path: path, Params: map[string]string{}}
	for i := 0; i < len(params); i += 2 {
		r.Params[params[i]] = params[i+1]
	}
	return request(t, app, r)
}

// answers fails unless the answer has that status and that JSON; the order of its keys does not
// matter.
func answers(t *testing.T, a wire.Answer, status int, want string) {
	t.Helper()
	if a.Status != status || normal(t, a.Body) != normal(t, want) {
		t.Errorf("got %d %s, want %d %s", a.Status, a.Body, status, want)
	}
}

func normal(t *testing.T, text string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%q is not JSON: %v", text, err)
	}
	return string(body(t, v))
}

func body(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
