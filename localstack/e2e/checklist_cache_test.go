package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hark/localstack/e2e/wire"
)

// Lines 66 to 71 of the checklist (docs/protocol.md §9): cache channels.

// caching returns the prefixes of cache channels.
func caching() []string {
	return []string{"cache-", "private-cache-", "private-encrypted-cache-", "presence-cache-"}
}

// joinAny subscribes to a channel of any kind and reads its success.
func (c client) joinAny(channel string) {
	c.t.Helper()
	if strings.HasPrefix(channel, "presence-") {
		c.enter(channel, channelData("7", ""))
		c.welcomed(channel)
		return
	}
	c.subscribe(channel, c.auth(channel))
	c.succeeds(channel)
}

// cached publishes the data and waits until it is the cached event.
func cached(t *testing.T, channel, data string) {
	t.Helper()
	publish(t, wire.Event{Name: "price", Channel: channel, Data: data})
	kept := fmt.Sprintf(`"data":%s`, body(t, data))
	eventually(t, func() bool {
		return strings.Contains(get(t, "channels/"+channel, "info", "cache").Body, kept)
	}, "the cache of "+channel)
}

// 66. A trigger on a cache channel with no subscriber MUST be cached.
func TestLine66_WithoutSubscribers(t *testing.T) {
	for _, prefix := range caching() {
		t.Run(prefix, func(t *testing.T) {
			ch := unique(prefix)
			cached(t, ch, `{"v":1}`)
			c := connect(t)
			c.joinAny(ch)
			if f := c.next("price", ch); f.Data != `{"v":1}` {
				t.Errorf("got %s", f.Raw)
			}
			c.quiet()
		})
	}
}

// 67. A new subscriber MUST get the cached event after the success frame, with original name, data,
// channel.
func TestLine67_AfterTheSuccess(t *testing.T) {
	for _, prefix := range caching() {
		t.Run(prefix, func(t *testing.T) {
			ch := unique(prefix)
			first := connect(t)
			first.joinAny(ch)
			first.next(wire.CacheMiss, ch)
			const data = "{ \"v\" : 3,\n\"text\":\"Zażółć 🎉\" }"
			publish(t,
				wire.Event{Name: `App\Events\Price`, Channel: ch, Data: data, SocketID: "1.2"})
			live := first.next(`App\Events\Price`, ch)
			late := connect(t)
			late.joinAny(ch)
			f := late.next(`App\Events\Price`, ch)
			if f.Data != data || string(f.Raw) != string(live.Raw) {
				t.Errorf("got %s, want %s", f.Raw, live.Raw)
			}
			late.quiet()
		})
	}
	t.Run("an excluded client gets it when it subscribes again", func(t *testing.T) {
		ch := unique("cache-")
		c := connect(t)
		c.joinAny(ch)
		c.next(wire.CacheMiss, ch)
		publish(t, wire.Event{Name: "price", Channel: ch, Data: "{}", SocketID: c.SocketID})
		c.quiet()
		c.leave(ch)
		c.awaitLeave(ch, 0)
		c.joinAny(ch)
		c.next("price", ch)
	})
}

// 68. Empty cache MUST give `pusher:cache_miss` with the channel.
func TestLine68_CacheMiss(t *testing.T) {
	for _, prefix := range caching() {
		t.Run(prefix, func(t *testing.T) {
			c, ch := connect(t), unique(prefix)
			c.joinAny(ch)
			if f := c.next(wire.CacheMiss, ch); f.Data != "{}" {
				t.Errorf("got %s", f.Raw)
			}
			c.quiet()
		})
	}
}

// 69. Client events and presence frames MUST NOT be cached.
func TestLine69_WhatIsNotCached(t *testing.T) {
	t.Run("client events", func(t *testing.T) {
		ch := unique("private-cache-")
		a, b := connect(t), connect(t)
		for _, c := range []client{a, b} {
			c.joinAny(ch)
			c.next(wire.CacheMiss, ch)
		}
		a.whispers(ch, "client-typing", "{}")
		b.next("client-typing", ch)
		late := connect(t)
		late.joinAny(ch)
		late.next(wire.CacheMiss, ch)
	})
	t.Run("presence frames", func(t *testing.T) {
		room := unique("presence-cache-")
		stays := connect(t)
		stays.enter(room, channelData("1", ""))
		stays.welcomed(room)
		stays.next(wire.CacheMiss, room)
		c := connect(t)
		c.enter(room, channelData("2", ""))
		c.welcomed(room)
		c.next(wire.CacheMiss, room) // not the member_added of itself
		stays.sees(wire.MemberAdded, room, "2")
		c.leave(room)
		stays.sees(wire.MemberRemoved, room, "2")
		late := connect(t)
		late.joinAny(room)
		late.next(wire.CacheMiss, room)
	})
}

// 70. Cached entries MUST expire (default 30 min).
func TestLine70_Expiry(t *testing.T) {
	local(t)
	ch := unique("cache-")
	before := time.Now()
	cached(t, ch, `{"v":1}`)
	r := row(t, "chan#"+hark.App.ID+"#"+ch, "cache")
	expires, _ := r["expires"].(float64)
	until := time.Unix(int64(expires), 0)
	if until.Before(before.Add(29*time.Minute)) || until.After(time.Now().Add(31*time.Minute)) {
		t.Errorf("expires at %s, want half an hour after %s", until, before)
	}
	// DynamoDB removes expired rows only later, so reads must check the expiry
	r["expires"] = time.Now().Add(-time.Second).Unix()
	put(t, "State", r)
	c := connect(t)
	c.joinAny(ch)
	c.next(wire.CacheMiss, ch)
	answers(t, get(t, "channels/"+ch, "info", "cache"), 200, `{"occupied":true,"cache":null}`)
}

// 71. The newest event MUST win when several are triggered.
func TestLine71_NewestWins(t *testing.T) {
	for _, prefix := range caching() {
		t.Run(prefix, func(t *testing.T) {
			ch := unique(prefix)
			for n := range 10 {
				publish(t, wire.Event{Name: "price", Channel: ch, Data: fmt.Sprint(n)})
			}
			cached(t, ch, "newest")
			c := connect(t)
			c.joinAny(ch)
			if f := c.next("price", ch); f.Data != "newest" {
				t.Errorf("got %s", f.Raw)
			}
			c.quiet()
		})
	}
	// A client that subscribes beside a publisher gets one event and then all that follow.
	t.Run("also while they are published", func(t *testing.T) {
		busy := startTicks(t, unique("cache-"))
		for i := range 10 {
			if err := busy.visit(t.Context(), i); err != nil {
				t.Error(err)
			}
		}
		busy.stop(t)
	})
}
