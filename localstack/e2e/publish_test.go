package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"hark/localstack/e2e/wire"
)

// The numbers of the cases are those of protocol.md §9.

func post(t *testing.T, r wire.Request) wire.Answer {
	t.Helper()
	if r.Method == "" {
		r.Method = http.MethodPost
	}
	if r.Path == "" {
		r.Path = "/apps/" + hark.App.ID + "/events"
	}
	a, err := api().Do(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func body(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSignature(t *testing.T) {
	ch := channel("signed-")
	c := subscriber(t, ch)
	good := body(t, wire.Event{Name: "test", Channel: ch, Data: "{}"})
	set := func(key, value string) func(url.Values, *wire.Request) {
		return func(q url.Values, _ *wire.Request) { q.Set(key, value) }
	}
	for _, tc := range []struct {
		name string
		r    wire.Request
		want int
	}{
		{"93 as it should be", wire.Request{}, 200},
		{"94 another body", wire.Request{Tamper: func(_ url.Values, r *wire.Request) {
			r.Body = []byte(strings.Replace(string(r.Body), "{}", "[]", 1))
		}}, 401},
		{"94 another body and its MD5", wire.Request{Tamper: func(q url.Values, r *wire.Request) {
			r.Body = []byte(`{}`)
			q.Set("body_md5", "99914b932bd37a50b983c5e7c90ae93b")
		}}, 401},
		{"94 another MD5 that was signed", wire.Request{Override: map[string]string{"body_md5": strings.Repeat("0", 32)}}, 401},
		{"94 no MD5 beside a body", wire.Request{Override: map[string]string{"body_md5": ""}}, 401},
		{"94 another signature", wire.Request{Tamper: set("auth_signature", strings.Repeat("0", 64))}, 401},
		{"94 a signature that is no hex", wire.Request{Tamper: set("auth_signature", "x")}, 401},
		{"94 no signature", wire.Request{Tamper: func(q url.Values, _ *wire.Request) { q.Del("auth_signature") }}, 401},
		{"94 a parameter that was not signed", wire.Request{Tamper: set("info", "user_count")}, 401},
		{"94 another timestamp than the signed one", wire.Request{Tamper: set("auth_timestamp", fmt.Sprint(time.Now().Unix()+9))}, 401},
		{"94 no timestamp", wire.Request{Override: map[string]string{"auth_timestamp": ""}}, 401},
		{"94 a timestamp that is no number", wire.Request{Override: map[string]string{"auth_timestamp": "soon"}}, 401},
		{"94 another version", wire.Request{Override: map[string]string{"auth_version": "2.0"}}, 401},
		{"96 an unknown key", wire.Request{Override: map[string]string{"auth_key": "no-such-key"}}, 401},
		{"96 no key", wire.Request{Override: map[string]string{"auth_key": ""}}, 401},
		{"95 601 s old", wire.Request{At: time.Now().Add(-601 * time.Second)}, 401},
		{"95 590 s old", wire.Request{At: time.Now().Add(-590 * time.Second)}, 200},
		{"95 610 s ahead", wire.Request{At: time.Now().Add(610 * time.Second)}, 401},
		{"95 599 s ahead", wire.Request{At: time.Now().Add(599 * time.Second)}, 200},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.r.Body = good
			a := post(t, tc.r)
			if a.Status != tc.want {
				t.Fatalf("got %d %s, want %d", a.Status, a.Body, tc.want)
			}
			if tc.want == 200 {
				c.next("test", ch)
			}
		})
	}
	t.Run("94 another path or method than the signed one", func(t *testing.T) {
		for _, r := range []wire.Request{
			{Tamper: func(_ url.Values, r *wire.Request) { r.Method = http.MethodPut }},
			{Tamper: func(_ url.Values, r *wire.Request) { r.Path += "/" }},
			{Path: "/apps/" + hark.App.ID + "/other", Tamper: func(_ url.Values, r *wire.Request) {
				r.Path = "/apps/" + hark.App.ID + "/events"
			}},
		} {
			r.Body = good
			if a := post(t, r); a.Status < 400 || a.Status > 405 {
				t.Errorf("got %d %s, want a refusal", a.Status, a.Body)
			}
		}
	})
	t.Run("94 nothing of all that was delivered", func(t *testing.T) { c.hears(ch); c.quiet() })
}

func TestPublish(t *testing.T) {
	t.Run("100 and 101 with channel, with channels, as PHP and as Node send them", func(t *testing.T) {
		a, b := channel("room-"), channel("private-room-")
		c := subscriber(t, a, b)
		publish(t, wire.Event{Name: "one", Channel: a, Data: "{}"})
		c.next("one", a)
		publish(t, wire.Event{Name: "two", Channels: []string{b}, Data: "{}"})
		c.next("two", b)
		publish(t, wire.Event{Name: "three", Channels: []string{a, b}, Data: "{}"})
		got := map[string]bool{}
		for range 2 {
			f, err := c.Next(patience)
			if err != nil || f.Event != "three" {
				t.Fatalf("got %s (%v)", f.Raw, err)
			}
			got[f.Channel] = true
		}
		if !got[a] || !got[b] {
			t.Errorf("got %v, want one frame for each channel", got)
		}
	})
	t.Run("101 a channel named twice is served once", func(t *testing.T) {
		ch := channel("room-")
		c := subscriber(t, ch)
		publish(t, wire.Event{Name: "one", Channels: []string{ch, ch}, Data: "{}"})
		c.next("one", ch)
		c.hears(ch)
		c.quiet()
	})
	t.Run("to a channel without subscribers", func(t *testing.T) {
		publish(t, wire.Event{Name: "test", Channel: channel("empty-"), Data: "{}"})
	})
	t.Run("two equal events are two events", func(t *testing.T) {
		ch := channel("room-")
		c := subscriber(t, ch)
		for range 2 {
			publish(t, wire.Event{Name: "same", Channel: ch, Data: "{}"})
		}
		c.next("same", ch)
		c.next("same", ch)
		c.quiet()
	})
	t.Run("100 the answer is JSON", func(t *testing.T) {
		a, err := api().Publish(t.Context(), wire.Event{Name: "test", Channel: channel("room-"), Data: "{}"})
		if err != nil || !strings.HasPrefix(a.ContentType, "application/json") {
			t.Errorf("got %+v (%v)", a, err)
		}
	})
}

func TestSocketIDExclusion(t *testing.T) {
	a, b := channel("room-"), channel("private-room-")
	alice, bob := subscriber(t, a, b), subscriber(t, a, b)
	t.Run("103 the sender is left out on every channel", func(t *testing.T) {
		publish(t, wire.Event{Name: "mine", Channels: []string{a, b}, Data: "{}", SocketID: alice.SocketID})
		for range 2 {
			if f, err := bob.Next(patience); err != nil || f.Event != "mine" {
				t.Fatalf("got %s (%v)", f.Raw, err)
			}
		}
		alice.hears(a)
		bob.next("test", a)
		alice.quiet()
	})
	t.Run("103 an unknown socket_id is ignored", func(t *testing.T) {
		publish(t, wire.Event{Name: "theirs", Channel: a, Data: "{}", SocketID: "123.456"})
		alice.next("theirs", a)
		bob.next("theirs", a)
	})
	t.Run("103 a malformed socket_id gives 400", func(t *testing.T) {
		for _, id := range []string{"abc", "1", "1.", ".2", "1.2.3", "1.2\n", "-1.2"} {
			got := post(t, wire.Request{Body: body(t, wire.Event{Name: "x", Channel: a, Data: "{}", SocketID: id})})
			if got.Status != 400 {
				t.Errorf("socket_id %q: got %d %s, want 400", id, got.Status, got.Body)
			}
		}
	})
}

// 104 and 105: what is published is what arrives, byte for byte.
func TestContent(t *testing.T) {
	ch := channel("room-")
	c := subscriber(t, ch)
	for _, tc := range []struct{ name, event, data string }{
		{"104 an object with spaces and its keys as they were", "test", "{ \"b\" : 1,\n\t\"a\":2.50, \"a\":3 }"},
		{"104 quotes and backslashes", "test", `{"a":"say \"hi\" \\ \/ \u0041"}`},
		{"104 letters beyond ASCII, emoji, joined emoji", "test", `{"a":"Zażółć gęślą jaźń — 你好 🎉 👩‍👩‍👧 é"}`},
		{"104 surrogates as escapes", "test", `{"a":"\ud83c\udf89"}`},
		{"104 control characters as escapes", "test", `{"a":"\u0000\u0001\u001f\u007f\b\f\n\r\t"}`},
		{"104 characters that HTML and JavaScript escape", "test", "<b>&amp;</b>\u2028\u2029"},
		{"104 control characters raw", "test", "a\x00b\x01c\x1f\x7f\t\n\r"},
		{"104 characters that are no characters", "test", "\ufffe\uffff\ufffd\ufeff"},
		{"104 text that is not JSON", "test", "hello"},
		{"104 a number", "test", "7"},
		{"104 the data of an event without any, as Laravel sends it", "test", "[]"},
		{"105 the name of a Laravel class", `App\Events\OrderShipped`, "{}"},
		{"105 the name of a notification", `Illuminate\Notifications\Events\BroadcastNotificationCreated`, "{}"},
		{"105 a name with spaces and letters beyond ASCII", "größer als 🎉", "{}"},
		{"a name of 200 characters", strings.Repeat("n", 200), "{}"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			publish(t, wire.Event{Name: tc.event, Channel: ch, Data: tc.data})
			f := c.next(tc.event, ch)
			if f.Data != tc.data {
				t.Errorf("got data %q, want %q", f.Data, tc.data)
			}
		})
	}
	t.Run("104 no key but event, channel and data", func(t *testing.T) {
		publish(t, wire.Event{Name: "test", Channel: ch, Data: "{}", SocketID: "1.2"})
		var keys map[string]any
		if err := json.Unmarshal(c.next("test", ch).Raw, &keys); err != nil || len(keys) != 3 {
			t.Errorf("got %v (%v)", keys, err)
		}
	})
}

func TestLimits(t *testing.T) {
	t.Run("102 100 channels pass and each is served", func(t *testing.T) {
		var all []string
		for range 100 {
			all = append(all, channel("hundred-"))
		}
		first, last := subscriber(t, all[0]), subscriber(t, all[99])
		publish(t, wire.Event{Name: "many", Channels: all, Data: "{}"})
		first.next("many", all[0])
		last.next("many", all[99])
	})
	t.Run("106 data of 10240 bytes passes whole", func(t *testing.T) {
		ch := channel("room-")
		c := subscriber(t, ch)
		data := strings.Repeat("é", 5120)
		publish(t, wire.Event{Name: "big", Channel: ch, Data: data})
		if f := c.next("big", ch); f.Data != data {
			t.Errorf("got %d bytes, want the %d published", len(f.Data), len(data))
		}
	})
	for _, tc := range []struct {
		name string
		data string
	}{
		{"106 10240 bytes that JSON escapes six times as long pass", strings.Repeat("\x01", 10240)},
		{"106 10240 quotes pass", strings.Repeat(`"`, 10240)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ch := channel("room-")
			c := subscriber(t, ch)
			publish(t, wire.Event{Name: "big", Channel: ch, Data: tc.data})
			if f := c.next("big", ch); f.Data != tc.data {
				t.Errorf("got %d bytes, want the %d published", len(f.Data), len(tc.data))
			}
		})
	}
	ch := channel("room-")
	hundredAndOne := make([]string, 101)
	for i := range hundredAndOne {
		hundredAndOne[i] = channel("many-")
	}
	raw := func(s string) []byte { return []byte(strings.ReplaceAll(s, "CH", ch)) }
	for _, tc := range []struct {
		name string
		body []byte
		want int
	}{
		{"102 101 channels", body(t, wire.Event{Name: "a", Channels: hundredAndOne, Data: "{}"}), 400},
		{"106 data of 10241 bytes", body(t, wire.Event{Name: "a", Channel: ch, Data: strings.Repeat("x", 10241)}), 413},
		{"107 no name", raw(`{"channel":"CH","data":"{}"}`), 400},
		{"107 an empty name", raw(`{"name":"","channel":"CH","data":"{}"}`), 400},
		{"107 no data", raw(`{"name":"a","channel":"CH"}`), 400},
		{"107 no channel", raw(`{"name":"a","data":"{}"}`), 400},
		{"107 no channels", raw(`{"name":"a","channels":[],"data":"{}"}`), 400},
		{"data that is an object", raw(`{"name":"a","channel":"CH","data":{}}`), 400},
		{"data that is a number", raw(`{"name":"a","channel":"CH","data":7}`), 400},
		{"a name that is a number", raw(`{"name":7,"channel":"CH","data":"{}"}`), 400},
		{"channels that are a string", raw(`{"name":"a","channels":"CH","data":"{}"}`), 400},
		{"a name of 201 characters", body(t, wire.Event{Name: strings.Repeat("n", 201), Channel: ch, Data: "{}"}), 400},
		{"108 malformed JSON", raw(`{"name":"a","channel":"CH","data":"{}"`), 400},
		{"108 not an object", raw(`["name"]`), 400},
		{"108 nothing", nil, 400},
		{"a channel with a character that is not allowed", body(t, wire.Event{Name: "a", Channel: "a b", Data: "{}"}), 400},
		{"one bad channel among good ones", body(t, wire.Event{Name: "a", Channels: []string{ch, "a/b"}, Data: "{}"}), 400},
		{"a channel of 201 characters", body(t, wire.Event{Name: "a", Channel: strings.Repeat("x", 201), Data: "{}"}), 400},
		{"a channel that begins with #", body(t, wire.Event{Name: "a", Channel: "#room", Data: "{}"}), 400},
		{"124 a name that begins with pusher:", body(t, wire.Event{Name: "pusher:error", Channel: ch, Data: "{}"}), 400},
		{"124 a name that begins with pusher_internal:", body(t, wire.Event{
			Name: "pusher_internal:subscription_succeeded", Channel: ch, Data: "{}",
		}), 400},
	} {
		t.Run(tc.name+fmt.Sprintf(" gives %d", tc.want), func(t *testing.T) {
			a := post(t, wire.Request{Body: tc.body})
			if a.Status != tc.want {
				t.Fatalf("got %d %s, want %d", a.Status, a.Body, tc.want)
			}
			if !strings.HasPrefix(a.ContentType, "text/plain") || a.Body == "" || len(a.Body) > 500 { // 126
				t.Errorf("got %+v, want a short plain text", a)
			}
		})
	}
	t.Run("nothing of what was refused is delivered", func(t *testing.T) {
		c := subscriber(t, ch)
		post(t, wire.Request{Body: body(t, wire.Event{Name: "a", Channels: []string{ch, "a/b"}, Data: "{}"})})
		c.hears(ch)
		c.quiet()
	})
}

func TestOtherRequests(t *testing.T) {
	t.Run("125 an unknown app gives 404", func(t *testing.T) {
		a := post(t, wire.Request{Path: "/apps/no-such-app/events", Body: []byte(`{"name":"a","channel":"b","data":"c"}`)})
		if a.Status != 404 {
			t.Errorf("got %d %s", a.Status, a.Body)
		}
	})
	t.Run("127 /up answers without a signature", func(t *testing.T) {
		a, err := api().Get(t.Context(), "/up")
		if err != nil || a.Status != 200 || a.Body != `{"health":"OK"}` {
			t.Errorf("got %+v (%v)", a, err)
		}
	})
	t.Run("an unknown route gives 404", func(t *testing.T) {
		a := post(t, wire.Request{Path: "/apps/" + hark.App.ID + "/nonsense", Body: []byte("{}")})
		if a.Status != 404 {
			t.Errorf("got %d %s", a.Status, a.Body)
		}
	})
	t.Run("a wrong method gives 405", func(t *testing.T) {
		a := post(t, wire.Request{Method: http.MethodDelete})
		if a.Status != 405 {
			t.Errorf("got %d %s", a.Status, a.Body)
		}
	})
}

// Order is promised per publisher and channel (design.md §5).
func TestOrder(t *testing.T) {
	ch := channel("ordered-")
	var all []client
	for range 5 {
		all = append(all, subscriber(t, ch))
	}
	const n = 50
	for i := range n {
		publish(t, wire.Event{Name: "tick", Channel: ch, Data: fmt.Sprint(i)})
	}
	for _, c := range all {
		for i := range n {
			if f := c.next("tick", ch); f.Data != fmt.Sprint(i) {
				t.Fatalf("got %s, want number %d", f.Raw, i)
			}
		}
		c.quiet()
	}
}
