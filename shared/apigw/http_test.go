package apigw_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"hark/shared/apigw"
)

// call sends an event to a handler through aws-lambda-go.
func call(t *testing.T, h http.HandlerFunc, event []byte) events.LambdaFunctionURLResponse {
	t.Helper()
	out, err := lambda.NewHandler(apigw.HTTP(h)).Invoke(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	return decode[events.LambdaFunctionURLResponse](t, out)
}

// posted returns the event of a publish, with a change.
func posted(t *testing.T, change func(*events.LambdaFunctionURLRequest)) []byte {
	t.Helper()
	e := decode[events.LambdaFunctionURLRequest](t, recorded(t, "api"))
	e.RequestContext.HTTP.Method, e.RawPath = http.MethodPost, "/apps/local/events"
	change(&e)
	b, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestHTTPReadsTheRecordedEvent(t *testing.T) {
	call(t, func(_ http.ResponseWriter, r *http.Request) {
		const host = "abcdefghijklmnopqrstuvwxyz012345.lambda-url.us-east-1.on.aws"
		if r.Method != http.MethodGet || r.URL.String() != "/up" || r.Host != host {
			t.Errorf("got %s %s of %s", r.Method, r.URL, r.Host)
		}
		if r.RemoteAddr != "203.0.113.7" || r.Header.Get("X-Forwarded-Proto") != "https" {
			t.Errorf("got %s, %v", r.RemoteAddr, r.Header)
		}
	}, recorded(t, "api"))
}

func TestHTTPRequest(t *testing.T) {
	for _, c := range []struct {
		name                    string
		change                  func(*events.LambdaFunctionURLRequest)
		path, raw, query, wants string // of the request; wants is its body
	}{
		{
			"a text body", func(e *events.LambdaFunctionURLRequest) { e.Body = `{"a":1}` },
			"/apps/local/events", "/apps/local/events", "", `{"a":1}`,
		},
		{
			"a body in base64", func(e *events.LambdaFunctionURLRequest) {
				e.Body = base64.StdEncoding.EncodeToString([]byte("{\"a\":\"\xff\"}"))
				e.IsBase64Encoded = true
			},
			"/apps/local/events", "/apps/local/events", "", "{\"a\":\"\xff\"}",
		},
		{
			"a query as it was sent", func(e *events.LambdaFunctionURLRequest) {
				e.RawQueryString = "a=1%2C2&b=;x&a=%zz"
			},
			"/apps/local/events", "/apps/local/events", "a=1%2C2&b=;x&a=%zz", "",
		},
		{
			"a path as it was sent, which is the one that was signed",
			func(e *events.LambdaFunctionURLRequest) {
				e.RawPath = "/apps/local/channels/a%40b%2Fc"
			},
			"/apps/local/channels/a@b/c", "/apps/local/channels/a%40b%2Fc", "", "",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			called := false
			call(t, func(_ http.ResponseWriter, r *http.Request) {
				called = true
				body, err := io.ReadAll(r.Body)
				if err != nil || string(body) != c.wants || r.ContentLength != int64(len(c.wants)) {
					t.Errorf("body %q of %d bytes, %v", body, r.ContentLength, err)
				}
				u := r.URL
				if u.Path != c.path || u.EscapedPath() != c.raw || u.RawQuery != c.query {
					t.Errorf("path %q, escaped %q, query %q", u.Path, u.EscapedPath(), u.RawQuery)
				}
			}, posted(t, c.change))
			if !called {
				t.Error("not called")
			}
		})
	}
}

func TestHTTPRefusesInvalidEncodings(t *testing.T) {
	for name, change := range map[string]func(*events.LambdaFunctionURLRequest){
		"not base64": func(e *events.LambdaFunctionURLRequest) {
			e.Body, e.IsBase64Encoded = "!", true
		},
		"an invalid path": func(e *events.LambdaFunctionURLRequest) { e.RawPath = "/apps/%zz" },
	} {
		t.Run(name, func(t *testing.T) {
			called := func(http.ResponseWriter, *http.Request) { t.Error("called") }
			out := call(t, called, posted(t, change))
			if out.StatusCode != http.StatusBadRequest {
				t.Errorf("got %+v", out)
			}
		})
	}
}

func TestHTTPResponse(t *testing.T) {
	for _, c := range []struct {
		name   string
		h      http.HandlerFunc
		status int
		body   string
	}{
		{"nothing written is 200", func(http.ResponseWriter, *http.Request) {}, 200, ""},
		{"a body without a status is 200", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "{}")
		}, 200, "{}"},
		{"a refusal", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "no", http.StatusTeapot)
		}, 418, "no\n"},
		{"the first status counts", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusTeapot)
			w.WriteHeader(http.StatusOK)
		}, 418, ""},
		{"a status after the body is too late", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "a")
			w.WriteHeader(http.StatusTeapot)
			_, _ = io.WriteString(w, "b")
		}, 200, "ab"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := call(t, c.h, recorded(t, "api"))
			if out.StatusCode != c.status || out.Body != c.body || out.IsBase64Encoded {
				t.Errorf("got %+v", out)
			}
		})
	}
	t.Run("headers", func(t *testing.T) {
		out := call(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("content-type", "application/json")
		}, recorded(t, "api"))
		if out.Headers["Content-Type"] != "application/json" {
			t.Errorf("got %v", out.Headers)
		}
	})
}
