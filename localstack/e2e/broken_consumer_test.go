package e2e_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hark/localstack/e2e/wire"
)

// scene is a presence channel whose consumer is killed while a client joins or leaves.
type scene struct {
	name    string
	channel string
	mover   *reconnecting
	all     []*reconnecting // the mover, and perhaps a client that stays
}

// move is a join, a leave or a change of user on a presence channel.
type move struct {
	name   string
	there  bool // the mover is on the channel before
	others bool // another client is
	writes int  // of the consumer
	checks int  // checks that it also sends, if the stack has webhooks
	begin  func(r *reconnecting, channel string)
}

func moves() []move {
	leaves, enters := (*reconnecting).leaves, (*reconnecting).enters
	return []move{
		// its row, the marker, and its row again when the client has been sent its success
		{"the first one joins", false, false, 3, 2, enters},
		{"another one joins", false, true, 2, 1, enters},
		// its row, pending; with the other user; settled
		{"one changes its user", true, true, 3, 2, (*reconnecting).rejoinsAsAnother},
		{"one leaves", true, true, 1, 1, leaves},
		{"one ends", true, true, 1, 1, func(r *reconnecting, _ string) { r.close() }},
		// its row, the flag in the marker, and the marker, which a check removes
		{"the last one leaves", true, false, 3, 1, leaves},
	}
}

// rejoinsAsAnother joins once more as another user, who replaces the first on that connection.
func (r *reconnecting) rejoinsAsAnother(channel string) {
	r.mu.Lock()
	r.user += "-2"
	r.mu.Unlock()
	r.enters(channel)
}

// Only the consumer of a presence channel knows its members. Wherever it dies in a join or a leave,
// its messages come back after 15 seconds. Then every client is sent the true members, though some
// may be sent a change twice, and events published behind the change are delivered.
func TestMembersAreRightAfterTheConsumerDies(t *testing.T) {
	local(t)
	errorsBefore := gatewayErrors(t)
	stays := newReconnecting(t, "stays")
	var scenes []scene
	for _, m := range moves() {
		if hasWebhooks() {
			m.writes += m.checks
		}
		for nth := range m.writes {
			for _, do := range []string{before, after} {
				s := scene{
					name:    fmt.Sprintf("%s, %s %d", m.name, do, nth+1),
					channel: unique("presence-room-"),
				}
				s.mover = newReconnecting(t, fmt.Sprintf("moves-%d", len(scenes)))
				s.all = []*reconnecting{s.mover}
				if m.others {
					s.all = append(s.all, stays)
					stays.enters(s.channel)
				}
				if m.there {
					s.mover.enters(s.channel)
				}
				agree(t, s.channel, s.all...)
				strikes(t, 1, func() { m.begin(s.mover, s.channel) },
					fault{"do": do, "function": "broadcast", "nth": nth + 1, "count": 1})
				publish(t, wire.Event{Name: "test", Channel: s.channel, Data: "behind it"})
				scenes = append(scenes, s)
			}
		}
	}
	var channels []string
	for _, s := range scenes {
		channels = append(channels, s.channel)
		if difference := agreeWithin(t, 2*patience, s.channel, s.all...); difference != "" {
			t.Fatalf("%s: %s", s.name, difference)
		}
		for _, r := range s.all {
			if r.isOn(s.channel) {
				eventually(t, func() bool { return r.received(s.channel, "behind it") },
					s.name+": the event behind it")
			}
		}
	}
	wantGatewayErrors(t, errorsBefore, 0)
	all := []*reconnecting{stays}
	for _, s := range scenes {
		all = append(all, s.mover)
	}
	expectNoRows(t, all, channels...)
}

// A cache event that the consumer had in hand when it died comes again: the newest event is kept,
// and every subscriber gets it, including one that joins meanwhile.
func TestTheNewestEventSurvivesTheConsumer(t *testing.T) {
	local(t)
	errorsBefore := gatewayErrors(t)
	var channels []string
	first := newReconnecting(t, "first")
	for _, do := range []string{before, after} {
		ch := unique("cache-room-")
		channels = append(channels, ch)
		first.enters(ch)
		agree(t, ch, first)
		strikes(t, 1, func() { publish(t, wire.Event{Name: "test", Channel: ch, Data: "newest"}) },
			fault{"do": do, "function": "broadcast", "nth": 1, "count": 1})
	}
	second := newReconnecting(t, "second", channels...)
	for _, ch := range channels {
		if difference := agreeWithin(t, patience, ch, first, second); difference != "" {
			t.Error(difference)
		}
		patiently(t,
			func() bool { return first.received(ch, "newest") && second.received(ch, "newest") },
			"the newest event")
		if n := first.timesReceived(ch, "newest"); n != 1 {
			t.Errorf("it came %d times, though no post was made before the consumer died", n)
		}
	}
	wantGatewayErrors(t, errorsBefore, 0)
	expectNoRows(t, []*reconnecting{first, second}, channels...)
}

// If a consumer dies while it sends a user's status, the next one sends it once more. The last
// status that the watchers were sent is true.
func TestWatchersGetTheStatusAfterTheConsumerDies(t *testing.T) {
	local(t)
	errorsBefore := gatewayErrors(t)
	type scene struct {
		name    string
		watcher watcher
		watched client
	}
	var scenes []scene
	for nth := range 2 { // the writes before and after the status is sent
		for _, do := range []string{before, after} {
			id := unique("user-")
			s := scene{
				name:    fmt.Sprintf("%s %d", do, nth+1),
				watcher: watching(t, hark.App, unique("user-"), id),
			}
			s.watcher.learns(false, id)
			var first client
			strikes(t, 1, func() { first = user(t, id) },
				fault{"do": do, "function": "broadcast", "nth": nth + 1, "count": 1})
			if err := first.Drop(); err != nil {
				t.Fatal(err)
			}
			s.watched = user(t, id)
			scenes = append(scenes, s)
		}
	}
	for _, s := range scenes {
		s.watcher.awaitStatus("online", 2*patience)
		if err := s.watched.Drop(); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range scenes {
		s.watcher.awaitStatus("offline", 2*patience)
		for {
			f, err := s.watcher.Next(calm)
			if errors.Is(err, wire.ErrQuiet) {
				break
			}
			if err != nil || !strings.Contains(f.Data, `"offline"`) {
				t.Fatalf("%s: got %s (%v) after the last status", s.name, f.Raw, err)
			}
		}
	}
	wantGatewayErrors(t, errorsBefore, 0)
}

// awaitStatus reads watchlist events until one reports that status.
func (c client) awaitStatus(status string, within time.Duration) {
	c.t.Helper()
	for end := time.Now().Add(within); ; {
		f, err := c.Next(time.Until(end))
		if err != nil || f.Event != wire.WatchlistEvents {
			c.t.Fatalf("waiting for %s: got %s (%v)", status, f.Raw, err)
		}
		if strings.Contains(f.Data, `"`+status+`"`) {
			return
		}
	}
}
