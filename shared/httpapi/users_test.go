package httpapi_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"hark/shared/pusher"
	"hark/shared/state"
)

// The numbers are those of docs/protocol.md §9.
func TestUsers(t *testing.T) {
	s := crowded(t)
	for _, c := range []struct {
		name, channel, query string
		status               int
		want                 string
	}{
		{"122 each once, as a text", "presence-room", "", 200, `{"users":[{"id":"7"},{"id":"8"}]}`},
		{"121 nobody", "presence-empty", "", 200, `{"users":[]}`},
		{
			"parameters that soketi knows", "presence-cache-x", "with_user_info=1", 200,
			`{"users":[{"id":"9"}]}`,
		},
		{
			"120 of a public channel", "orders", "", 400,
			"Users are known of presence channels only, and orders is none",
		},
		{"120 of what only looks like one", "presencex", "", 400, "presencex"},
		{"a name that cannot be", "presence-a%20b", "", 400, `"presence-a b"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := s.get(t, "/channels/"+c.channel+"/users", c.query)
			s.answered(t, a, c.status, c.want)
		})
	}
	t.Run("122 not those whose connection is too old to be there", func(t *testing.T) {
		s.put(t, state.Subscription{
			Channel: "presence-old", Connection: "x", ConnectedAt: now.Add(-state.RowLife),
			Member: pusher.Member{UserID: "7"},
		})
		s.get(t, "/channels/presence-old/users", "").accepted(t, `{"users":[]}`)
	})
}

// terminate sends the request as an SDK does: the user's ID is signed first and encoded then.
func (s *server) terminate(t *testing.T, user string) answer {
	t.Helper()
	return s.do(t, request{
		path: "/apps/3/users/" + url.PathEscape(user) + "/terminate_connections", body: "{}",
		signedPath: "/apps/3/users/" + user + "/terminate_connections",
	})
}

const disconnected = `{"event":"pusher:error","data":{` +
	`"code":4009,"message":"You got disconnected by the app."}}`

// ends returns the calls that end the connections, sorted.
func ends(ids ...pusher.ConnectionID) []string {
	var events []string
	for _, id := range ids {
		events = append(events, "post "+string(id)+" "+disconnected, "close "+string(id))
	}
	slices.Sort(events)
	return events
}

// Checklist 92.
func TestTerminate(t *testing.T) {
	alsoMembers, signedInOnly := func(*pusher.App) {}, func(a *pusher.App) {
		a.TerminateByMembers = false
	}
	for _, c := range []struct {
		name, user string
		app        func(*pusher.App)
		want       []string
	}{
		{
			"92 all connections that are signed in as the user", "7", signedInOnly,
			ends("both", "signed-in"),
		},
		{
			"92 and those that are present as it, each once", "7", alsoMembers,
			ends("both", "member", "signed-in"),
		},
		{"92 nobody", "nobody", alsoMembers, nil},
		{"a member whose ID no user can sign in with", "a/b %", alsoMembers, ends("odd")},
		{"the same, without members", "a/b %", signedInOnly, nil},
		{"the start of another name is not enough", "o", alsoMembers, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t, c.app)
			s.signIn(t, "signed-in", "7")
			s.signIn(t, "both", "7")
			s.signIn(t, "another", "other")
			s.join(t, "presence-a", "both", "7")
			s.join(t, "presence-a", "member", "7")
			s.join(t, "presence-b", "member", "7")
			s.join(t, "presence-b", "another", "other")
			s.join(t, "presence-b", "odd", "a/b %")
			s.put(t, state.Subscription{
				Channel: "presence-b", Connection: "old", ConnectedAt: now.Add(-state.RowLife),
				Member: pusher.Member{UserID: "7"},
			})
			s.terminate(t, c.user).accepted(t, "{}")
			if slices.Sort(s.gateway.calls); !slices.Equal(s.gateway.calls, c.want) {
				t.Errorf("got %q, want %q", s.gateway.calls, c.want)
			}
		})
	}
}

func TestTerminateAUserWithALongID(t *testing.T) {
	s := newServer(t)
	s.signIn(t, "a", strings.Repeat("x", 128))
	s.terminate(t, strings.Repeat("x", 128)).accepted(t, "{}")
	if !slices.Equal(s.gateway.calls, []string{"post a " + disconnected, "close a"}) {
		t.Errorf("got %q", s.gateway.calls)
	}
	s.refused(t, s.terminate(t, strings.Repeat("é", 129)), 400,
		"129 characters, the limit is 128")
}

// A busy connection is closed without the error frame, one that is gone is not closed, and one that
// cannot be closed fails the request.
func TestTerminateTriesEveryConnection(t *testing.T) {
	s := newServer(t)
	for _, id := range []pusher.ConnectionID{"busy", "gone", "stuck", "well"} {
		s.signIn(t, id, "7")
	}
	s.gateway.errs["busy"], s.gateway.errs["gone"] = state.ErrBusy, state.ErrGone
	s.refused(t, s.terminate(t, "7"), 500, "Internal server error")
	want := ends("busy", "gone", "stuck", "well")
	want = slices.DeleteFunc(want, func(e string) bool { return e == "close gone" })
	if slices.Sort(s.gateway.calls); !slices.Equal(s.gateway.calls, want) {
		t.Errorf("got %q, want %q", s.gateway.calls, want)
	}
}

func TestTerminateWithABan(t *testing.T) {
	on := func(a *pusher.App) { a.Bans = true }
	post := func(t *testing.T, s *server, body string) answer {
		t.Helper()
		return s.do(t, request{path: "/apps/3/users/7/terminate_connections", body: body})
	}
	banned := func(t *testing.T, s *server, want time.Time) {
		t.Helper()
		if until, err := s.store.Banned(t.Context(), "3", "7"); err != nil || !until.Equal(want) {
			t.Errorf("banned until %v, error %v, want %v", until, err, want)
		}
	}
	t.Run("none unless it is asked for", func(t *testing.T) {
		s := newServer(t, on)
		for _, body := range []string{"{}", "", `{"ban_seconds":null}`, `{"reason":"spam"}`} {
			post(t, s, body).accepted(t, "{}")
		}
		banned(t, s, time.Time{})
	})
	t.Run("it ends the connections, too", func(t *testing.T) {
		s := newServer(t, on)
		s.signIn(t, "a", "7")
		post(t, s, `{"ban_seconds":86400}`).accepted(t, "{}")
		banned(t, s, now.Add(24*time.Hour))
		if !slices.Equal(s.gateway.calls, []string{"post a " + disconnected, "close a"}) {
			t.Errorf("got %q", s.gateway.calls)
		}
		post(t, s, "{}").accepted(t, "{}") // says nothing about the ban
		banned(t, s, now.Add(24*time.Hour))
		post(t, s, `{"ban_seconds":0}`).accepted(t, "{}") // lifts it
		banned(t, s, now)
	})
	for body, says := range map[string]string{
		`{"ban_seconds":86401}`: "it is 86401, and must be from 0 to 86400",
		`{"ban_seconds":-1}`:    "it is -1, and must be from 0 to 86400",
		`{"ban_seconds":"1"}`:   "The ban_seconds field must not be a JSON string",
		`{"ban_seconds":1`:      "The body is not a JSON object",
	} {
		t.Run("refused: "+body, func(t *testing.T) {
			s := newServer(t, on)
			s.signIn(t, "a", "7")
			s.refused(t, post(t, s, body), 400, says)
			banned(t, s, time.Time{})
			if len(s.gateway.calls) != 0 {
				t.Errorf("did %q all the same", s.gateway.calls)
			}
		})
	}
	t.Run("refused: by an app that bans nobody", func(t *testing.T) {
		s := newServer(t)
		s.refused(t, post(t, s, `{"ban_seconds":1}`), 400, "its setting bans is false")
		banned(t, s, time.Time{})
	})
	t.Run("a ban that was not written is an error", func(t *testing.T) {
		s := newServer(t, on)
		s.tableFails.Store(true)
		s.refused(t, post(t, s, `{"ban_seconds":60}`), 500, "Internal server error")
	})
}
