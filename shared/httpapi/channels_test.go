package httpapi_test

import (
	"testing"
	"time"

	"hark/shared/pusher"
	"hark/shared/state"
)

// crowded returns a server with subscribers: on presence-room two connections of one user and one
// of another, two on orders, none on a channel that is about to be vacated, and one of another app.
func crowded(t *testing.T) *server {
	t.Helper()
	s := newServer(t)
	s.subscribe(t, "orders", "a", "b")
	s.subscribe(t, "cache-eur", "a")
	s.join(t, "presence-room", "a", "7")
	s.join(t, "presence-room", "b", "7")
	s.join(t, "presence-room", "c", "8")
	s.join(t, "presence-cache-x", "d", "9")
	s.signIn(t, "z", "7")
	if _, err := s.store.PutMarker(t.Context(), "3", "vacated", time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.store.MarkVacant(t.Context(), "3", "vacated", "nonce"); err != nil {
		t.Fatal(err)
	}
	s.put(t, state.Subscription{
		App: "other", Channel: "foreign", Connection: "y", ConnectedAt: now,
	})
	s.put(t, state.Subscription{
		Channel: "expired", Connection: "x", ConnectedAt: now.Add(-state.RowLife),
	})
	frame := pusher.EventFrame("price", "cache-eur", `{"v":3}`)
	cachedAt := now.Add(-time.Minute)
	if err := s.store.PutCached(t.Context(), "3", "cache-eur", frame, "v1", cachedAt); err != nil {
		t.Fatal(err)
	}
	return s
}

type channelsCase struct {
	name, query string
	status      int
	want        string
}

func (c channelsCase) check(t *testing.T, s *server) {
	t.Helper()
	a := s.get(t, "/channels", c.query)
	s.answered(t, a, c.status, c.want)
}

// The numbers are those of docs/protocol.md §9.
func TestChannels(t *testing.T) {
	s := crowded(t)
	for _, c := range []channelsCase{
		{
			"116 all that are occupied", "", 200,
			`{"channels":{"cache-eur":{},"expired":{},"orders":{},` +
				`"presence-cache-x":{},"presence-room":{}}}`,
		},
		{
			"116 those with a prefix", "filter_by_prefix=presence-", 200,
			`{"channels":{"presence-cache-x":{},"presence-room":{}}}`,
		},
		{"115 none with the prefix", "filter_by_prefix=none", 200, `{"channels":{}}`},
		{"a prefix with a raw semicolon", "filter_by_prefix=a;b", 200, `{"channels":{}}`},
		{
			"110 user_count with a prefix", "filter_by_prefix=presence-&info=user_count", 200,
			`{"channels":{"presence-cache-x":{"user_count":1},"presence-room":{"user_count":2}}}`,
		},
		{
			"110 both counts with a prefix",
			"filter_by_prefix=presence-r&info=user_count,subscription_count", 200,
			`{"channels":{"presence-room":{"subscription_count":3,"user_count":2}}}`,
		},
		{
			"subscription_count of all that have any", "info=subscription_count", 200,
			`{"channels":{"cache-eur":{"subscription_count":1},"orders":{"subscription_count":2},` +
				`"presence-cache-x":{"subscription_count":1},` +
				`"presence-room":{"subscription_count":3}}}`,
		},
		{
			"an unknown attribute", "filter_by_prefix=o&info=weather", 200,
			`{"channels":{"orders":{}}}`,
		},
		{
			"117 user_count of all", "info=user_count", 400,
			"filter_by_prefix must begin with presence-",
		},
		{
			"117 user_count with another prefix", "filter_by_prefix=presence&info=user_count", 400,
			`is "presence"`,
		},
		{"cache of many", "info=cache", 400, "one channel at a time"},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, s) })
	}
}

// The numbers are those of docs/protocol.md §9.
func TestChannelsInOtherSpellings(t *testing.T) {
	s := crowded(t)
	t.Run("users' channels are none", func(t *testing.T) {
		r := request{
			method: "GET", path: "/apps/3/channels", query: "filter_by_prefix=#server-to-user-",
			sent: "filter_by_prefix=%23server-to-user-",
		}
		s.do(t, r).accepted(t, `{"channels":{}}`)
	})
	t.Run("98 117 info as an array", func(t *testing.T) {
		r := request{
			method: "GET", path: "/apps/3/channels",
			query: "filter_by_prefix=presence-r&info=user_count,subscription_count",
		}
		r.sent = "filter_by_prefix=presence-r&info%5B%5D=user_count&info%5B%5D=subscription_count"
		s.do(t, r).accepted(t,
			`{"channels":{"presence-room":{"subscription_count":3,"user_count":2}}}`)
	})
	t.Run("115 none at all", func(t *testing.T) {
		newServer(t).get(t, "/channels", "").accepted(t, `{"channels":{}}`)
	})
}

type channelCase struct {
	name, channel, query string
	status               int
	want                 string
}

func (c channelCase) check(t *testing.T, s *server) {
	t.Helper()
	a := s.get(t, "/channels/"+c.channel, c.query)
	s.answered(t, a, c.status, c.want)
}

// The numbers are those of docs/protocol.md §9.
func TestChannelCounts(t *testing.T) {
	s := crowded(t)
	for _, c := range []channelCase{
		{"118 occupied", "orders", "", 200, `{"occupied":true}`},
		{"118 unknown", "unknown", "", 200, `{"occupied":false}`},
		{"118 another app's", "foreign", "", 200, `{"occupied":false}`},
		{
			"118 unknown, with counts", "presence-unknown", "info=user_count,subscription_count",
			200,
			`{"occupied":false,"subscription_count":0,"user_count":0}`,
		},
		{
			"118 subscribed to by nobody alive", "expired", "info=subscription_count", 200,
			`{"occupied":false,"subscription_count":0}`,
		},
		{
			"110 how many connections", "orders", "info=subscription_count", 200,
			`{"occupied":true,"subscription_count":2}`,
		},
		{
			"110 how many users", "presence-room", "info=user_count", 200,
			`{"occupied":true,"user_count":2}`,
		},
		{
			"110 both", "presence-room", "info=user_count,subscription_count", 200,
			`{"occupied":true,"subscription_count":3,"user_count":2}`,
		},
		{
			"110 how many connections of users", "presence-room", "info=subscription_count", 200,
			`{"occupied":true,"subscription_count":3}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, s) })
	}
}

// The numbers are those of docs/protocol.md §9.
func TestChannelCacheAndNames(t *testing.T) {
	s := crowded(t)
	for _, c := range []channelCase{
		{
			"119 the cached event", "cache-eur", "info=cache", 200,
			`{"cache":{"data":"{\"v\":3}","ttl":1740},"occupied":true}`,
		},
		{
			"119 no cached event", "private-cache-x", "info=cache", 200,
			`{"cache":null,"occupied":false}`,
		},
		{
			"119 everything at once", "presence-cache-x",
			"info=cache,user_count,subscription_count", 200,
			`{"cache":null,"occupied":true,"subscription_count":1,"user_count":1}`,
		},
		{"a name of dots", "..", "", 200, `{"occupied":false}`},
		{"all that a name may have", "-aZ9_=@,.;", "", 200, `{"occupied":false}`},
		{"an unknown attribute", "orders", "info=weather", 200, `{"occupied":true}`},
		{
			"user_count of another kind", "orders", "info=user_count", 400,
			"user_count is known of presence channels only, and orders is none",
		},
		{
			"119 cache of another kind", "presence-room", "info=cache", 400,
			"cache is known of cache channels only, and presence-room is none",
		},
		{"a name that cannot be", "a%20b", "", 400, `"a b"`},
		{"a user's channel", "%23server-to-user-7", "", 400, "#server-to-user-7"},
		{"an encoded slash", "a%2Fusers", "", 400, "a/users"},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, s) })
	}
}

// The numbers are those of docs/protocol.md §9.
func TestChannelCacheExpires(t *testing.T) {
	s := crowded(t)
	t.Run("119 the last moment of a cached event", func(t *testing.T) {
		read := func(at time.Time) answer {
			s.api.Now = func() time.Time { return at }
			r := get("channels/cache-eur", "info=cache")
			r.at = at
			return s.do(t, r)
		}
		read(now.Add(29*time.Minute-time.Millisecond)).
			accepted(t, `{"cache":{"data":"{\"v\":3}","ttl":1},"occupied":true}`)
		read(now.Add(29*time.Minute)).accepted(t, `{"cache":null,"occupied":true}`)
	})
}

// Checklist 127.
func TestConnections(t *testing.T) {
	crowded(t).get(t, "/connections", "").accepted(t, `{"connections":4}`)
	newServer(t).get(t, "/connections", "").accepted(t, `{"connections":0}`)
}
