package e2e_test

import (
	"errors"
	"testing"
	"time"

	"hark/localstack/e2e/wire"
)

// Lines 45 to 51 of the checklist (docs/protocol.md §9), except 49: subscribing again, and
// unsubscribing.

// 45. Duplicate subscribe MUST NOT duplicate delivery, counts, member_added or webhooks.
func TestLine45_SubscribedTwice(t *testing.T) {
	t.Run("delivery and counts", func(t *testing.T) {
		ch := unique("room-")
		c := subscriber(t, ch)
		c.join(ch)
		c.receives(ch)
		c.quiet()
		answers(t, get(t, "channels/"+ch, "info", "subscription_count"), 200,
			`{"occupied":true,"subscription_count":1}`)
	})
	t.Run("ten at once", func(t *testing.T) {
		ch := unique("room-")
		c := connect(t)
		for range 10 {
			c.subscribe(ch, "")
		}
		c.settles(ch, calm)
		c.receives(ch)
		c.quiet()
	})
	t.Run("one unsubscribe undoes two subscribes", func(t *testing.T) {
		ch := unique("room-")
		c := subscriber(t, ch)
		c.join(ch)
		c.leave(ch)
		c.awaitLeave(ch, 0)
		c.receivesNothing(ch)
	})
	t.Run("member_added", func(t *testing.T) {
		room := unique("presence-room-")
		stays := member(t, room, "1", "")
		c := member(t, room, "2", "")
		stays.sees(wire.MemberAdded, room, "2")
		c.enter(room, channelData("2", ""))
		c.welcomed(room).has(t, "1", "2")
		stays.quiet()
		c.receives(room)
		stays.next("test", room)
		c.leave(room)
		stays.sees(wire.MemberRemoved, room, "2")
		stays.quiet()
	})
	// Pusher does not define this case. In Hark the newest subscribe decides the connection's user.
	t.Run("as another user", func(t *testing.T) {
		room := unique("presence-room-")
		stays := member(t, room, "1", "")
		c := member(t, room, "2", "")
		stays.sees(wire.MemberAdded, room, "2")
		c.enter(room, channelData("3", ""))
		c.welcomed(room).has(t, "1", "3")
		stays.sees(wire.MemberRemoved, room, "2")
		stays.sees(wire.MemberAdded, room, "3")
	})
}

// 46. Duplicate subscribe SHOULD answer `subscription_succeeded`.
func TestLine46_SecondSuccess(t *testing.T) {
	for _, prefix := range []string{"room-", "private-room-"} {
		ch := unique(prefix)
		subscriber(t, ch).join(ch)
	}
	room := unique("presence-room-")
	c := member(t, room, "1", "")
	c.enter(room, channelData("1", ""))
	c.welcomed(room).has(t, "1")
}

// 47. Unsubscribe MUST stop delivery and send no acknowledgement.
func TestLine47_Unsubscribe(t *testing.T) {
	for _, prefix := range []string{"room-", "private-room-"} {
		t.Run(prefix, func(t *testing.T) {
			ch := unique(prefix)
			c, stays := subscriber(t, ch), subscriber(t, ch)
			c.leave(ch)
			c.awaitLeave(ch, 1)
			c.receivesNothing(ch)
			stays.next("test", ch)
		})
	}
	t.Run("presence", func(t *testing.T) {
		room := unique("presence-room-")
		stays, c := member(t, room, "1", ""), member(t, room, "2", "")
		stays.sees(wire.MemberAdded, room, "2")
		c.leave(room)
		stays.sees(wire.MemberRemoved, room, "2")
		c.receivesNothing(room)
		stays.next("test", room)
	})
	t.Run("and subscribing again works", func(t *testing.T) {
		ch := unique("private-room-")
		c := subscriber(t, ch)
		c.leave(ch)
		c.awaitLeave(ch, 0)
		c.join(ch)
		c.receives(ch)
	})
}

// 48. Unsubscribe of an unknown channel MUST NOT close the socket.
func TestLine48_UnsubscribeOfAnUnknownChannel(t *testing.T) {
	for _, prefix := range []string{
		"room-", "private-room-", "presence-room-", "#server-to-user-",
	} {
		t.Run(prefix, func(t *testing.T) {
			c, ch := connect(t), unique(prefix)
			c.leave(ch)
			if f, err := c.Next(calm); err == nil && f.Event != wire.Error {
				t.Errorf("got %s, want nothing or an error (docs/protocol.md §3.9)", f.Raw)
			}
			c.pings()
		})
	}
}

// 50. Subscribe, unsubscribe, subscribe sent back to back MUST end subscribed.
func TestLine50_BackToBack(t *testing.T) {
	for name, backToBack := range map[string]func(*testing.T, time.Duration){
		"public": publicBackToBack, "presence": presenceBackToBack,
	} {
		t.Run(name, func(t *testing.T) { backToBack(t, calm) })
		// API Gateway runs the frames of one connection in any order. The last one sent must win
		// (docs/protocol.md §3.14, 5).
		t.Run(name+", though the frames arrive in any order", func(t *testing.T) {
			breaks(t, fault{"do": "reorder", "delay": "100ms"})
			backToBack(t, late)
		})
	}
}

// late is how long a test waits for frames that a fault delays.
const late = time.Second

func publicBackToBack(t *testing.T, silence time.Duration) {
	t.Helper()
	for range 10 {
		ch := unique("room-")
		c := connect(t)
		c.subscribe(ch, "")
		c.leave(ch)
		c.subscribe(ch, "")
		c.settles(ch, silence)
		c.receives(ch)
		c.quiet()
	}
}

// presenceBackToBack joins, leaves and joins a room. A client that joins afterwards must see the
// user there, once.
func presenceBackToBack(t *testing.T, silence time.Duration) {
	t.Helper()
	for range 10 {
		room := unique("presence-room-")
		c := connect(t)
		c.enter(room, channelData("1", ""))
		c.leave(room)
		c.enter(room, channelData("1", ""))
		c.settles(room, silence)
		member(t, room, "2", "").receives(room)
		c.sees(wire.MemberAdded, room, "2")
		c.next("test", room)
		answers(t, get(t, "channels/"+room, "info", "user_count"), 200,
			`{"occupied":true,"user_count":2}`)
	}
}

// A last frame that unsubscribes must win too, in whatever order the frames arrive.
func TestALastUnsubscribeWins(t *testing.T) {
	breaks(t, fault{"do": "reorder", "delay": "300ms"})
	for range 10 {
		ch := unique("room-")
		c := connect(t)
		c.subscribe(ch, "")
		// if API Gateway got both in one millisecond, the subscribe would win (docs/steps.md §4)
		time.Sleep(50 * time.Millisecond)
		c.leave(ch)
		for {
			f, err := c.Next(late)
			if errors.Is(err, wire.ErrQuiet) {
				break
			}
			if err != nil || f.Event != wire.SubscriptionSucceeded {
				t.Fatalf("got %s (%v)", f.Raw, err)
			}
		}
		c.awaitLeave(ch, 0)
	}
}

// 51. `data` of a subscribe given as a JSON string MUST be accepted.
func TestLine51_DataAsAString(t *testing.T) {
	c, ch := connect(t), unique("room-")
	c.send(`{"event":"pusher:subscribe","data":"{\"auth\":\"\",\"channel\":\"` + ch + `\"}"}`)
	c.succeeds(ch)
	c.receives(ch)
	c.send(`{"event":"pusher:unsubscribe","data":"{\"channel\":\"` + ch + `\"}"}`)
	c.awaitLeave(ch, 0)
	c.receivesNothing(ch)
}

// A connection may have many channels: a hundred (docs/decisions/0020-limits.md).
func TestOneConnectionMayHaveManyChannels(t *testing.T) {
	c := connect(t)
	var all []string
	for range 30 {
		ch := unique("many-")
		all = append(all, ch)
		c.join(ch)
	}
	for _, ch := range all {
		c.receives(ch)
	}
}
