package edge_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"hark/localstack/cloud/edge"
)

func FuzzFunction(f *testing.F) {
	for _, seed := range []string{
		"/app/key", "/app/a&app=b", "/app/%2e%2e/x", "//", "/app/\x00", "/app/é", "*", "",
	} {
		f.Add(seed, "protocol=7&client=js&&=&a;b=%zz", "a=1")
	}
	v := newViewer(f, code)
	f.Fuzz(func(t *testing.T, path, query, cookie string) {
		v.got = nil
		r := &http.Request{
			Method: http.MethodGet, URL: &url.URL{
				Path: path, RawQuery: query,
			}, Host: "viewer.example",
			Header: http.Header{"Cookie": {cookie}}, RemoteAddr: "203.0.113.7:1",
		}
		w := newNullWriter()
		v.ServeHTTP(w, r)
		switch w.status {
		case http.StatusAccepted:
			got := v.got[0]
			if got.URL.Path != "/v1/" || !strings.HasPrefix(got.URL.RawQuery, "app=") ||
				strings.ContainsAny(got.RequestURI, " \r\n#\x00") {
				t.Errorf("%q?%q: origin got %q", path, query, got.RequestURI)
			}
		case http.StatusNotFound:
		default:
			t.Errorf("%q?%q: status %d", path, query, w.status)
		}
	})
}

type nullWriter struct {
	header http.Header
	status int
}

func newNullWriter() *nullWriter { return &nullWriter{header: make(http.Header)} }

func (w *nullWriter) Header() http.Header         { return w.header }
func (w *nullWriter) Write(b []byte) (int, error) { return len(b), nil }
func (w *nullWriter) WriteHeader(status int)      { w.status = status }

// BenchmarkRequest is a request through the function to an origin in this process.
func BenchmarkRequest(b *testing.B) {
	origin := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
	})
	v := newViewer(b, code, func(o *edge.Options) {
		o.Origin = func(string) http.Handler { return origin }
	})
	r, err := http.NewRequestWithContext(
		b.Context(), http.MethodGet, "/app/my-key?protocol=7&client=js&version=8.4.0&flash=false",
		nil,
	)
	if err != nil {
		b.Fatal(err)
	}
	r.RemoteAddr = "203.0.113.7:1234"
	for _, name := range []string{
		"Accept-Encoding", "Accept-Language", "Cache-Control", "Origin", "Pragma", "User-Agent",
		"Sec-Websocket-Key",
	} {
		r.Header.Set(name, "a value of some length")
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			v.ServeHTTP(newNullWriter(), r)
		}
	})
}
