package e2e_test

import (
	"strings"
	"testing"
	"time"

	"hark/localstack/e2e/wire"
)

// Lines 72 to 82 of the checklist (docs/protocol.md §9): client events.

// pair subscribes two clients to the same private channel.
func pair(t *testing.T) (a, b client, channel string) {
	t.Helper()
	channel = unique("private-room-")
	return subscriber(t, channel), subscriber(t, channel), channel
}

// 72. MUST reach every other subscriber and never the sender.
func TestLine72_ReachesTheOthers(t *testing.T) {
	for _, prefix := range []string{
		"private-room-", "private-encrypted-room-", "private-cache-room-", "presence-room-",
		"presence-cache-room-",
	} {
		t.Run(prefix, func(t *testing.T) {
			ch := unique(prefix)
			all := make([]client, 3)
			for i := range all {
				all[i] = connect(t)
				all[i].joinAny(ch)
				if strings.Contains(prefix, "cache-") {
					all[i].next(wire.CacheMiss, ch)
				}
			}
			all[0].whispers(ch, "client-typing", `{"n":1}`)
			for _, c := range all[1:] {
				if f := c.next("client-typing", ch); f.Data != `{"n":1}` {
					t.Errorf("got %s", f.Raw)
				}
			}
			all[0].receives(ch)
			all[0].quiet()
		})
	}
}

// 73. MUST be refused when disabled, with 4301 and no relay.
func TestLine73_Disabled(t *testing.T) {
	app, ch := newApp(t, item{"accept_client_events_from": "none"}), unique("private-room-")
	a, b := connectTo(t, app), connectTo(t, app)
	a.join(ch)
	b.join(ch)
	a.whispers(ch, "client-typing", "{}")
	a.errs(4301)
	b.receives(ch)
	b.quiet()
}

// 74. MUST be refused on public channels by default.
func TestLine74_PublicChannels(t *testing.T) {
	for _, prefix := range []string{"room-", "cache-"} {
		t.Run(prefix, func(t *testing.T) {
			ch := unique(prefix)
			a, b := connect(t), connect(t)
			for _, c := range []client{a, b} {
				c.joinAny(ch)
				if prefix == "cache-" {
					c.next(wire.CacheMiss, ch)
				}
			}
			a.whispers(ch, "client-typing", "{}")
			if message := a.errs(4009); !strings.Contains(message, ch) {
				t.Errorf("got %q, want the channel named", message)
			}
			b.receives(ch)
			b.quiet()
		})
	}
	t.Run("relayed where the app accepts them from all, as Reverb does", func(t *testing.T) {
		app, ch := newApp(t, item{"accept_client_events_from": "all"}), unique("room-")
		a, b := connectTo(t, app), connectTo(t, app)
		b.join(ch)
		a.whispers(ch, "client-typing", "{}")
		b.next("client-typing", ch)
	})
}

// 75. MUST be refused when the sender is not subscribed.
func TestLine75_NotSubscribed(t *testing.T) {
	for _, prefix := range []string{"private-room-", "presence-room-"} {
		t.Run(prefix, func(t *testing.T) {
			ch := unique(prefix)
			c, stranger := connect(t), connect(t)
			c.joinAny(ch)
			stranger.whispers(ch, "client-typing", "{}")
			if message := stranger.errs(4009); !strings.Contains(message, ch) {
				t.Errorf("got %q, want the channel named", message)
			}
			c.receives(ch)
			c.quiet()
		})
	}
	t.Run("any more", func(t *testing.T) {
		a, b, ch := pair(t)
		a.leave(ch)
		a.awaitLeave(ch, 1)
		a.whispers(ch, "client-typing", "{}")
		a.errs(4009)
		b.quiet()
	})
}

// 76. Relayed frame MUST contain only event, channel, data and, on presence, user_id.
func TestLine76_NothingElse(t *testing.T) {
	const more = `,"user_id":"forged","socket_id":"1.2","extra":{"a":1},"time":7}`
	t.Run("on a private channel", func(t *testing.T) {
		a, b, ch := pair(t)
		a.send(`{"event":"client-typing","channel":"` + ch + `","data":"x"` + more)
		want := `{"event":"client-typing","channel":"` + ch + `","data":"x"}`
		if f := b.next("client-typing", ch); string(f.Raw) != want {
			t.Errorf("got %s, want %s", f.Raw, want)
		}
	})
	t.Run("on a presence channel", func(t *testing.T) {
		room := unique("presence-room-")
		b, a := member(t, room, "1", ""), member(t, room, "2", "")
		b.sees(wire.MemberAdded, room, "2")
		a.send(`{"event":"client-typing","channel":"` + room + `","data":"x"` + more)
		want := `{"event":"client-typing","channel":"` + room + `","data":"x","user_id":"2"}`
		if f := b.next("client-typing", room); string(f.Raw) != want {
			t.Errorf("got %s, want %s", f.Raw, want)
		}
	})
}

// 77. user_id MUST come from the subscription, never from the frame.
func TestLine77_UserID(t *testing.T) {
	room := unique("presence-room-")
	b := member(t, room, "1", "")
	signedIn := user(t, unique("user-"))
	signedIn.enter(room, channelData("2", "")) // channel_data overrides the sign-in
	signedIn.welcomed(room)
	b.sees(wire.MemberAdded, room, "2")
	signedIn.send(`{"event":"client-typing","channel":"` + room +
		`","data":{"user_id":"1"},"user_id":"1"}`)
	if f := b.next("client-typing", room); f.UserID != "2" || f.Data != `{"user_id":"1"}` {
		t.Errorf("got %s", f.Raw)
	}
}

// 78. Object data MUST be relayed as a JSON string; string data unchanged.
//
// The Swift client drops data that is not a string; the Java client sends only strings.
func TestLine78_DataIsRelayedAsAString(t *testing.T) {
	a, b, ch := pair(t)
	for _, tc := range []struct{ sent, want string }{
		{`{"name":"Ann","n":[1,2]}`, `{"name":"Ann","n":[1,2]}`},
		{`{ "b" : 2, "a" : 1.50 }`, `{"b":2,"a":1.50}`},
		{`"{ \"name\" : \"Ann\" }"`, `{ "name" : "Ann" }`},
		{`"hello"`, `hello`},
		{`""`, ``},
		{`[1,2]`, `[1,2]`},
		{`7`, `7`},
		{`true`, `true`},
		{`"<b>&\u2028🎉"`, "<b>&\u2028🎉"},
		{`{"a":"<b>&🎉"}`, `{"a":"<b>&🎉"}`},
	} {
		t.Run(tc.sent, func(t *testing.T) {
			a.whispers(ch, "client-typing", tc.sent)
			if f := b.next("client-typing", ch); f.Data != tc.want {
				t.Errorf("got %s, want data %q", f.Raw, tc.want)
			}
			time.Sleep(time.Second / 10) // ten a second are allowed
		})
	}
}

// 79. Absent data MUST be accepted.
func TestLine79_NoData(t *testing.T) {
	a, b, ch := pair(t)
	for _, frame := range []string{
		`{"event":"client-exit","channel":"` + ch + `"}`,
		`{"event":"client-exit","channel":"` + ch + `","data":null}`,
	} {
		a.send(frame)
		b.next("client-exit", ch) // its data is a string: without one the Java client throws
	}
}

// 80. The 11th event within a second from one connection MUST be refused with 4301.
func TestLine80_Rate(t *testing.T) {
	// The limit counts calendar seconds: on a busy machine a burst may fall into two of them.
	const tries = 5
	nextSecond := func() {
		time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(1050 * time.Millisecond)))
	}
	for range tries {
		a, b, ch := pair(t)
		nextSecond()
		for range 11 {
			a.whispers(ch, "client-typing", "{}")
		}
		if time.Now().Nanosecond() > int(900*time.Millisecond) {
			continue
		}
		a.errs(4301)
		for range 10 {
			b.next("client-typing", ch)
		}
		b.quiet()
		a.quiet()
		a.pings()
		nextSecond()
		a.whispers(ch, "client-typing", "{}")
		b.next("client-typing", ch)
		return
	}
	t.Errorf("none of %d bursts fell into one second", tries)
}

// 81. Data over 10 KB SHOULD be refused, socket stays open.
func TestLine81_LargeData(t *testing.T) {
	// with the default limit the whole frame would be too large
	app, ch := newApp(t, item{"max_message_size": 30_000}), unique("private-room-")
	a, b := connectTo(t, app), connectTo(t, app)
	a.join(ch)
	b.join(ch)
	a.whispers(ch, "client-big", `"`+strings.Repeat("x", 10<<10)+`"`)
	if f := b.next("client-big", ch); len(f.Data) != 10<<10 {
		t.Errorf("got %d bytes", len(f.Data))
	}
	a.whispers(ch, "client-big", `"`+strings.Repeat("x", 10<<10+1)+`"`)
	message := a.errs(4301)
	if !strings.Contains(message, ch) || !strings.Contains(message, "10240") {
		t.Errorf("got %q, want the channel and the limit", message)
	}
	a.pings()
	b.receives(ch)
	b.quiet()
}

// 82. Name over 200 characters SHOULD be refused.
func TestLine82_LongName(t *testing.T) {
	a, b, ch := pair(t)
	name := func(n int) string { return "client-" + strings.Repeat("é", n-len("client-")) }
	a.whispers(ch, name(200), "{}")
	b.next(name(200), ch)
	a.whispers(ch, name(201), "{}")
	message := a.errs(4301)
	if !strings.Contains(message, ch) || !strings.Contains(message, "200") {
		t.Errorf("got %q, want the channel and the limit", message)
	}
	a.pings()
	b.receives(ch)
	b.quiet()
}

// An app may limit the rate of all frames of a connection, as Reverb's rate_limiting does.
func TestAnAppMayLimitTheRateOfFrames(t *testing.T) {
	limit := func(terminate bool) item {
		return item{"rate_limiting": map[string]any{
			"enabled": true, "max_attempts": 3, "decay_seconds": 3600,
			"terminate_on_limit": terminate,
		}}
	}
	t.Run("refuses", func(t *testing.T) {
		c := connectTo(t, newApp(t, limit(false)))
		for range 3 {
			c.join(unique("room-"))
		}
		ch := unique("room-")
		c.subscribe(ch, "")
		if f, err := c.Next(patience); err != nil || f.Event != wire.SubscriptionError {
			t.Errorf("got %s (%v)", f.Raw, err)
		}
		c.errs(4301)
		c.quiet()
	})
	t.Run("closes where the app says so", func(t *testing.T) {
		c := connectTo(t, newApp(t, limit(true)))
		for range 3 {
			c.join(unique("room-"))
		}
		c.subscribe(unique("room-"), "")
		c.isClosed()
	})
}
