package e2e_test

import (
	"testing"

	"hark/localstack/e2e/wire"
)

// AWS promises to run a function for an event at least once, and to hand out a message at least
// once. Whatever runs twice, no client is on a channel twice, no member is removed who is there,
// and every change is sent once.
func TestRunningTwiceChangesNothing(t *testing.T) {
	local(t)
	twice := func(function, delay string) fault {
		f := fault{"do": "repeat-invocation", "function": function}
		if delay != "" {
			f["delay"] = delay
		}
		return f
	}
	var all []*reconnecting
	var channels []string
	for _, tc := range []struct {
		name   string
		faults []fault
	}{
		{"frames, at once", ofFrames(twice("", ""))},
		{"frames, a moment later", ofFrames(twice("", "150ms"))},
		{"the ends of connections, at once", []fault{twice("disconnect", "")}},
		{"the ends of connections, a moment later", []fault{twice("disconnect", "150ms")}},
		// not at once: a message group has one invocation at a time
		{"batches of the queue", []fault{twice("broadcast", "5ms")}},
		{"messages", []fault{{"do": "repeat-message", "function": "broadcast", "delay": "50ms"}}},
		{"all of it", append(ofFrames(twice("", "")), twice("disconnect", ""),
			twice("broadcast", "5ms"),
			fault{"do": "repeat-message", "function": "broadcast", "delay": "50ms"})},
	} {
		t.Run(tc.name, func(t *testing.T) {
			errorsBefore := gatewayErrors(t)
			mend := breaks(t, tc.faults...)
			room, news := unique("presence-room-"), unique("private-news-")
			stays := newReconnecting(t, "stays", room, news)
			agree(t, room, stays)
			comesAndGoes(t, stays, room, news)
			if n := stays.wrongMoves(); n > 0 {
				t.Errorf("%d users came who were there, or left who were not", n)
			}
			if n := stays.successes(room); n != 1 {
				t.Errorf("the client that stays got %d successes", n)
			}
			if faultHits(t) == 0 {
				t.Error("nothing ran twice")
			}
			mend()
			wantGatewayErrors(t, errorsBefore, 0)
			all, channels = append(all, stays), append(channels, room, news)
		})
	}
	expectNoRows(t, all, channels...)
}

// comesAndGoes makes a user join and leave in every way, with one connection and with two, beside a
// client that stays.
func comesAndGoes(t *testing.T, stays *reconnecting, room, news string) {
	t.Helper()
	first, second := newReconnecting(t, "moves"), newReconnecting(t, "moves")
	for _, step := range []func(){
		func() { first.enters(room); first.enters(news) },
		func() { first.enters(room); first.enters(news) }, // once more: nothing changes
		func() { second.enters(room) },
		func() { first.leaves(room); first.leaves(news) },
		func() { first.enters(news); first.leaves(news); first.enters(news) },
		func() { second.drop() }, // and comes back
		func() { second.leaves(room); first.enters(room) },
		func() { first.drop() },
		func() { second.enters(news) },
		func() { first.leaves(room) },
	} {
		step()
		agree(t, room, stays, first, second)
		agree(t, news, stays, first, second)
	}
	counted := `{"occupied":true,"subscription_count":3}`
	answers(t, get(t, "channels/"+news, "info", "subscription_count"), 200, counted)
	answers(t, get(t, "channels/"+room, "info", "user_count"), 200,
		`{"occupied":true,"user_count":1}`)
	publish(t, wire.Event{Name: "test", Channels: []string{room, news}, Data: "all of it"})
	for _, r := range []*reconnecting{stays, first, second} {
		eventually(t, func() bool { return r.received(news, "all of it") }, "the event at "+r.user)
	}
	eventually(t, func() bool { return stays.received(room, "all of it") },
		"the event at the client that stays")
	expectNoRows(t, []*reconnecting{first, second})
	agree(t, room, stays)
	agree(t, news, stays)
}
