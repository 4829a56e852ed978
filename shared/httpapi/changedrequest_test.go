package httpapi_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"hark/shared/pusher"
	"hark/shared/state"
)

// only has one app; all others are unknown.
type only pusher.App

func (o only) ByID(_ context.Context, id string) (pusher.App, error) {
	if id != o.ID {
		return pusher.App{}, pusher.ErrNoApp
	}
	return pusher.App(o), nil
}

// empty is a state without rows. These tests make some ten thousand requests, which would take too
// long with a table.
type empty struct{}

func (empty) Channels(context.Context, string, string) ([]pusher.Channel, error) { return nil, nil }

func (empty) Occupied(context.Context, string, pusher.Channel) (bool, error) { return false, nil }

func (empty) Count(
	context.Context, string, pusher.Channel, time.Time,
) (int, error) {
	return 0, nil
}

func (empty) Members(context.Context, string, pusher.Channel) ([]state.Subscription, error) {
	return nil, nil
}

func (empty) Cached(context.Context, string, pusher.Channel, time.Time) (state.Cached, error) {
	return state.Cached{}, nil
}

func (empty) KeepPublish(
	_ context.Context, p state.KeyedPublish, _ time.Time,
) (state.KeyedPublish, error) {
	return p, nil
}

func (empty) Ban(context.Context, string, string, time.Time) error { return nil }

func (empty) Subscribers(
	context.Context, string, pusher.Channel, time.Time, func([]state.Subscription) error,
) error {
	return nil
}

// sent is a request as it is sent.
type sent struct{ method, target, body string }

// wellSigned returns requests as SDKs send them: with paths that were signed before or after they
// were encoded, and parameters in any order.
func wellSigned(s *server) []sent {
	var all []sent
	for _, r := range []request{
		{body: event, query: "info=user_count,subscription_count"},
		{body: batch(2), path: "/apps/3/batch_events", prefix: "/prod"},
		{
			body: "{}", path: "/apps/3/users/a%20b%25/terminate_connections",
			signedPath: "/apps/3/users/a b%/terminate_connections",
		},
		{body: "{}", path: "/apps/3/users/a%40b/terminate_connections"},
		{
			method: "GET", path: "/apps/3/channels",
			query: "filter_by_prefix=presence-a=b;c&info=user_count",
		},
		{
			method: "GET", path: "/apps/3/channels",
			query: "filter_by_prefix=presence-&info=user_count,x",
			sent:  "filter_by_prefix=presence-&info%5B0%5D=user_count&info%5B1%5D=x",
		},
		{method: "GET", path: "/apps/3/channels/presence-a@b/users"},
		{
			method: "GET", path: "/apps/3/channels/cache-a%40b",
			signedPath: "/apps/3/channels/cache-a@b", query: "info=cache",
		},
		{method: "GET", path: "/apps/3/connections"},
	} {
		if r.method == "" {
			r.method = http.MethodPost
		}
		all = append(all, sent{r.method, s.target(r), r.body})
	}
	return all
}

// ask sends a request to the API twice: with its URL as net/http parses it, and as it is in the
// event of a function URL, where the path was not parsed. It returns both answers.
func ask(h http.Handler, s sent) []*httptest.ResponseRecorder {
	path, query, _ := strings.Cut(s.target, "?")
	var urls []*url.URL
	if decoded, err := url.PathUnescape(path); err == nil {
		urls = append(urls, &url.URL{Path: decoded, RawPath: path, RawQuery: query})
	}
	if u, err := url.ParseRequestURI(s.target); err == nil {
		urls = append(urls, u)
	}
	var out []*httptest.ResponseRecorder
	for _, u := range urls {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, &http.Request{
			Method: s.method, URL: u, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{},
			Body:   io.NopCloser(strings.NewReader(s.body)), ContentLength: int64(len(s.body)),
		})
		out = append(out, w)
	}
	return out
}

// meaning returns a text that two spellings of one request share: the segments of its path from
// /apps on, and its parameters but the signature. An array becomes a list, and of equal names the
// last wins.
func meaning(s sent) string {
	path, query, _ := strings.Cut(s.target, "?")
	var segments []string
	for _, segment := range strings.Split(path[max(0, strings.Index(path, "/apps/")):], "/") {
		if decoded, err := url.PathUnescape(segment); err == nil {
			segment = decoded
		}
		segments = append(segments, segment)
	}
	params := map[string]string{}
	for _, pair := range strings.Split(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, value = strings.ToLower(decode(name)), decode(value)
		if base, index, array := strings.Cut(name, "["); array && strings.HasSuffix(index, "]") {
			if so, far := params[base]; far {
				value = so + "," + value
			}
			name = base
		}
		params[name] = value
	}
	delete(params, "auth_signature")
	delete(params, "")
	// maps are printed in the order of their keys
	return fmt.Sprintf("%s %q %q %q", s.method, segments, params, s.body)
}

func decode(s string) string {
	if d, err := url.QueryUnescape(s); err == nil {
		return d
	}
	return s
}

// checkChanged asserts that a request which was changed after it was signed is refused, unless it
// still means the same.
func checkChanged(t *testing.T, h http.Handler, signed, changed sent, secret string) {
	t.Helper()
	for _, w := range ask(h, changed) {
		switch w.Code {
		case http.StatusUnauthorized, http.StatusBadRequest, http.StatusNotFound,
			http.StatusMethodNotAllowed:
		case http.StatusOK:
			if meaning(changed) != meaning(signed) {
				t.Errorf("signed:\n%s %q %q\nbut this passes:\n%s %q %q",
					signed.method, signed.target, signed.body,
					changed.method, changed.target, changed.body)
			}
		default:
			t.Errorf("got %d %s for %s %q %q", w.Code, w.Body, changed.method, changed.target,
				changed.body)
		}
		if strings.Contains(w.Body.String(), secret) {
			t.Errorf("the secret is in %s", w.Body)
		}
	}
}

func newMutated(t testing.TB) (*server, http.Handler) {
	t.Helper()
	s := newServer(t)
	s.api.Apps, s.api.State, s.api.Log = only(s.app), empty{}, slog.New(slog.DiscardHandler)
	return s, s.api.Handler()
}

// Checklist 94: every request that was changed in one place.
func TestEveryChangedByteIsRefused(t *testing.T) {
	s, h := newMutated(t)
	for _, signed := range wellSigned(s) {
		for _, w := range ask(h, signed) {
			if w.Code != http.StatusOK {
				t.Fatalf("unchanged, %q is answered %d %s", signed.target, w.Code, w.Body)
			}
		}
		changes := func(text string, try func(string)) {
			for i := range len(text) {
				for _, by := range []string{
					"", string(text[i] ^ 1), string(text[i] ^ 0x20), text[i:i+1] + text[i:i+1],
					fmt.Sprintf("%%%02x", text[i]),
					"%", "&", "=", "+", "/", "?", "[", "]", " ", ".", ";", "0", "\x00", "\xff",
					"%26", "%3D", "%2F", "%00", "[]=", "/../",
				} {
					try(text[:i] + by + text[i+1:])
				}
			}
		}
		changes(signed.target, func(target string) {
			checkChanged(t, h, signed, sent{signed.method, target, signed.body}, s.app.Secret)
		})
		changes(signed.body, func(body string) {
			checkChanged(t, h, signed, sent{signed.method, signed.target, body}, s.app.Secret)
		})
	}
}

// Checklist 97 and 98: encodings are not changes.
func TestOtherSpellingsPass(t *testing.T) {
	s, h := newMutated(t)
	all := wellSigned(s)
	for _, c := range []struct {
		name     string
		signed   sent
		old, new string
	}{
		{"97 a letter that need not be encoded", all[0], "info=", "%69nfo="},
		{"97 a comma", all[0], ",", "%2C"},
		{"98 an array for a list", all[0], "info=user_count,", "info[]=user_count&info[]="},
		{"a name in another case", all[0], "auth_key", "Auth_Key"},
		{"99 another stage", all[1], "/prod", "/another/stage"},
		{"99 no stage", all[1], "/prod", ""},
		{"another encoding of a user", all[2], "a%20b", "%61%20b"},
		{"an & too many", all[4], "&info", "&&info"},
		{
			"the same parameter before, which the last one replaces", all[4], "info=",
			"info=nothing&info=",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			changed := c.signed
			changed.target = strings.Replace(changed.target, c.old, c.new, 1)
			if changed == c.signed || meaning(changed) != meaning(c.signed) {
				t.Fatalf("%q does not mean the same as %q", changed.target, c.signed.target)
			}
			for _, w := range ask(h, changed) {
				if w.Code != http.StatusOK {
					t.Errorf("%q is answered %d %s", changed.target, w.Code, w.Body)
				}
			}
		})
	}
}

// A request that was changed in two places is refused unless it still means the same. It never
// makes an internal error.
func FuzzChangedRequest(f *testing.F) {
	s, h := newMutated(f)
	all := wellSigned(s)
	for i := range all {
		f.Add(i, 10, 1, "%33", 60, 0, "&")
		f.Add(i, -1, 1, "\"", 0, 0, "/apps/")
		f.Add(i, 200, 0, "%26info%3D", 150, 3, "auth_key[]=")
		f.Add(i, 30, 4, "\u212aEY=", 90, 200, "")
	}
	f.Fuzz(func(t *testing.T, which, at1, cut1 int, by1 string, at2, cut2 int, by2 string) {
		signed := all[abs(which)%len(all)]
		changed := splice(splice(signed, at1, cut1, by1), at2, cut2, by2)
		checkChanged(t, h, signed, changed, s.app.Secret)
	})
}

// splice replaces cut bytes of the target, or of the body if at is below 0.
func splice(s sent, at, cut int, by string) sent {
	text := &s.target
	if at < 0 {
		text = &s.body
	}
	from := abs(at) % (len(*text) + 1)
	to := min(from+abs(cut), len(*text))
	*text = (*text)[:from] + by + (*text)[max(from, to):]
	return s
}

// abs returns a number from 0 up, also for the lowest int.
func abs(n int) int { return max(n, -(n + 1)) }
