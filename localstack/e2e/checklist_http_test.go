package e2e_test

import (
	"crypto/md5"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	pusher "github.com/pusher/pusher-http-go/v5"

	"hark/localstack/e2e/wire"
)

// Lines 93 to 99 of the checklist (docs/protocol.md §9): who may use the HTTP API. The Node suites
// test the npm SDK.

// 93. A correctly signed PHP, Node and Go request MUST be accepted (vectors 5.1).
//
// The vectors themselves are years old. They are tested where the time is a parameter: in
// shared/pusher and in package wire, which signs here.
func TestLine93_SDKs(t *testing.T) {
	a, b := unique("room-"), unique("private-room-")
	c := subscriber(t, a)
	goPublishes(t, c, a, b)
	goQueries(t, a)
	phpRequests(t, c, a)
}

// goPublishes opens the private channel b and publishes to it and to a with the Go SDK.
func goPublishes(t *testing.T, c client, a, b string) {
	t.Helper()
	t.Run("Go: AuthorizePrivateChannel opens a private channel", func(t *testing.T) {
		form := url.Values{"socket_id": {c.SocketID}, "channel_name": {b}}
		answer, err := sdk(t).AuthorizePrivateChannel([]byte(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		data := `{"channel":"` + b + `",` + string(answer[1:])
		c.send(`{"event":"pusher:subscribe","data":` + data + `}`)
		c.succeeds(b)
	})
	t.Run("Go: Trigger", func(t *testing.T) {
		if err := sdk(t).Trigger(a, "hello", map[string]string{"from": "Go"}); err != nil {
			t.Fatal(err)
		}
		if f := c.next("hello", a); f.Data != `{"from":"Go"}` {
			t.Errorf("got %s", f.Raw)
		}
	})
	t.Run("Go: TriggerMulti", func(t *testing.T) {
		if err := sdk(t).TriggerMulti([]string{a, b}, "both", "x"); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if f, err := c.Next(patience); err != nil || f.Event != "both" {
				t.Fatalf("got %s (%v)", f.Raw, err)
			}
		}
	})
	t.Run("Go: TriggerWithParams leaves the sender out and reads info", func(t *testing.T) {
		info := "subscription_count"
		got, err := sdk(t).TriggerWithParams(a, "mine", "x",
			pusher.TriggerParams{SocketID: &c.SocketID, Info: &info})
		if err != nil || *got.Channels[a].SubscriptionCount != 1 {
			t.Errorf("got %+v (%v)", got, err)
		}
		c.receives(a)
		c.quiet()
	})
	t.Run("Go: TriggerBatch", func(t *testing.T) {
		got, err := sdk(t).TriggerBatch([]pusher.Event{
			{Channel: a, Name: "one", Data: "x"}, {Channel: a, Name: "two", Data: "y"},
		})
		if err != nil {
			t.Errorf("got %+v (%v)", got, err)
		}
		c.next("one", a)
		c.next("two", a)
	})
}

// goQueries calls the rest of the Go SDK.
func goQueries(t *testing.T, a string) {
	t.Helper()
	t.Run("Go: Channels, Channel and GetChannelUsers", func(t *testing.T) {
		room, count, prefix := unique("presence-room-"), "user_count", "presence-"
		member(t, room, "7", "")
		all, err := sdk(t).Channels(pusher.ChannelsParams{FilterByPrefix: &prefix, Info: &count})
		if err != nil || all.Channels[room].UserCount != 1 {
			t.Errorf("got %+v (%v)", all, err)
		}
		one, err := sdk(t).Channel(room, pusher.ChannelParams{Info: &count})
		if err != nil || !one.Occupied || one.UserCount != 1 {
			t.Errorf("got %+v (%v)", one, err)
		}
		users, err := sdk(t).GetChannelUsers(room)
		if err != nil || len(users.List) != 1 || users.List[0].ID != "7" {
			t.Errorf("got %+v (%v)", users, err)
		}
	})
	t.Run("Go: SendToUser", func(t *testing.T) {
		id := unique("user-")
		me := user(t, id)
		if err := sdk(t).SendToUser(id, "hello", "x"); err != nil {
			t.Fatal(err)
		}
		me.next("hello", "#server-to-user-"+id)
	})
	t.Run("Go: a wrong secret is an error", func(t *testing.T) {
		wrong := sdk(t)
		wrong.Secret = "wrong"
		err := wrong.Trigger(a, "hello", "x")
		if err == nil || !strings.Contains(err.Error(), "401") {
			t.Errorf("got %v, want 401", err)
		}
	})
}

// phpRequests sends requests as pusher-http-php 7 does, byte for byte: channel for one channel,
// escaped slashes, commas as %2C, and an MD5 on every POST.
func phpRequests(t *testing.T, c client, a string) {
	t.Helper()
	t.Run("PHP: trigger", func(t *testing.T) {
		text := `{"name":"App\\Events\\OrderShipped",` +
			`"data":"{\"url\":\"https:\\\/\\\/example.com\"}","channel":"` + a + `"}`
		answers(t, post(t, wire.Request{Body: []byte(text)}), 200, "{}")
		if f := c.next(`App\Events\OrderShipped`, a); f.Data != `{"url":"https:\/\/example.com"}` {
			t.Errorf("got %s", f.Raw)
		}
	})
	t.Run("PHP: a POST without a body but with its MD5", func(t *testing.T) {
		path := "users/" + unique("user-") + "/terminate_connections"
		md5OfNothing := fmt.Sprintf("%x", md5.Sum(nil))
		a := post(t, wire.Request{
			Path: path, Params: map[string]string{"body_md5": md5OfNothing},
		})
		answers(t, a, 200, "{}")
	})
	t.Run("PHP: get with info", func(t *testing.T) {
		answers(t, get(t, "channels/"+a, "info", "subscription_count"), 200,
			`{"occupied":true,"subscription_count":1}`)
	})
}

// signedEvent returns a valid request and a client that receives its event.
func signedEvent(t *testing.T) (c client, ch string, good wire.Request) {
	t.Helper()
	ch = unique("signed-")
	text := body(t, wire.Event{Name: "test", Channel: ch, Data: "{}"})
	return subscriber(t, ch), ch, wire.Request{Body: text}
}

// tampering is a change to a valid request: other parameters that are signed, or a change after it
// was signed.
type tampering struct {
	name   string
	params map[string]string
	tamper func(url.Values, *wire.Request)
}

func tamperings() []tampering {
	set := func(key, value string) func(url.Values, *wire.Request) {
		return func(q url.Values, _ *wire.Request) { q.Set(key, value) }
	}
	return []tampering{
		{
			"another body", nil,
			func(_ url.Values, r *wire.Request) {
				r.Body = []byte(strings.Replace(string(r.Body), "{}", "[]", 1))
			},
		},
		{"another body and its MD5", nil, func(q url.Values, r *wire.Request) {
			r.Body = []byte(`{}`)
			q.Set("body_md5", "99914b932bd37a50b983c5e7c90ae93b")
		}},
		{
			"another MD5 that was signed",
			map[string]string{"body_md5": strings.Repeat("0", 32)},
			nil,
		},
		{"no MD5 beside a body", map[string]string{"body_md5": ""}, nil},
		{"another signature", nil, set("auth_signature", strings.Repeat("0", 64))},
		{"a signature that is no hex", nil, set("auth_signature", "x")},
		{"no signature", nil, func(q url.Values, _ *wire.Request) { q.Del("auth_signature") }},
		{"a parameter that was not signed", nil, set("info", "user_count")},
		{
			"a signed parameter that was left out",
			map[string]string{"info": "a"},
			func(q url.Values, _ *wire.Request) { q.Del("info") },
		},
		{
			"another timestamp than the signed one", nil,
			set("auth_timestamp", fmt.Sprint(time.Now().Unix()+9)),
		},
		{"no timestamp", map[string]string{"auth_timestamp": ""}, nil},
		{"a timestamp that is no number", map[string]string{"auth_timestamp": "soon"}, nil},
		{"another version", map[string]string{"auth_version": "2.0"}, nil},
	}
}

// 94. Changing one byte of the body, path, method or any parameter MUST give 401.
func TestLine94_Tampering(t *testing.T) {
	c, ch, good := signedEvent(t)
	for _, tc := range tamperings() {
		t.Run(tc.name, func(t *testing.T) {
			a := post(t, wire.Request{Body: good.Body, Params: tc.params, Tamper: tc.tamper})
			if a.Status != 401 {
				t.Errorf("got %d %s, want 401", a.Status, a.Body)
			}
		})
	}
	// Unknown paths and methods are refused before the signature is checked (docs/protocol.md
	// §5.11).
	for name, tc := range map[string]struct {
		r    wire.Request
		want int
	}{
		"another method": {wire.Request{
			Path: "channels", Method: http.MethodPost,
			Tamper: func(_ url.Values, r *wire.Request) { r.Method = http.MethodGet; r.Body = nil },
		}, 401},
		"another path": {wire.Request{
			Path: "batch_events",
			Tamper: func(_ url.Values, r *wire.Request) {
				r.Path = "/apps/" + hark.App.ID + "/events"
			},
		}, 401},
		"a method that is not served": {
			wire.Request{Tamper: func(_ url.Values, r *wire.Request) { r.Method = http.MethodPut }},
			405,
		},
		"a path that is not served": {
			wire.Request{Tamper: func(_ url.Values, r *wire.Request) { r.Path += "x" }}, 404,
		},
	} {
		t.Run(name, func(t *testing.T) {
			tc.r.Body = good.Body
			if a := post(t, tc.r); a.Status != tc.want {
				t.Errorf("got %d %s, want %d", a.Status, a.Body, tc.want)
			}
		})
	}
	t.Run("none of these was delivered", func(t *testing.T) { c.receives(ch); c.quiet() })
}

// 95. Timestamp 601 s off in either direction MUST give 401; 599 s MUST pass.
//
// Seconds may pass while a request is on its way. So the timestamps here keep some distance to the
// bounds where that matters; shared/pusher tests the exact bounds.
func TestLine95_Timestamp(t *testing.T) {
	c, ch, good := signedEvent(t)
	for _, tc := range []struct {
		off  time.Duration
		want int
	}{
		{-601 * time.Second, 401},
		{-590 * time.Second, 200},
		{599 * time.Second, 200},
		{610 * time.Second, 401},
	} {
		t.Run(tc.off.String(), func(t *testing.T) {
			good.At = time.Now().Add(tc.off)
			a := post(t, good)
			if a.Status != tc.want {
				t.Fatalf("got %d %s, want %d", a.Status, a.Body, tc.want)
			}
			if tc.want == 200 {
				c.next("test", ch)
			}
		})
	}
	c.quiet()
}

// 96. auth_key of another app MUST be refused.
func TestLine96_AnotherAppsKey(t *testing.T) {
	c, _, good := signedEvent(t)
	refused := func(t *testing.T, a wire.Answer) {
		t.Helper()
		if a.Status != 401 {
			t.Errorf("got %d %s, want 401", a.Status, a.Body)
		}
	}
	for _, key := range []string{"no-such-key", ""} {
		t.Run(fmt.Sprintf("key %q", key), func(t *testing.T) {
			refused(t,
				post(t, wire.Request{Body: good.Body, Params: map[string]string{"auth_key": key}}))
		})
	}
	t.Run("the key and the secret of another app", func(t *testing.T) {
		other := newApp(t, nil)
		other.ID = hark.App.ID
		good.Method, good.Path = http.MethodPost, "events"
		refused(t, request(t, other, good))
	})
	c.quiet()
}

// countsOneUser asks for the counts of a channel with one user, with the query as encode writes it.
func countsOneUser(t *testing.T, room string, encode func(url.Values) string) {
	t.Helper()
	a := post(t, wire.Request{
		Method: http.MethodGet, Path: "channels", Encode: encode,
		Params: map[string]string{
			"info": "user_count,subscription_count", "filter_by_prefix": room,
		},
	})
	if a.Status != 200 || !strings.Contains(a.Body, `"user_count":1`) {
		t.Errorf("got %d %s", a.Status, a.Body)
	}
}

// 97. Percent-encoded commas in `info` MUST verify the same as raw commas.
func TestLine97_Commas(t *testing.T) {
	room := unique("presence-room-")
	member(t, room, "1", "")
	for name, encode := range map[string]func(url.Values) string{
		"as PHP sends them": url.Values.Encode,
		"as Node and Go send them": func(q url.Values) string {
			return strings.ReplaceAll(q.Encode(), "%2C", ",")
		},
		"in lower case": func(q url.Values) string {
			return strings.ReplaceAll(q.Encode(), "%2C", "%2c")
		},
		"and the order of the query": func(q url.Values) string {
			return reversed(strings.ReplaceAll(q.Encode(), "%2C", ","))
		},
	} {
		t.Run(name, func(t *testing.T) {
			countsOneUser(t, room, encode)
		})
	}
}

func reversed(query string) string {
	pairs := strings.Split(query, "&")
	var out []string
	for i := range pairs {
		out = append(out, pairs[len(pairs)-1-i])
	}
	return strings.Join(out, "&")
}

// 98. `info[0]=a&info[1]=b` signed as `info=a,b` MUST verify.
//
// The PHP SDK sends arrays this way.
func TestLine98_ArrayParameters(t *testing.T) {
	room := unique("presence-room-")
	member(t, room, "1", "")
	for name, array := range map[string]string{
		"as PHP sends it":   "info%5B0%5D=user_count&info%5B1%5D=subscription_count",
		"with raw brackets": "info[0]=user_count&info[1]=subscription_count",
		"without numbers":   "info%5B%5D=user_count&info%5B%5D=subscription_count",
	} {
		t.Run(name, func(t *testing.T) {
			encode := func(q url.Values) string {
				q.Del("info")
				return q.Encode() + "&" + array
			}
			countsOneUser(t, room, encode)
		})
	}
}

// 99. A stage or base path in front of `/apps` MUST NOT enter the signature.
//
// The local cloud's public port has no base path. So the function is invoked as its URL does it,
// behind a proxy that adds a base path.
func TestLine99_BasePath(t *testing.T) {
	local(t)
	c, ch, good := signedEvent(t)
	good.Method, good.Path = http.MethodPost, "/apps/"+hark.App.ID+"/events"
	for _, base := range []string{"", "/prod", "/some/base/path"} {
		t.Run("base path "+base, func(t *testing.T) {
			proxied := api()
			proxied.Client = &http.Client{Transport: functionURL{base: base}}
			a, err := proxied.Do(t.Context(), good)
			if err != nil {
				t.Fatal(err)
			}
			answers(t, a, 200, "{}")
			c.next("test", ch)
		})
	}
}
