package e2e_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"hark/localstack/e2e/wire"
)

// The numbers of the cases are those of protocol.md §9.

func TestPublicChannels(t *testing.T) {
	for _, auth := range []string{"", "garbage", hark.App.Key + ":00"} {
		t.Run(fmt.Sprintf("29 subscribe succeeds with auth %q", auth), func(t *testing.T) {
			c, ch := connect(t), channel("room-")
			c.subscribe(ch, auth)
			c.succeeds(ch) // 30
			c.hears(ch)
		})
	}
	t.Run("29 subscribe succeeds without auth", func(t *testing.T) {
		c, ch := connect(t), channel("room-")
		c.send(`{"event":"pusher:subscribe","data":{"channel":"` + ch + `"}}`)
		c.succeeds(ch)
	})
	for _, prefix := range []string{"privatex", "presencex", "my-private-", "my-presence-", "my-cache-"} {
		t.Run("41 and 42 a name beginning "+prefix+" is public", func(t *testing.T) {
			c, ch := connect(t), channel(prefix)
			c.subscribe(ch, "")
			c.succeeds(ch)
			c.hears(ch)
			c.quiet()
		})
	}
	t.Run("51 data given as a JSON string is accepted", func(t *testing.T) {
		c, ch := connect(t), channel("room-")
		c.send(`{"event":"pusher:subscribe","data":"{\"auth\":\"\",\"channel\":\"` + ch + `\"}"}`)
		c.succeeds(ch)
		c.hears(ch)
	})
	t.Run("every allowed character may stand in a name", func(t *testing.T) {
		c, ch := connect(t), channel("aZ09_-=@,.;")
		c.join(ch)
		c.hears(ch)
	})
}

func TestPrivateChannels(t *testing.T) {
	app := hark.App
	t.Run("private with the right signature succeeds", func(t *testing.T) {
		ch := channel("private-orders.")
		subscriber(t, ch).hears(ch)
	})
	t.Run("36 with signed channel_data succeeds", func(t *testing.T) {
		c, ch := connect(t), channel("private-orders.")
		data := `{"user_id":"7"}`
		err := c.SendEvent("pusher:subscribe", map[string]string{
			"channel": ch, "channel_data": data, "auth": app.Auth(c.SocketID, ch, data),
		})
		if err != nil {
			t.Fatal(err)
		}
		c.succeeds(ch)
		c.hears(ch)
	})
	for _, tc := range []struct {
		name string
		auth func(socketID, ch string) string
	}{
		{"31 without auth", func(string, string) string { return "" }},
		{"32 with a wrong signature", func(string, string) string { return app.Key + ":" + strings.Repeat("0", 64) }},
		{"32 with a signature that is no hex", func(string, string) string { return app.Key + ":zz" }},
		{"32 with a signature by another secret", func(id, ch string) string {
			return wire.App{Key: app.Key, Secret: "other"}.Auth(id, ch, "")
		}},
		{"33 with the right signature and another key", func(id, ch string) string {
			return wire.App{Key: "other-key", Secret: app.Secret}.Auth(id, ch, "")
		}},
		{"33 with the right signature and no key", func(id, ch string) string {
			return strings.TrimPrefix(app.Auth(id, ch, ""), app.Key+":")
		}},
		{"34 with a signature for another socket", func(_, ch string) string { return app.Auth("1.2", ch, "") }},
		{"35 with a signature for another channel", func(id, ch string) string { return app.Auth(id, ch+"x", "") }},
	} {
		t.Run(tc.name+" fails, the socket stays open and unsubscribed", func(t *testing.T) { // 37, 38
			c, ch := connect(t), channel("private-orders.")
			c.subscribe(ch, tc.auth(c.SocketID, ch))
			c.refused(ch)
			c.pings()
			c.deaf(ch)
		})
	}
	t.Run("36 channel_data that was not signed fails", func(t *testing.T) {
		c, ch := connect(t), channel("private-orders.")
		err := c.SendEvent("pusher:subscribe", map[string]string{
			"channel": ch, "channel_data": `{"user_id":"7"}`, "auth": app.Auth(c.SocketID, ch, ""),
		})
		if err != nil {
			t.Fatal(err)
		}
		c.refused(ch)
	})
	t.Run("43 private-encrypted- needs a signature", func(t *testing.T) {
		c, ch := connect(t), channel("private-encrypted-vault")
		c.subscribe(ch, "")
		c.refused(ch)
		c.join(channel("private-encrypted-vault"))
	})
	t.Run("after a refusal the right signature succeeds", func(t *testing.T) {
		c, ch := connect(t), channel("private-orders.")
		c.subscribe(ch, app.Key+":00")
		c.refused(ch)
		c.join(ch)
		c.hears(ch)
	})
}

func TestChannelNames(t *testing.T) {
	for _, ch := range []string{"a b", "a/b", "a#b", "a:b", "ä", "a\\b", "a\"b", strings.Repeat("x", 201)} {
		t.Run(fmt.Sprintf("39 and 40 %.20q is refused", ch), func(t *testing.T) {
			c := connect(t)
			c.subscribe(ch, "")
			c.refused(ch)
			c.pings()
		})
	}
	for _, frame := range []string{
		`{"event":"pusher:subscribe","data":{"auth":"","channel":""}}`,
		`{"event":"pusher:subscribe","data":{}}`,
	} {
		t.Run("21 and 39 no name is refused: "+frame, func(t *testing.T) {
			c := connect(t)
			c.send(frame)
			c.refused("")
			c.pings()
		})
	}
	t.Run("40 a name of 200 characters succeeds", func(t *testing.T) {
		ch := channel("long-")
		ch += strings.Repeat("x", 200-len(ch))
		subscriber(t, ch).hears(ch)
	})
	for _, ch := range []string{"#server-to-user-7", "#room", "#"} {
		t.Run("44 "+ch+" is refused", func(t *testing.T) {
			c := connect(t)
			c.subscribe(ch, "")
			c.refused(ch)
		})
	}
}

func TestRepeatedSubscribes(t *testing.T) {
	t.Run("45 and 46 a second subscribe succeeds and delivers once", func(t *testing.T) {
		ch := channel("room-")
		c := subscriber(t, ch)
		c.join(ch)
		c.hears(ch)
		c.quiet()
	})
	t.Run("45 many subscribes at once deliver once", func(t *testing.T) {
		ch := channel("room-")
		c := connect(t)
		for range 10 {
			c.subscribe(ch, "")
		}
		c.settles(ch)
		c.hears(ch)
		c.quiet()
	})
	t.Run("45 one unsubscribe undoes two subscribes", func(t *testing.T) {
		ch := channel("room-")
		c := subscriber(t, ch)
		c.join(ch)
		c.leave(ch)
		c.left(ch, 0)
		c.deaf(ch)
	})
}

func TestUnsubscribe(t *testing.T) {
	t.Run("47 stops delivery and is not answered", func(t *testing.T) {
		ch := channel("room-")
		c, stays := subscriber(t, ch), subscriber(t, ch)
		c.leave(ch)
		c.left(ch, 1)
		c.deaf(ch)
		stays.next("test", ch)
	})
	t.Run("48 of an unknown channel leaves the socket open", func(t *testing.T) {
		c, ch := connect(t), channel("room-")
		c.leave(ch)
		if f, err := c.Next(calm); err == nil && f.Event != wire.Error {
			t.Errorf("got %s, want nothing or an error (protocol.md §3.9)", f.Raw)
		}
		c.pings()
	})
	t.Run("subscribing again works", func(t *testing.T) {
		ch := channel("private-room-")
		c := subscriber(t, ch)
		c.leave(ch)
		c.left(ch, 0)
		c.join(ch)
		c.hears(ch)
	})
	// API Gateway runs the frames of one connection in any order; the last one sent must win (protocol.md §3.14, 5).
	t.Run("50 subscribe, unsubscribe, subscribe back to back ends subscribed", func(t *testing.T) {
		for range 10 {
			ch := channel("room-")
			c := connect(t)
			c.subscribe(ch, "")
			c.leave(ch)
			c.subscribe(ch, "")
			c.settles(ch)
			c.hears(ch)
			c.quiet()
		}
	})
}

func (c client) leave(channel string) {
	c.t.Helper()
	if err := c.Unsubscribe(channel); err != nil {
		c.t.Fatal(err)
	}
}

// left waits until an unsubscribe has been carried out, which nothing announces, and n subscribers are left.
func (c client) left(channel string, n int) {
	c.t.Helper()
	c.quiet()
	if hark.Local() {
		eventually(c.t, func() bool { return subscribers(c.t, channel) == n }, "the unsubscribe of "+channel)
	}
}

// settles reads the successes of several subscribes of one channel and a pong: where the frames of a connection are
// served one after another, the pong is the last. How many successes there are is not promised: at least one.
func (c client) settles(channel string) {
	c.t.Helper()
	c.send(`{"event":"pusher:ping","data":{}}`)
	for successes, pongs := 0, 0; ; {
		within := calm
		if successes == 0 || pongs == 0 {
			within = patience
		}
		f, err := c.Next(within)
		switch {
		case errors.Is(err, wire.ErrQuiet) && within == calm:
			return
		case err == nil && f.Event == wire.Pong:
			pongs++
		case err == nil && f.Event == wire.SubscriptionSucceeded && f.Channel == channel:
			successes++
		default:
			c.t.Fatalf("got %s (%v), want successes of %s and a pong only", f.Raw, err, channel)
		}
	}
}

// Beside a publisher that never stops, a subscriber is told of its success once, and from its first event on it misses none.
// An event may come before the success (ARCHITECTURE.md, decisions): 49 of the checklist is kept where clients build
// state on it, on presence channels.
func TestEventsAroundASubscribe(t *testing.T) {
	ch := channel("busy-")
	stop := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				ended <- nil
				return
			default:
			}
			if _, err := api().Publish(t.Context(), wire.Event{Name: "tick", Channel: ch, Data: strconv.Itoa(n)}); err != nil {
				ended <- err
				return
			}
		}
	}()
	for range 10 {
		c := connect(t)
		c.subscribe(ch, "")
		c.hearsAll(ch, 20)
	}
	close(stop)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// hearsAll reads n numbered events of a channel, which must follow each other, and one success among them.
func (c client) hearsAll(channel string, n int) {
	c.t.Helper()
	successes, last := 0, -1
	for range n + 1 {
		f, err := c.Next(patience)
		if err != nil || f.Channel != channel {
			c.t.Fatalf("got %s (%v)", f.Raw, err)
		}
		if f.Event == wire.SubscriptionSucceeded {
			successes++
			continue
		}
		number, err := strconv.Atoi(f.Data)
		if err != nil || last >= 0 && number != last+1 {
			c.t.Fatalf("got %s after event %d", f.Raw, last)
		}
		last = number
	}
	if successes != 1 {
		c.t.Errorf("%d successes", successes)
	}
}

// An app's channels are many: each connection may have a hundred (design.md §8).
func TestManyChannelsOfOneConnection(t *testing.T) {
	c := connect(t)
	var all []string
	for range 30 {
		ch := channel("many-")
		all = append(all, ch)
		c.join(ch)
	}
	for _, ch := range all {
		c.hears(ch)
	}
}
