package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// named is a host that answers with its name and the path of the request.
func named(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, name+" "+r.URL.Path)
	})
}

func TestThePublicPortFindsTheHostByThePath(t *testing.T) {
	both := &public{client: named("client"), publish: named("publish")}
	for _, tt := range []struct {
		name, path string
		port       *public
		status     int
		want       string
	}{
		{"clients reach the distribution", "/app/local-key", both, 200, "client /app/local-key"},
		{
			"publishers reach the function URL", "/apps/local/events", both, 200,
			"publish /apps/local/events",
		},
		{"health is the function's", "/up", both, 200, "publish /up"},
		{
			"so is channel authorisation", "/broadcasting/auth", both, 200,
			"publish /broadcasting/auth",
		},
		{"the root explains", "/", both, 200, "Hark's local cloud."},
		{"anything else is not there", "/application", both, 404, "Nothing is served here."},
		{
			"a stack without the host says so", "/app/local-key", &public{}, 404,
			"ClientHost and PublishHost",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			tt.port.ServeHTTP(w, httptest.NewRequest(http.MethodGet, tt.path, nil))
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) {
				t.Errorf("status %d, %q; want %d, %q", w.Code, w.Body, tt.status, tt.want)
			}
		})
	}
}
