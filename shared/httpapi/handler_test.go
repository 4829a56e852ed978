package httpapi_test

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // the protocol's
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hark/shared/httpapi"
	"hark/shared/pusher"
)

// apps are the apps by ID. One called broken cannot be read.
type apps map[string]pusher.App

func (a apps) ByID(_ context.Context, id string) (pusher.App, error) {
	if id == "broken" {
		return pusher.App{}, errors.New("inner-text of the table")
	}
	app, ok := a[id]
	if !ok {
		return pusher.App{}, pusher.ErrNoApp
	}
	return app, nil
}

// publisher notes what it takes over.
type publisher struct {
	mu  sync.Mutex
	got []pusher.Broadcast
	err error
}

func (p *publisher) Publish(_ context.Context, b ...pusher.Broadcast) error {
	if p.err != nil {
		return p.err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = append(p.got, b...)
	return nil
}

// counts are the subscribers of channels; a channel called broken cannot be counted.
type counts map[pusher.Channel]int

func (c counts) Count(_ context.Context, app string, ch pusher.Channel, _ time.Time) (int, error) {
	if ch == "broken" {
		return 0, errors.New("inner-text of the table")
	}
	if app != "3" {
		return -1, nil
	}
	return c[ch], nil
}

// server is the API over HTTP, at a fixed time.
type server struct {
	*httptest.Server
	*publisher
	app pusher.App
	log bytes.Buffer
}

var now = time.Unix(1353088179, 0)

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{publisher: &publisher{}, app: pusher.App{ID: "3", Key: "278d425bdf160c739803", Secret: "7ad3773142a6692b25b8"}}
	api := &httpapi.API{
		Apps: apps{
			"3":     s.app,
			"other": {ID: "other", Key: "other-key", Secret: s.app.Secret},
			"off":   {ID: "off", Key: s.app.Key, Secret: s.app.Secret, Disabled: true},
		},
		Publisher: s.publisher,
		Counter:   counts{"orders": 3, "private-orders.7": 1, "presence-room": 9},
		Now:       func() time.Time { return now },
		Log:       slog.New(slog.NewTextHandler(&s.log, nil)),
	}
	s.Server = httptest.NewServer(api.Handler())
	t.Cleanup(s.Close)
	return s
}

// request is a publish, with what is wrong about it.
type request struct {
	method, path, body string // POST /apps/3/events if empty
	prefix             string // in front of the path, not signed
	query              string // signed as it is
	sent               string // instead of the signed query, if not empty
	sentBody           string // instead of the signed body, if not empty
	at                 time.Time
	key                string
}

// answer is what came back.
type answer struct {
	status     int
	body, kind string
	header     http.Header
}

// do signs the request by hand and sends it.
func (s *server) do(t *testing.T, r request) answer {
	t.Helper()
	if r.method == "" {
		r.method = http.MethodPost
	}
	if r.path == "" {
		r.path = "/apps/3/events"
	}
	if r.key == "" {
		r.key = s.app.Key
	}
	if r.at.IsZero() {
		r.at = now
	}
	sum := md5.Sum([]byte(r.body)) //nolint:gosec // as above
	params := []string{
		"auth_key=" + r.key, "auth_timestamp=" + strconv.FormatInt(r.at.Unix(), 10), "auth_version=1.0", "body_md5=" + hex.EncodeToString(sum[:]),
	}
	if r.query != "" {
		params = append(params, r.query)
	}
	slices.Sort(params)
	query := strings.Join(params, "&")
	signature := s.app.Sign(r.method + "\n" + r.path + "\n" + query)
	if r.sent != "" {
		query = strings.Replace(query, r.query, r.sent, 1)
	}
	if r.sentBody != "" {
		r.body = r.sentBody
	}
	req, err := http.NewRequestWithContext(t.Context(), r.method,
		s.URL+r.prefix+r.path+"?"+query+"&auth_signature="+signature, strings.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	return do(t, req)
}

func do(t *testing.T, req *http.Request) answer {
	t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, string(body), res.Header.Get("Content-Type"), res.Header}
}

// accepted asserts a success as every SDK takes it (protocol.md §5.2).
func (a answer) accepted(t *testing.T, body string) {
	t.Helper()
	if a.status != 200 || a.body != body || a.kind != "application/json" {
		t.Fatalf("got %d %s %q, want 200 application/json %q", a.status, a.kind, a.body, body)
	}
}

// refused asserts a refusal: 126 its text is short and plain, it holds neither the secret nor what is ours to know, and
// nothing was published.
func (s *server) refused(t *testing.T, a answer, status int, says string) {
	t.Helper()
	if a.status != status || !strings.Contains(a.body, says) {
		t.Errorf("got %d %q, want %d and %q", a.status, a.body, status, says)
	}
	if a.kind != "text/plain; charset=utf-8" || len(a.body) > 600 || a.body == "" {
		t.Errorf("126 the text is %s, %d bytes", a.kind, len(a.body))
	}
	for _, secret := range []string{s.app.Secret, "inner-text", "goroutine"} {
		if strings.Contains(a.body, secret) {
			t.Errorf("%s is in the answer: %s", secret, a.body)
		}
	}
	if len(s.got) != 0 {
		t.Errorf("published all the same: %+v", s.got)
	}
}

const event = `{"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"}`

// The numbers are those of protocol.md §9.
func TestSignature(t *testing.T) {
	for _, c := range []struct {
		name   string
		r      request
		status int
		says   string
	}{
		{"93 as it should be", request{}, 200, ""},
		{"94 another body", request{sentBody: strings.Replace(event, "foo", "fop", 1)}, 401, "body_md5"},
		{"94 another parameter", request{query: "info=a", sent: "info=b"}, 401, "Invalid signature"},
		{"94 one parameter more", request{query: "info=a", sent: "info=a&x="}, 401, "Invalid signature"},
		{"94 another version", request{query: "auth_version=1.0", sent: "auth_version=1.1"}, 401, "Invalid signature"},
		{"95 599 s old", request{at: now.Add(-599 * time.Second)}, 200, ""},
		{"95 599 s ahead", request{at: now.Add(599 * time.Second)}, 200, ""},
		{"95 601 s old", request{at: now.Add(-601 * time.Second)}, 401, "not within 600s of server time"},
		{"95 601 s ahead", request{at: now.Add(601 * time.Second)}, 401, "Timestamp expired"},
		{"96 the key of another app", request{key: "other-key"}, 401, "Unknown auth_key"},
		{"97 an encoded comma", request{query: "info=user_count,subscription_count", sent: "info=user_count%2Csubscription_count"}, 200, ""},
		{"97 a raw comma", request{query: "info=user_count,subscription_count"}, 200, ""},
		{"98 an array", request{query: "info=a,b", sent: "info%5B0%5D=a&info%5B1%5D=b"}, 200, ""},
		{"99 a stage in front", request{prefix: "/prod"}, 200, ""},
		{"99 a base path in front", request{prefix: "/some/base/path"}, 200, ""},
		{"a raw semicolon", request{query: "filter_by_prefix=a;b"}, 200, ""},
		{"a path that was signed as it was sent", request{path: "/apps/%33/events"}, 200, ""},
		{"125 an unknown app", request{path: "/apps/unknown/events"}, 404, "No matching application for ID [unknown]"},
		{"125 an app ID that cannot be one", request{path: "/apps/a%23b/events"}, 404, "No matching application"},
		{"128 a disabled app", request{path: "/apps/off/events"}, 403, "disabled"},
		{"128 a disabled app, whoever signed", request{path: "/apps/off/events", key: "x"}, 403, "disabled"},
		{"a table that cannot be read", request{path: "/apps/broken/events"}, 500, "Internal server error"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			c.r.body = event
			a := s.do(t, c.r)
			if c.status == 200 {
				a.accepted(t, "{}")
				return
			}
			s.refused(t, a, c.status, c.says)
		})
	}
	t.Run("94 a request signed for another app's path", func(t *testing.T) {
		s := newServer(t)
		sum := md5.Sum([]byte(event)) //nolint:gosec // as above
		query := "auth_key=" + s.app.Key + "&auth_timestamp=1353088179&auth_version=1.0&body_md5=" + hex.EncodeToString(sum[:])
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/apps/3/events?"+query+
			"&auth_signature="+s.app.Sign("POST\n/apps/other/events\n"+query), strings.NewReader(event))
		if err != nil {
			t.Fatal(err)
		}
		s.refused(t, do(t, req), 401, `"POST\n/apps/3/events\nauth_key=`)
	})
	t.Run("93 the vector of protocol.md §5.1", func(t *testing.T) {
		s := newServer(t)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/apps/3/events?auth_key=278d425bdf160c739803"+
			"&auth_timestamp=1353088179&auth_version=1.0&body_md5=ec365a775a4cd0599faeb73354201b6f"+
			"&auth_signature=da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c", strings.NewReader(event))
		if err != nil {
			t.Fatal(err)
		}
		do(t, req).accepted(t, "{}")
	})
}

func TestRoutes(t *testing.T) {
	s := newServer(t)
	for _, c := range []struct {
		name, method, path string
		status             int
		says               string
	}{
		{"127 health, unsigned", "GET", "/up", 200, `{"health":"OK"}`},
		{"health by another method", "POST", "/up", 405, "Method Not Allowed"},
		{"publishing by another method", "GET", "/apps/3/events", 405, "Method Not Allowed"},
		{"publishing by another method, behind a stage", "PUT", "/prod/apps/3/events", 405, "Method Not Allowed"},
		{"the root", "GET", "/", 404, "not found"},
		{"an unknown route", "POST", "/apps/3/unknown", 404, "not found"},
		{"a slash too many", "POST", "/apps/3/events/", 404, "not found"},
		{"apps alone", "POST", "/apps/", 404, "not found"},
		{"no app", "POST", "/events", 404, "not found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), c.method, s.URL+c.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			a := do(t, req)
			if c.status == 200 {
				a.accepted(t, c.says)
				return
			}
			s.refused(t, a, c.status, c.says)
			if (a.status == 405) != (a.header.Get("Allow") != "") {
				t.Errorf("%d allows %q", a.status, a.header.Get("Allow"))
			}
		})
	}
}

func TestBodyLimit(t *testing.T) {
	s := newServer(t)
	s.refused(t, s.do(t, request{body: strings.Repeat(" ", 1<<20) + event}), 413, "1048576 bytes")
	s.do(t, request{body: strings.Repeat(" ", 1<<20-len(event)) + event}).accepted(t, "{}")
}

// What went wrong inside is for the log, and not for the answer.
func TestFailures(t *testing.T) {
	t.Run("of the publisher", func(t *testing.T) {
		s := newServer(t)
		s.err = errors.New("inner-text of the queue")
		s.refused(t, s.do(t, request{body: event}), 500, "Internal server error")
		if !strings.Contains(s.log.String(), "inner-text of the queue") {
			t.Errorf("log: %s", s.log.String())
		}
	})
	t.Run("of the counter, before anything is published", func(t *testing.T) {
		s := newServer(t)
		a := s.do(t, request{body: `{"name":"e","data":"","channels":["orders","broken"],"info":"subscription_count"}`})
		s.refused(t, a, 500, "Internal server error")
	})
}
