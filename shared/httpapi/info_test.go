package httpapi_test

import (
	"strings"
	"testing"

	"hark/shared/pusher"
	"hark/shared/state"
)

// newInfoServer returns a server with subscribers, expired ones and another app's.
func newInfoServer(t *testing.T) *server {
	t.Helper()
	s := newServer(t)
	s.subscribe(t, "orders", "a", "b", "c")
	s.subscribe(t, "private-orders.7", "a")
	for id, user := range map[pusher.ConnectionID]string{"a": "7", "b": "8", "c": "7"} {
		s.join(t, "presence-room", id, user)
	}
	s.put(t, state.Subscription{
		Channel: "presence-room", Connection: "old", ConnectedAt: now.Add(-state.RowLife),
		Member: pusher.Member{UserID: "9"},
	})
	s.put(t, state.Subscription{
		Channel: "orders", Connection: "old", ConnectedAt: now.Add(-state.RowLife),
	})
	s.put(t, state.Subscription{App: "other", Channel: "empty", Connection: "a", ConnectedAt: now})
	s.signIn(t, "a", "7")
	return s
}

type infoCase struct {
	name, info, channels, want string
}

func (c infoCase) check(t *testing.T, s *server) {
	t.Helper()
	s.do(t, request{
		body: `{"name":"e","data":"d","channels":` + c.channels +
			`,"info":"` + c.info + `"}`,
	}).accepted(t, c.want)
}

// Checklist 109 and 110.
func TestInfo(t *testing.T) {
	s := newInfoServer(t)
	for _, c := range []infoCase{
		{"nothing asked", "", `["orders"]`, `{}`},
		{
			"109 one object for each channel", "subscription_count",
			`["orders","private-orders.7"]`,
			`{"channels":{"orders":{"subscription_count":3},` +
				`"private-orders.7":{"subscription_count":1}}}`,
		},
		{
			"an empty channel", "subscription_count,user_count", `["empty"]`,
			`{"channels":{"empty":{"subscription_count":0}}}`,
		},
		{
			"an empty presence channel", "subscription_count,user_count", `["presence-empty"]`,
			`{"channels":{"presence-empty":{"user_count":0}}}`,
		},
		{
			"109 one object for a channel named twice", "subscription_count", `["orders","orders"]`,
			`{"channels":{"orders":{"subscription_count":3}}}`,
		},
		{
			"what a channel does not have is left out", "user_count,cache", `["orders","cache-a"]`,
			`{"channels":{"cache-a":{},"orders":{}}}`,
		},
		{
			"several, with a space", "user_count, subscription_count", `["orders"]`,
			`{"channels":{"orders":{"subscription_count":3}}}`,
		},
		{
			"110 users, not connections", "user_count", `["presence-room"]`,
			`{"channels":{"presence-room":{"user_count":2}}}`,
		},
		{
			"presence has no subscription_count", "subscription_count", `["presence-room"]`,
			`{"channels":{"presence-room":{}}}`,
		},
		{"an unknown attribute", "weather", `["orders"]`, `{"channels":{"orders":{}}}`},
		{
			"a user", "subscription_count", `["#server-to-user-7"]`,
			`{"channels":{"#server-to-user-7":{"subscription_count":1}}}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, s) })
	}
}

// Checklist 109.
func TestInfoOf100Channels(t *testing.T) {
	s := newInfoServer(t)
	t.Run("of 100 channels", func(t *testing.T) {
		a := s.do(t, request{
			body: `{"name":"e","data":"","info":"subscription_count",` +
				`"channels":` + channels(100) + `}`,
		})
		if n := strings.Count(a.body, `{"subscription_count":0}`); a.status != 200 || n != 100 {
			t.Errorf("got %d, %d of 100: %s", a.status, n, a.body)
		}
	})
}
