package main

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"hark/localstack/cloud/template"
)

// emulated is a front before an emulator that answers with the request that it got.
func emulated(t *testing.T) http.Handler {
	t.Helper()
	emulator := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, strings.Join([]string{
			r.RequestURI, r.Header.Get("X-Hark-Origin"), r.Header.Get("X-Hark-Ip"),
			r.Header.Get("X-Forwarded-For"),
		}, " "))
	}))
	t.Cleanup(emulator.Close)
	data, err := os.ReadFile("../../infra/testdata/default.template.json")
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := template.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	stack, err := parsed.Resolve(template.Env{
		StackName: "Hark", Region: "us-east-1", Account: "000000000000",
		IDs:     map[string]string{"Socket": "api1"},
		StackID: "arn:aws:cloudformation:us-east-1:000000000000:stack/Hark/secret",
	})
	if err != nil {
		t.Fatal(err)
	}
	stack.Outputs["PublishHost"] = "url1.lambda-url.us-east-1.on.aws"
	handler, err := newHandler(stack, places{
		sockets:   emulator.URL + "/_aws/execute-api/{id}",
		functions: emulator.URL + "/_aws/lambda-url/{id}",
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return handler
}

func TestOneHostServesClientsAndPublishers(t *testing.T) {
	front := emulated(t)
	for _, tt := range []struct{ name, target, want string }{
		{
			"a client, through the template's function", "/app/key?protocol=7&app=other",
			"/_aws/execute-api/api1/v1/?app=key&protocol=7 secret 192.0.2.1 192.0.2.1",
		},
		{
			"a publisher, its path and query as they are",
			"/apps/a%40b/events?auth_key=k&body_md5=%61&flag",
			"/_aws/lambda-url/url1/apps/a%40b/events?auth_key=k&body_md5=%61&flag   ",
		},
		{"a health check", "/up", "/_aws/lambda-url/url1/up   "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			front.ServeHTTP(w, httptest.NewRequest(http.MethodGet, tt.target, nil))
			if got := w.Body.String(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestOtherHostsAreRefused(t *testing.T) {
	for _, host := range []string{"", "bucket.s3.amazonaws.com", "example.com"} {
		if _, err := (places{sockets: "http://x", functions: "http://x"}).origin(host); err == nil {
			t.Errorf("%q is served", host)
		}
	}
}
