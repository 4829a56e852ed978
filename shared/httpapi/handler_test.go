package httpapi_test

import (
	"crypto/md5" //nolint:gosec // the protocol's
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

const event = `{"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"}`

type signatureCase struct {
	name   string
	r      request
	status int
	says   string
}

func (c signatureCase) check(t *testing.T) {
	t.Helper()
	s := newServer(t)
	c.r.body = event
	a := s.do(t, c.r)
	if c.status == 200 {
		a.accepted(t, "{}")
		return
	}
	s.refused(t, a, c.status, c.says)
}

// The numbers are those of docs/protocol.md §9.
func TestSignature(t *testing.T) {
	for _, c := range []signatureCase{
		{"93 as it should be", request{}, 200, ""},
		{
			"94 another body",
			request{sentBody: strings.Replace(event, "foo", "fop", 1)},
			401,
			"body_md5",
		},
		{
			"94 another parameter",
			request{query: "info=a", sent: "info=b"},
			401,
			"Invalid signature",
		},
		{
			"94 one parameter more",
			request{query: "info=a", sent: "info=a&x="},
			401,
			"Invalid signature",
		},
		{
			"94 another version",
			request{query: "auth_version=1.0", sent: "auth_version=1.1"},
			401,
			"Invalid signature",
		},
		{"95 599 s old", request{at: now.Add(-599 * time.Second)}, 200, ""},
		{"95 599 s ahead", request{at: now.Add(599 * time.Second)}, 200, ""},
		{
			"95 601 s old",
			request{at: now.Add(-601 * time.Second)},
			401,
			"not within 600s of server time",
		},
		{"95 601 s ahead", request{at: now.Add(601 * time.Second)}, 401, "Timestamp expired"},
		{"96 the key of another app", request{key: "other-key"}, 401, "Unknown auth_key"},
		{
			"97 an encoded comma",
			request{
				query: "info=user_count,subscription_count",
				sent:  "info=user_count%2Csubscription_count",
			},
			200, "",
		},
		{"97 a raw comma", request{query: "info=user_count,subscription_count"}, 200, ""},
		{"98 an array", request{query: "info=a,b", sent: "info%5B0%5D=a&info%5B1%5D=b"}, 200, ""},
	} {
		t.Run(c.name, c.check)
	}
}

// The numbers are those of docs/protocol.md §9.
func TestPathsAndApps(t *testing.T) {
	for _, c := range []signatureCase{
		{"99 a stage in front", request{prefix: "/prod"}, 200, ""},
		{"99 a base path in front", request{prefix: "/some/base/path"}, 200, ""},
		{"a raw semicolon", request{query: "filter_by_prefix=a;b"}, 200, ""},
		{"a path that was signed as it was sent", request{path: "/apps/%33/events"}, 200, ""},
		{
			"125 an unknown app",
			request{path: "/apps/unknown/events"},
			404,
			"No matching application for ID [unknown]",
		},
		{
			"125 an app ID that cannot be one",
			request{path: "/apps/a%23b/events"},
			404,
			"No matching application",
		},
		{"128 a disabled app", request{path: "/apps/off/events"}, 403, "disabled"},
		{
			"128 a disabled app, whoever signed",
			request{path: "/apps/off/events", key: "x"},
			403,
			"disabled",
		},
		{
			"a table that cannot be read",
			request{path: "/apps/broken/events"},
			500,
			"Internal server error",
		},
	} {
		t.Run(c.name, c.check)
	}
}

// postRaw posts the event with a query that is already signed.
func (s *server) postRaw(t *testing.T, query string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(
		t.Context(), http.MethodPost, s.URL+"/apps/3/events?"+query, strings.NewReader(event),
	)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, req)
}

// The numbers are those of docs/protocol.md §9.
func TestSignedTexts(t *testing.T) {
	t.Run("94 a request signed for another app's path", func(t *testing.T) {
		s := newServer(t)
		sum := md5.Sum([]byte(event)) //nolint:gosec // as above
		query := "auth_key=" + s.app.Key + "&auth_timestamp=1353088179&auth_version=1.0" +
			"&body_md5=" + hex.EncodeToString(sum[:])
		signature := s.app.Sign("POST\n/apps/other/events\n" + query)
		a := s.postRaw(t, query+"&auth_signature="+signature)
		s.refused(t, a, 401, `"POST\n/apps/3/events\nauth_key=`)
	})
	t.Run("93 the vector of docs/protocol.md §5.1", func(t *testing.T) {
		s := newServer(t)
		s.postRaw(t, "auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0"+
			"&body_md5=ec365a775a4cd0599faeb73354201b6f"+
			"&auth_signature=da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c").
			accepted(t, "{}")
	})
}

// The log has the text that should have been signed, for developers who look for their mistake. It
// never has the secret, and has the text at level DEBUG only.
func TestAWrongSignatureIsExplainedInTheLog(t *testing.T) {
	s := newServer(t)
	s.refused(t, s.do(t, request{body: event, query: "info=a", sent: "info=b"}), 401,
		"Invalid signature")
	log := s.log.String()
	for _, part := range []string{
		"level=DEBUG", "app=3", `POST\n/apps/3/events\nauth_key=278d425bdf160c739803&`, "&info=b",
	} {
		if !strings.Contains(log, part) {
			t.Errorf("%s is not in the log: %s", part, log)
		}
	}
	if strings.Contains(log, s.app.Secret) || strings.Contains(log, "auth_signature") {
		t.Errorf("log: %s", log)
	}
}

type routeCase struct {
	name, method, path string
	status             int
	says, allow        string
}

func (c routeCase) check(t *testing.T, s *server) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), c.method, s.URL+c.path, nil)
	if err != nil {
		t.Fatal(err)
	}
	a := do(t, req)
	s.answered(t, a, c.status, c.says)
	if a.header.Get("Allow") != c.allow {
		t.Errorf("allows %q, want %q", a.header.Get("Allow"), c.allow)
	}
}

// The numbers are those of docs/protocol.md §9.
func TestMethods(t *testing.T) {
	s := newServer(t)
	for _, c := range []routeCase{
		{"127 health, unsigned", "GET", "/up", 200, `{"health":"OK"}`, ""},
		{"127 health, its head alone", "HEAD", "/up", 200, "", ""},
		{"health by another method", "POST", "/up", 405, "Method not allowed", "GET, HEAD"},
		{
			"publishing by another method", "GET", "/apps/3/events", 405, "Method not allowed",
			"POST",
		},
		{
			"publishing by another method, behind a stage", "PUT", "/prod/apps/3/events", 405,
			"Method not allowed", "POST",
		},
		{
			"a batch by another method", "DELETE", "/apps/3/batch_events", 405,
			"Method not allowed", "POST",
		},
		{
			"asking for channels by another method", "POST", "/apps/3/channels", 405,
			"Method not allowed", "GET, HEAD",
		},
		{
			"ending connections by another method", "GET", "/apps/3/users/7/terminate_connections",
			405, "Method not allowed", "POST",
		},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, s) })
	}
}

func TestUnknownPaths(t *testing.T) {
	s := newServer(t)
	for _, c := range []routeCase{
		{"the root", "GET", "/", 404, "Not found", ""},
		{"everything", "OPTIONS", "/*", 404, "Not found", ""},
		{"an unknown route", "POST", "/apps/3/unknown", 404, "Not found", ""},
		{
			"publishing to a channel, as long ago", "POST", "/apps/3/channels/a/events", 404,
			"Not found", "",
		},
		{"a slash too many", "POST", "/apps/3/events/", 404, "Not found", ""},
		{"two slashes", "POST", "/apps//3/events", 404, "Not found", ""},
		{"a detour", "POST", "/apps/3/x/../events", 404, "Not found", ""},
		{"apps alone", "POST", "/apps/", 404, "Not found", ""},
		{"no app", "POST", "/events", 404, "Not found", ""},
		{"an app without a name", "POST", "/apps//events", 404, "Not found", ""},
		{
			"a user without a name", "POST", "/apps/3/users//terminate_connections", 404,
			"Not found", "",
		},
		{"an encoded slash", "GET", "/apps/3/channels%2Fa", 404, "Not found", ""},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, s) })
	}
}

func TestBodyLimit(t *testing.T) {
	s := newServer(t)
	s.refused(t, s.do(t, request{body: strings.Repeat(" ", 6<<20) + event}), 413, "6291456 bytes")
	s.do(t, request{body: strings.Repeat(" ", 6<<20-len(event)) + event}).accepted(t, "{}")
}

// The reason of an internal error is logged and not in the answer.
func TestFailures(t *testing.T) {
	logs := func(t *testing.T, s *server, text string) {
		t.Helper()
		log := s.log.String()
		if !strings.Contains(log, text) || !strings.Contains(log, "level=ERROR") {
			t.Errorf("log: %s", log)
		}
	}
	t.Run("of the publisher", func(t *testing.T) {
		s := newServer(t)
		s.err = errors.New("inner-text of the queue")
		s.refused(t, s.do(t, request{body: event}), 500, "Internal server error")
		logs(t, s, "inner-text of the queue")
	})
	for _, c := range []struct {
		name string
		r    request
	}{
		{
			"of a count, before anything is published",
			request{
				body: `{"name":"e","data":"","channels":["a","b"],"info":"subscription_count"}`,
			},
		},
		{"of a batch's count, before anything is published", request{
			path: "/apps/3/batch_events",
			body: `{"batch":[{"name":"e","data":"","channel":"presence-a","info":"user_count"}]}`,
		}},
		{"of a list", request{method: "GET", path: "/apps/3/channels"}},
		{"of a channel", request{method: "GET", path: "/apps/3/channels/a"}},
		{
			"of a channel's number",
			request{method: "GET", path: "/apps/3/channels/a", query: "info=subscription_count"},
		},
		{"of users", request{method: "GET", path: "/apps/3/channels/presence-a/users"}},
		{"of connections", request{method: "GET", path: "/apps/3/connections"}},
		{"of who is signed in", request{path: "/apps/3/users/7/terminate_connections", body: "{}"}},
		{"of who is present", request{path: "/apps/3/users/%25/terminate_connections", body: "{}"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			s.tableFails.Store(true)
			s.refused(t, s.do(t, c.r), 500, "Internal server error")
			logs(t, s, "inner-text of the table")
		})
	}
}
