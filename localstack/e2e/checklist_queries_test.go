package e2e_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"hark/localstack/e2e/wire"
)

// Lines 115 to 128 of the checklist (docs/protocol.md §9): what the HTTP API answers and refuses.

// 115. GET channels with none occupied MUST answer `{"channels":{}}`.
//
// The PHP and Go SDKs fail on the list that Reverb answers.
func TestLine115_NoChannels(t *testing.T) {
	a := get(t, "channels", "filter_by_prefix", unique("none-"))
	if a.Status != 200 || a.Body != `{"channels":{}}` {
		t.Errorf("got %d %s", a.Status, a.Body)
	}
	if hark.Local() {
		a := getOf(t, newApp(t, nil), "channels")
		if a.Status != 200 || a.Body != `{"channels":{}}` {
			t.Errorf("got %d %s", a.Status, a.Body)
		}
	}
}

// 116. GET channels MUST list occupied channels only and honour filter_by_prefix.
func TestLine116_Channels(t *testing.T) {
	prefix := unique("presence-list-")
	one, two, news := unique(prefix+"-a"), unique(prefix+"-b"), unique("news-")
	c := member(t, one, "1", "")
	member(t, two, "1", "")
	member(t, two, "2", "").join(news)
	answers(t, get(t, "channels", "filter_by_prefix", prefix), 200,
		`{"channels":{"`+one+`":{},"`+two+`":{}}}`)
	answers(t, get(t, "channels", "filter_by_prefix", prefix, "info", "user_count"), 200,
		`{"channels":{"`+one+`":{"user_count":1},"`+two+`":{"user_count":2}}}`)
	answers(t, get(t, "channels", "filter_by_prefix", news, "info", "subscription_count"), 200,
		`{"channels":{"`+news+`":{"subscription_count":1}}}`)
	var all struct{ Channels map[string]struct{} }
	if err := json.Unmarshal([]byte(get(t, "channels").Body), &all); err != nil {
		t.Fatal(err)
	}
	for _, ch := range []string{one, two, news} {
		if _, ok := all.Channels[ch]; !ok {
			t.Errorf("%s is not among %d channels", ch, len(all.Channels))
		}
	}
	c.leave(one)
	eventually(t, func() bool {
		return get(t, "channels", "filter_by_prefix", prefix).Body == `{"channels":{"`+two+`":{}}}`
	}, "the list of occupied channels")
	t.Run("users' channels are not listed", func(t *testing.T) {
		user(t, unique("user-"))
		answers(t, get(t, "channels", "filter_by_prefix", "#"), 200, `{"channels":{}}`)
	})
}

// 117. GET channels?info=user_count without a `presence-` prefix MUST give 400 (lenient switch
// allowed).
func TestLine117_UserCountOfAll(t *testing.T) {
	for name, params := range map[string][]string{
		"no prefix":      {"info", "user_count"},
		"another prefix": {"info", "user_count", "filter_by_prefix", "private-"},
		"half a prefix":  {"info", "subscription_count,user_count", "filter_by_prefix", "presence"},
	} {
		t.Run(name, func(t *testing.T) {
			if a := get(t, "channels", params...); a.Status != 400 {
				t.Errorf("got %d %s", a.Status, a.Body)
			}
		})
	}
	a := get(t, "channels", "info", "user_count", "filter_by_prefix", "presence-")
	if a.Status != 200 {
		t.Errorf("got %d %s", a.Status, a.Body)
	}
}

// 118. GET channel MUST always include boolean `occupied`; unknown channel 200 `false`.
func TestLine118_Occupied(t *testing.T) {
	ch := unique("room-")
	answers(t, get(t, "channels/"+ch), 200, `{"occupied":false}`)
	answers(t, get(t, "channels/"+ch, "info", "subscription_count"), 200,
		`{"occupied":false,"subscription_count":0}`)
	room := unique("presence-room-")
	answers(t, get(t, "channels/"+room, "info", "user_count"), 200,
		`{"occupied":false,"user_count":0}`)
	c := subscriber(t, ch)
	answers(t, get(t, "channels/"+ch), 200, `{"occupied":true}`)
	c.leave(ch)
	eventually(t, func() bool { return get(t, "channels/"+ch).Body == `{"occupied":false}` },
		"the channel to be vacant")
	t.Run("an attribute that the channel does not have is refused", func(t *testing.T) {
		for ch, info := range map[string]string{
			unique("room-"): "user_count", unique("room-x-"): "cache",
		} {
			if a := get(t, "channels/"+ch, "info", info); a.Status != 400 {
				t.Errorf("%s of %s: got %d %s", info, ch, a.Status, a.Body)
			}
		}
	})
}

// 119. GET channel?info=cache on a cache channel MUST answer `cache` as `{data,ttl}` or null.
func TestLine119_Cache(t *testing.T) {
	ch := unique("cache-")
	answers(t, get(t, "channels/"+ch, "info", "cache"), 200, `{"occupied":false,"cache":null}`)
	const data = `{ "v" : 3 }`
	cached(t, ch, data)
	a := get(t, "channels/"+ch, "info", "cache")
	var d struct {
		Cache struct {
			Data string
			TTL  int
		}
	}
	err := json.Unmarshal([]byte(a.Body), &d)
	if err != nil || d.Cache.Data != data || d.Cache.TTL < 1700 || d.Cache.TTL > 1800 {
		t.Errorf("got %s (%v), want the data and about half an hour", a.Body, err)
	}
}

// 120. GET users on non-presence MUST give 400.
func TestLine120_UsersOfOtherChannels(t *testing.T) {
	for _, prefix := range []string{"room-", "private-room-", "cache-room-", "presencex-"} {
		t.Run(prefix, func(t *testing.T) {
			if a := get(t, "channels/"+unique(prefix)+"/users"); a.Status != 400 {
				t.Errorf("got %d %s", a.Status, a.Body)
			}
		})
	}
}

// 121. GET users on an empty presence channel MUST give 200 `{"users":[]}`.
func TestLine121_NoUsers(t *testing.T) {
	answers(t, get(t, "channels/"+unique("presence-room-")+"/users"), 200, `{"users":[]}`)
}

// 122. GET users ids MUST be unique strings.
func TestLine122_Users(t *testing.T) {
	room := unique("presence-room-")
	member(t, room, "1", `{"name":"Ann"}`)
	member(t, room, "1", "")
	c := connect(t)
	c.enter(room, `{"user_id":7}`)
	c.welcomed(room)
	// a parameter of soketi, which is ignored
	a := get(t, "channels/"+room+"/users", "with_user_info", "1")
	var d struct{ Users []map[string]string }
	err := json.Unmarshal([]byte(a.Body), &d)
	if err != nil || a.Status != 200 || len(d.Users) != 2 {
		t.Fatalf("got %d %s (%v)", a.Status, a.Body, err)
	}
	ids := map[string]bool{}
	for _, u := range d.Users {
		ids[u["id"]] = true
	}
	if !ids["1"] || !ids["7"] {
		t.Errorf("got %s", a.Body)
	}
}

// 123. `#server-to-user-x` MUST be accepted as publish target, any other `#..` refused.
func TestLine123_UserChannels(t *testing.T) {
	id := unique("user-")
	me := user(t, id)
	publish(t, wire.Event{Name: "hello", Channels: []string{"#server-to-user-" + id}, Data: "{}"})
	me.next("hello", "#server-to-user-"+id)
	publish(t,
		wire.Event{Name: "hello", Channel: "#server-to-user-" + unique("nobody-"), Data: "{}"})
	for _, ch := range []string{
		"#room", "#", "#server-to-user-", "#server-to-user", "#private-room", "#server-to-user-a b",
	} {
		t.Run(ch, func(t *testing.T) {
			declined(t, wire.Request{Body: body(t, wire.Event{Name: "a", Channel: ch, Data: "{}"})},
				400)
		})
	}
}

// 124. Event names starting `pusher:` or `pusher_internal:` MUST be refused.
func TestLine124_ReservedNames(t *testing.T) {
	ch := unique("room-")
	c := subscriber(t, ch)
	for _, name := range []string{
		"pusher:error", "pusher:", "pusher_internal:subscription_succeeded", "pusher_internal:x",
	} {
		t.Run(name, func(t *testing.T) {
			declined(t,
				wire.Request{Body: body(t, wire.Event{Name: name, Channel: ch, Data: "{}"})}, 400)
		})
	}
	publish(t, wire.Event{Name: "pusherx", Channel: ch, Data: "{}"})
	c.next("pusherx", ch)
}

// 125. Unknown app id MUST give 404.
func TestLine125_UnknownApp(t *testing.T) {
	for path, method := range map[string]string{
		"events": http.MethodPost, "batch_events": http.MethodPost, "channels": http.MethodGet,
		"channels/a":                    http.MethodGet,
		"channels/presence-a/users":     http.MethodGet,
		"users/a/terminate_connections": http.MethodPost,
	} {
		t.Run(path, func(t *testing.T) {
			r := wire.Request{Method: method, Path: "/apps/no-such-app/" + path}
			if method == http.MethodPost {
				r.Body = []byte(`{"name":"a","channel":"b","data":"c"}`)
			}
			declined(t, r, 404)
		})
	}
}

// 126. Error bodies SHOULD be short plain text.
func TestLine126_ErrorBodies(t *testing.T) {
	long := strings.Repeat("x", 5000)
	for name, tc := range map[string]struct {
		r    wire.Request
		want int
	}{
		"a bad signature": {
			wire.Request{Body: []byte("{}"), Params: map[string]string{"auth_key": "x"}}, 401,
		},
		"a bad request": {wire.Request{Body: []byte("{}")}, 400},
		"a long name": {
			wire.Request{Body: body(t, wire.Event{Name: long, Channel: "a", Data: "{}"})}, 400,
		},
		"a long channel": {
			wire.Request{Body: body(t, wire.Event{Name: "a", Channel: long, Data: "{}"})}, 400,
		},
		"much data": {
			wire.Request{Body: body(
				t, wire.Event{Name: "a", Channel: "a", Data: long + long + long},
			)},
			413,
		},
		"no such path":   {wire.Request{Path: "nonsense", Body: []byte("{}")}, 404},
		"a wrong method": {wire.Request{Method: http.MethodDelete}, 405},
		"no such app": {
			wire.Request{Path: "/apps/" + long[:200] + "/events", Body: []byte("{}")}, 404,
		},
	} {
		t.Run(name, func(t *testing.T) { declined(t, tc.r, tc.want) })
	}
}

// 127. GET /apps/{id}/connections MUST answer `{"connections":n}`; GET /up `{"health":"OK"}`
// unsigned.
func TestLine127_ReverbsOwn(t *testing.T) {
	t.Run("connections that are subscribed to something, each once", func(t *testing.T) {
		app := newApp(t, nil)
		answers(t, getOf(t, app, "connections"), 200, `{"connections":0}`)
		one, two := connectTo(t, app), connectTo(t, app)
		connectTo(t, app) // on no channel
		one.join("a")
		one.join("b")
		two.join("a")
		answers(t, getOf(t, app, "connections"), 200, `{"connections":2}`)
	})
	t.Run("up", func(t *testing.T) {
		a, err := api().Get(t.Context(), "/up")
		if err != nil || a.Status != 200 || a.Body != `{"health":"OK"}` {
			t.Errorf("got %+v (%v)", a, err)
		}
	})
}

// 128. A disabled app MUST get 403.
func TestLine128_DisabledApp(t *testing.T) {
	app := newApp(t, item{"enabled": false})
	for path, method := range map[string]string{
		"events": http.MethodPost, "channels": http.MethodGet, "connections": http.MethodGet,
	} {
		t.Run(path, func(t *testing.T) {
			r := wire.Request{Method: method, Path: path}
			if method == http.MethodPost {
				r.Body = body(t, wire.Event{Name: "a", Channel: "b", Data: "c"})
			}
			if a := request(t, app, r); a.Status != 403 {
				t.Errorf("got %d %s", a.Status, a.Body)
			}
		})
	}
}
