package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"hark/localstack/e2e/wire"
)

// Lines 100 to 110 of the checklist (docs/protocol.md §9): publishing single events.

// 100. Trigger success MUST be status 200 with body `{}` (a JSON object).
func TestLine100_Success(t *testing.T) {
	for name, ch := range map[string]string{
		"with a subscriber": unique("room-"), "without": unique("room-"),
	} {
		t.Run(name, func(t *testing.T) {
			if name == "with a subscriber" {
				subscriber(t, ch)
			}
			a, err := api().Publish(t.Context(), wire.Event{Name: "test", Channel: ch, Data: "{}"})
			if err != nil || a.Status != 200 || a.Body != "{}" ||
				!strings.HasPrefix(a.ContentType, "application/json") {
				t.Errorf("got %+v (%v)", a, err)
			}
		})
	}
}

// 101. `channel` and `channels` forms MUST both work.
func TestLine101_ChannelAndChannels(t *testing.T) {
	a, b := unique("room-"), unique("private-room-")
	c := subscriber(t, a, b)
	t.Run("channel, as PHP sends one", func(t *testing.T) {
		publish(t, wire.Event{Name: "one", Channel: a, Data: "{}"})
		c.next("one", a)
	})
	t.Run("channels with one, as Node and Go send it", func(t *testing.T) {
		publish(t, wire.Event{Name: "two", Channels: []string{b}, Data: "{}"})
		c.next("two", b)
	})
	t.Run("channels with two", func(t *testing.T) {
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
	t.Run("a channel that is named twice gets the event once", func(t *testing.T) {
		publish(t, wire.Event{Name: "one", Channels: []string{a, a}, Data: "{}"})
		c.next("one", a)
		c.receives(a)
		c.quiet()
	})
}

// 102. 100 channels MUST pass, 101 MUST give 400.
func TestLine102_HundredChannels(t *testing.T) {
	var all []string
	for range 101 {
		all = append(all, unique("hundred-"))
	}
	first, last := subscriber(t, all[0]), subscriber(t, all[99])
	publish(t, wire.Event{Name: "many", Channels: all[:100], Data: "{}"})
	first.next("many", all[0])
	last.next("many", all[99])
	declined(t, wire.Request{Body: body(t, wire.Event{Name: "more", Channels: all, Data: "{}"})},
		400)
	first.quiet()
}

// declined fails unless the request gets that status and a text for a developer.
func declined(t *testing.T, r wire.Request, want int) {
	t.Helper()
	a := post(t, r)
	if a.Status != want {
		t.Fatalf("got %d %s, want %d", a.Status, a.Body, want)
	}
	if !strings.HasPrefix(a.ContentType, "text/plain") || a.Body == "" || len(a.Body) > 500 {
		t.Errorf("got %+v, want a short plain text", a)
	}
}

// 103. socket_id MUST be excluded on every listed channel; unknown socket_id MUST be ignored.
func TestLine103_SocketID(t *testing.T) {
	a, b := unique("room-"), unique("private-room-")
	alice, bob := subscriber(t, a, b), subscriber(t, a, b)
	t.Run("the sender is left out on every channel", func(t *testing.T) {
		publish(t, wire.Event{
			Name: "mine", Channels: []string{a, b}, Data: "{}", SocketID: alice.SocketID,
		})
		for range 2 {
			if f, err := bob.Next(patience); err != nil || f.Event != "mine" {
				t.Fatalf("got %s (%v)", f.Raw, err)
			}
		}
		alice.receives(a)
		bob.next("test", a)
		alice.quiet()
	})
	t.Run("an unknown one is ignored", func(t *testing.T) {
		publish(t, wire.Event{Name: "theirs", Channel: a, Data: "{}", SocketID: "123.456"})
		alice.next("theirs", a)
		bob.next("theirs", a)
	})
	for _, id := range []string{"abc", "1", "1.", ".2", "1.2.3", "1.2\n", "-1.2"} {
		t.Run(fmt.Sprintf("%q is none", id), func(t *testing.T) {
			event := wire.Event{Name: "x", Channel: a, Data: "{}", SocketID: id}
			declined(t, wire.Request{Body: body(t, event)}, 400)
		})
	}
}

// 104. Delivered frame MUST carry name, channel, and `data` byte-identical as a string.
func TestLine104_Content(t *testing.T) {
	ch := unique("room-")
	c := subscriber(t, ch)
	for _, tc := range []struct{ name, data string }{
		{
			"an object with spaces and its keys as they were",
			"{ \"b\" : 1,\n\t\"a\":2.50, \"a\":3 }",
		},
		{"quotes and backslashes", `{"a":"say \"hi\" \\ \/ \u0041"}`},
		{"letters beyond ASCII, emoji, joined emoji", `{"a":"Zażółć gęślą jaźń — 你好 🎉 👩‍👩‍👧 é"}`},
		{"surrogates as escapes", `{"a":"\ud83c\udf89"}`},
		{"control characters as escapes", `{"a":"\u0000\u0001\u001f\u007f\b\f\n\r\t"}`},
		{"characters that HTML and JavaScript escape", "<b>&amp;</b>\u2028\u2029"},
		{"control characters raw", "a\x00b\x01c\x1f\x7f\t\n\r"},
		{"characters that are no characters", "\ufffe\uffff\ufffd\ufeff"},
		{"text that is not JSON", "hello"},
		{"a number", "7"},
		{"the data of an event without any, as Laravel sends it", "[]"},
		{"a text of spaces", "  "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			publish(t, wire.Event{Name: "test", Channel: ch, Data: tc.data})
			f := c.next("test", ch)
			if f.Data != tc.data {
				t.Errorf("got data %q, want %q", f.Data, tc.data)
			}
		})
	}
	t.Run("no key but event, channel and data", func(t *testing.T) {
		publish(t, wire.Event{Name: "test", Channel: ch, Data: "{}", SocketID: "1.2"})
		if got := keys(t, c.next("test", ch).Raw); got != "channel data event" {
			t.Errorf("got %s", got)
		}
	})
	t.Run("two equal events are two events", func(t *testing.T) {
		for range 2 {
			publish(t, wire.Event{Name: "same", Channel: ch, Data: "{}"})
		}
		c.next("same", ch)
		c.next("same", ch)
		c.quiet()
	})
}

// 105. Event name with backslashes MUST pass.
func TestLine105_EventNames(t *testing.T) {
	ch := unique("room-")
	c := subscriber(t, ch)
	for _, name := range []string{
		`App\Events\OrderShipped`, `Illuminate\Notifications\Events\BroadcastNotificationCreated`,
		"größer als 🎉", "client-typing", strings.Repeat("n", 200),
	} {
		t.Run(name, func(t *testing.T) {
			publish(t, wire.Event{Name: name, Channel: ch, Data: "{}"})
			c.next(name, ch)
		})
	}
	t.Run("201 characters are too many", func(t *testing.T) {
		event := wire.Event{Name: strings.Repeat("n", 201), Channel: ch, Data: "{}"}
		declined(t, wire.Request{Body: body(t, event)}, 400)
	})
}

// 106. data of 10240 bytes MUST pass and 10241 MUST give 413 at default settings.
func TestLine106_Size(t *testing.T) {
	ch := unique("room-")
	c := subscriber(t, ch)
	for name, data := range map[string]string{
		"letters": strings.Repeat("x", 10240), "two bytes each": strings.Repeat("é", 5120),
		"JSON escapes them six times as long": strings.Repeat("\x01", 10240),
		"quotes":                              strings.Repeat(`"`, 10240),
	} {
		t.Run(name, func(t *testing.T) {
			publish(t, wire.Event{Name: "big", Channel: ch, Data: data})
			if f := c.next("big", ch); f.Data != data {
				t.Errorf("got %d bytes, want the %d published", len(f.Data), len(data))
			}
			larger := wire.Event{Name: "big", Channel: ch, Data: data + "x"}
			declined(t, wire.Request{Body: body(t, larger)}, 413)
		})
	}
	c.quiet()
	t.Run("an app may allow more", func(t *testing.T) {
		app := newApp(t, item{"max_event_payload_in_kb": 20})
		c := connectTo(t, app)
		c.join(ch)
		data := strings.Repeat("x", 20<<10)
		publishTo(t, app, wire.Event{Name: "big", Channel: ch, Data: data})
		if f := c.next("big", ch); f.Data != data {
			t.Errorf("got %d bytes", len(f.Data))
		}
	})
}

// events is a request whose text has CH for the channel.
func events(ch, text string) wire.Request {
	return wire.Request{Body: []byte(strings.ReplaceAll(text, "CH", ch))}
}

// 107. Missing name, data or channel MUST give 400.
func TestLine107_MissingFields(t *testing.T) {
	ch := unique("room-")
	c := subscriber(t, ch)
	for name, text := range map[string]string{
		"no name":                  `{"channel":"CH","data":"{}"}`,
		"an empty name":            `{"name":"","channel":"CH","data":"{}"}`,
		"no data":                  `{"name":"a","channel":"CH"}`,
		"data that is null":        `{"name":"a","channel":"CH","data":null}`,
		"no channel":               `{"name":"a","data":"{}"}`,
		"no channels":              `{"name":"a","channels":[],"data":"{}"}`,
		"an empty channel":         `{"name":"a","channel":"","data":"{}"}`,
		"data that is an object":   `{"name":"a","channel":"CH","data":{}}`,
		"data that is a number":    `{"name":"a","channel":"CH","data":7}`,
		"a name that is a number":  `{"name":7,"channel":"CH","data":"{}"}`,
		"channels that are a text": `{"name":"a","channels":"CH","data":"{}"}`,
		"a bad channel":            `{"name":"a","channel":"a b","data":"{}"}`,
		"one bad among good ones":  `{"name":"a","channels":["CH","a/b"],"data":"{}"}`,
		"a channel that is long": `{"name":"a","channel":"` + strings.Repeat("x", 201) +
			`","data":"{}"}`,
	} {
		t.Run(name, func(t *testing.T) { declined(t, events(ch, text), 400) })
	}
	c.receives(ch)
	c.quiet()
}

// 108. Malformed JSON MUST give 400.
func TestLine108_MalformedJSON(t *testing.T) {
	for _, path := range []string{"events", "batch_events"} {
		for _, text := range []string{
			`{"name":"a","channel":"b","data":"{}"`, `["name"]`, `"name"`, `null`, `hello`, ``,
		} {
			t.Run(path+" "+text, func(t *testing.T) {
				declined(t, wire.Request{Path: path, Body: []byte(text)}, 400)
			})
		}
	}
}

// 109. `info` on trigger MUST return `{"channels":{..}}` with one object per unique channel.
func TestLine109_Info(t *testing.T) {
	room, news, empty := unique("presence-room-"), unique("news-"), unique("news-")
	member(t, room, "1", "")
	subscriber(t, news)
	for info, want := range map[string]string{
		"subscription_count,user_count": `{"channels":{"ROOM":{"user_count":1},` +
			`"NEWS":{"subscription_count":1},"EMPTY":{"subscription_count":0}}}`,
		"user_count": `{"channels":{"ROOM":{"user_count":1},"NEWS":{},"EMPTY":{}}}`,
		"subscription_count": `{"channels":{"ROOM":{},` +
			`"NEWS":{"subscription_count":1},"EMPTY":{"subscription_count":0}}}`,
	} {
		t.Run(info, func(t *testing.T) {
			want := strings.NewReplacer("ROOM", room, "NEWS", news, "EMPTY", empty).Replace(want)
			e := wire.Event{
				Name: "test", Channels: []string{room, news, empty, news}, Data: "{}", Info: info,
			}
			answers(t, post(t, wire.Request{Body: body(t, e)}), 200, want)
		})
	}
}

// 110. user_count MUST count users, subscription_count connections.
func TestLine110_Counts(t *testing.T) {
	room, news := unique("presence-room-"), unique("news-")
	for _, id := range []string{"1", "1", "2"} {
		member(t, room, id, "").join(news)
	}
	answers(t, get(t, "channels/"+room, "info", "user_count"), 200,
		`{"occupied":true,"user_count":2}`)
	answers(t, get(t, "channels/"+news, "info", "subscription_count"), 200,
		`{"occupied":true,"subscription_count":3}`)
}

// Order is promised per publisher and channel (docs/decisions/0010-order-loss-duplicates.md).
func TestEventsOfAPublisherArriveInOrder(t *testing.T) {
	ch := unique("ordered-")
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
