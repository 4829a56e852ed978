package e2e_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"hark/localstack/e2e/wire"
)

// Frames of one connection reach the functions concurrently and in any order. Of the frames about
// one channel the one that was sent last must win, on every kind of channel. Here a connection
// subscribes and unsubscribes at random on many channels at once, without waiting for answers.
func TestReorderedFramesEndAsTheStampsSay(t *testing.T) {
	local(t)
	errorsBefore := gatewayErrors(t)
	var channels []string
	for _, prefix := range []string{
		"room-", "private-room-", "cache-room-", "presence-room-", "presence-cache-room-",
	} {
		channels = append(channels, unique(prefix), unique(prefix))
	}
	presence := slices.DeleteFunc(slices.Clone(channels),
		func(ch string) bool { return !strings.HasPrefix(ch, "presence-") })
	stays := newReconnecting(t, "stays", presence...)
	for _, ch := range presence {
		agree(t, ch, stays)
	}
	c := connect(t)
	mend := breaks(t, fault{"do": "reorder", "connection": c.connectionID(), "delay": "500ms"})
	on := c.subscribesAtRandom(channels)
	c.drains(late)
	mend()

	held, ok := find(t, "conn#"+c.connectionID(), "conn")
	if !ok {
		t.Fatal("the connection has no row")
	}
	noted, _ := held["on"].(map[string]any)
	for _, ch := range channels {
		if _, is := noted[ch]; is != on[ch] {
			t.Errorf("%s: subscribed last: %v, noted in the connection's row: %v", ch, on[ch], is)
		}
		var want []string
		if on[ch] {
			want = append(want, c.connectionID())
		}
		if slices.Contains(presence, ch) {
			want = append(want, stays.connectionID())
		}
		eventually(t,
			func() bool { return rowsAre(rowsOf(t, ch), want) && listed(t, ch) == (len(want) > 0) },
			fmt.Sprintf("rows of %s for %v, and that it is listed accordingly", ch, want))
	}
	for _, ch := range presence {
		eventually(t, func() bool { return slices.Equal(stays.sees(ch), usersOf(rowsOf(t, ch))) },
			"the list of members to be that of the rows")
	}
	if n := stays.wrongMoves(); n > 0 {
		t.Errorf("%d users came who were there, or left who were not", n)
	}
	c.receivesOnly(channels, on)
	wantGatewayErrors(t, errorsBefore, 0)
}

// subscribesAtRandom subscribes to the channels and unsubscribes from them at random, without
// waiting for answers. It returns the channels of which the last frame was a subscribe.
func (c client) subscribesAtRandom(channels []string) map[string]bool {
	const rounds = 6
	draw := rand.New(rand.NewPCG(7, 1)) //nolint:gosec // an order of frames, not a secret
	on := map[string]bool{}
	for range rounds {
		for _, ch := range channels {
			if on[ch] = draw.IntN(2) == 0; !on[ch] {
				c.leave(ch)
			} else {
				data := ""
				if strings.HasPrefix(ch, "presence-") {
					data = channelData("moves", "")
				}
				c.sendEvent("pusher:subscribe", map[string]string{
					"channel": ch, "channel_data": data, "auth": c.app.Auth(c.SocketID, ch, data),
				})
			}
		}
		// of two frames in one millisecond, a subscribe wins (docs/steps.md §4)
		time.Sleep(50 * time.Millisecond)
	}
	return on
}

// drains reads frames of subscriptions until none has come for the given time.
func (c client) drains(silence time.Duration) {
	c.t.Helper()
	for {
		f, err := c.Next(silence)
		switch {
		case errors.Is(err, wire.ErrQuiet):
			return
		case err != nil || f.Event == wire.Error:
			c.t.Fatalf("got %s (%v)", f.Raw, err)
		}
	}
}

// rowsAre reports whether the rows are those of the connections, all settled.
func rowsAre(rows map[string]subscription, connections []string) bool {
	for _, id := range connections {
		if s, ok := rows[id]; !ok || s.pending {
			return false
		}
	}
	return len(rows) == len(connections)
}

// receivesOnly publishes to all of the channels. The client must receive the event once on each
// channel that it is on, and on no other.
func (c client) receivesOnly(channels []string, on map[string]bool) {
	c.t.Helper()
	publish(c.t, wire.Event{Name: "test", Channels: channels, Data: `{}`})
	received := map[string]int{}
	for {
		f, err := c.Next(late)
		if errors.Is(err, wire.ErrQuiet) {
			break
		}
		if err != nil || f.Event != "test" {
			c.t.Fatalf("got %s (%v)", f.Raw, err)
		}
		received[f.Channel]++
	}
	for _, ch := range channels {
		want := 0
		if on[ch] {
			want = 1
		}
		if received[ch] != want {
			c.t.Errorf("received %d events on %s, want %d", received[ch], ch, want)
		}
	}
}
