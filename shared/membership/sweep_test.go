package membership_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hark/localstack/cloud/meter"
	"hark/shared/internal/testkit"
	"hark/shared/membership"
	"hark/shared/pusher"
	"hark/shared/state"
)

// Whoever leaves a presence channel unnoticed is gone from it within eleven minutes, whenever it
// entered, and at whatever second of each minute Sweep runs. What is special is when the connection
// is due by itself: ten minutes after it came.
func TestGhostMemberLivesElevenMinutes(t *testing.T) {
	h := newHours(t)
	n := 0
	for _, entered := range aboutDue() {
		for _, second := range []time.Duration{0, 4999 * time.Millisecond, 5 * time.Second, 30 * time.Second} {
			n++
			id := pusher.ConnectionID(fmt.Sprintf("connection-%d", n))
			h.now = h.now.Truncate(time.Hour).Add(time.Hour)
			h.connects(id)
			h.pass(10*time.Minute + entered)
			h.swept()
			h.subscribes(id, lobby)
			h.vanishes(id)
			left, gone := h.now, false
			for h.now = left.Truncate(time.Minute).Add(second); !gone; h.pass(time.Minute) {
				if !h.now.After(left) {
					continue
				}
				h.sweeps()
				gone = slices.ContainsFunc(h.consumes(), func(b state.Broadcast) bool { _, leave := b.(state.Leave); return leave })
				if ghost := h.now.Sub(left); gone != (len(h.traces(id, lobby)) == 0) || !gone && ghost > 11*time.Minute {
					t.Fatalf("entered at %s, Sweep runs at %s: %s later gone is %t, and there is left: %v",
						entered, second, ghost, gone, h.traces(id, lobby))
				}
			}
			if ghost := h.now.Add(-time.Minute).Sub(left); ghost > 11*time.Minute {
				t.Errorf("entered at %s, Sweep runs at %s: a ghost for %s", entered, second, ghost)
			}
		}
	}
}

// aboutDue are moments before and after the minute in which a connection is due by itself has
// begun.
func aboutDue() []time.Duration {
	return []time.Duration{
		-10 * time.Minute, -5001 * time.Millisecond, -5 * time.Second, -time.Millisecond,
		0, 4999 * time.Millisecond, 5 * time.Second, time.Minute,
	}
}

// A lease is never put where it could come too late, nor so far away that a ghost could live for
// longer than it may.
func TestLeaseIsInTime(t *testing.T) {
	for _, entered := range aboutDue() {
		h := newHours(t)
		h.connects(first)
		h.pass(10*time.Minute + entered)
		h.subscribes(first, lobby)
		var due []time.Time
		for n := range 12 {
			minute := h.now.Truncate(time.Minute).Add(time.Duration(n) * time.Minute)
			leases, err := h.store.Due(t.Context(), minute)
			h.must(err)
			for range leases {
				due = append(due, minute)
			}
		}
		if len(due) != 1 || due[0].Sub(h.now) < 5*time.Second || due[0].Sub(h.now) > 9*time.Minute+55*time.Second {
			t.Errorf("entered at %s, it is due at %v", entered, due)
		}
	}
}

// A member that stays is looked at every ten minutes, and nobody hears of it.
func TestMemberThatStays(t *testing.T) {
	h := newHours(t)
	h.swept()
	h.connects(observer, lobby)
	h.subscribes(observer, "presence-a", "presence-b", news) // which do not have it looked at more often
	before := len(h.events(observer))
	h.runs(2 * time.Hour)
	if n := h.asked[observer]; n < 11 || n > 12 {
		t.Errorf("it was looked at %d times in two hours", n)
	}
	if got := h.events(observer)[before:]; len(got) > 0 || h.closed[observer] {
		t.Errorf("it was sent %v, closed: %t", got, h.closed[observer])
	}
	h.now = h.now.Add(-time.Minute)
	if n, listed := h.counted(lobby); n != 1 || !listed {
		t.Errorf("%d subscribers, listed: %t", n, listed)
	}
}

func TestSweep(t *testing.T) {
	const id = first
	for _, c := range []struct {
		name  string
		set   func(h *hours) // has id looked at in the minute of the clock
		swept membership.Swept
		right func(h *hours) error
	}{{
		name:  "a lease of a connection that is gone ends with it",
		set:   func(*hours) {},
		swept: membership.Swept{Looked: 1},
		right: func(h *hours) error { return h.again(id, false) },
	}, {
		name:  "whoever is there, but seen by nobody, is not looked at again",
		set:   func(h *hours) { h.connects(id, news) },
		swept: membership.Swept{Looked: 1},
		right: func(h *hours) error { return errors.Join(h.again(id, false), h.there(id, news)) },
	}, {
		name: "whoever is signed in is looked at again",
		set: func(h *hours) {
			h.connects(id)
			c, err := h.store.Connection(h.Context(), id)
			h.must(err)
			h.must(h.members().SignIn(h.Context(), h.app, c, pusher.User{ID: "u"}, "{}"))
		},
		swept: membership.Swept{Looked: 1},
		right: func(h *hours) error { return errors.Join(h.again(id, true), h.there(id)) },
	}, {
		name:  "whoever is found gone leaves every channel",
		set:   func(h *hours) { h.connects(id, news, lobby); h.vanishes(id) },
		swept: membership.Swept{Looked: 1, Forgotten: 1},
		right: func(h *hours) error { return h.nothing(id, news, lobby) },
	}, {
		name: "whoever was left in doubt is forgotten for good two minutes later",
		set: func(h *hours) {
			h.pass(-2 * time.Minute)
			h.connects(id, news)
			h.without(id, news)
			h.must(h.members().Disconnected(h.Context(), id)) // its row is missing: a subscribe may be on its way
			h.pass(2 * time.Minute)
		},
		swept: membership.Swept{Looked: 1, Forgotten: 1},
		right: func(h *hours) error { return h.nothing(id, news) },
	}, {
		name: "whoever has just been left in doubt stays so, though a lease finds it dead",
		set: func(h *hours) {
			h.connects(id, news)
			h.without(id, news)
			h.must(h.members().Disconnected(h.Context(), id))
		},
		swept: membership.Swept{Looked: 1, Forgotten: 1},
		right: func(h *hours) error {
			if left := h.traces(id, news); !slices.Equal(left, []string{"the connection, dead: true"}) {
				return fmt.Errorf("there is left: %v", left)
			}
			h.runs(4 * time.Minute)
			return h.nothing(id, news)
		},
	}, {
		name: "a counted connection is counted out when no socket can be so old",
		set: func(h *hours) {
			h.app.MaxConnections = 10
			h.pass(-state.RowLife)
			h.connects(id, news)
			h.pass(state.RowLife)
		},
		swept: membership.Swept{Looked: 1, Forgotten: 1},
		right: func(h *hours) error {
			if n, err := h.store.OpenConnections(h.Context(), app); n != 0 || err != nil || h.asked[id] > 0 {
				return fmt.Errorf("%d open connections (%w), asked for it %d times", n, err, h.asked[id])
			}
			return h.nothing(id, news)
		},
	}} {
		t.Run(c.name, func(t *testing.T) {
			h := newHours(t)
			c.set(h)
			h.must(h.store.PutLease(t.Context(), id, h.now))
			h.swept()
			h.pass(5 * time.Second)
			if got := h.sweeps(); got != c.swept {
				t.Errorf("swept %+v, want %+v", got, c.swept)
			}
			h.consumes()
			if err := c.right(h); err != nil {
				t.Error(err)
			}
		})
	}
}

// again reports whether the connection is to be looked at within the next ten minutes.
func (h *hours) again(id pusher.ConnectionID, want bool) error {
	found := false
	for n := range 10 {
		leases, err := h.store.Due(h.Context(), h.now.Truncate(time.Minute).Add(time.Duration(n+1)*time.Minute))
		h.must(err)
		found = found || slices.ContainsFunc(leases, func(l state.Lease) bool { return l.Connection == id })
	}
	if found != want {
		return fmt.Errorf("it is looked at again: %t", found)
	}
	return nil
}

// without removes a row, as if its subscribe had not come so far.
func (h *hours) without(id pusher.ConnectionID, ch pusher.Channel) {
	_, err := h.store.TakeSubscription(h.Context(), state.Subscription{App: app, Channel: ch, Connection: id})
	h.must(err)
}

func (h *hours) there(id pusher.ConnectionID, channels ...pusher.Channel) error {
	if left := h.traces(id, channels...); len(left) != 1+len(channels) || h.closed[id] {
		return fmt.Errorf("there is left: %v", left)
	}
	return nil
}

func (h *hours) nothing(id pusher.ConnectionID, channels ...pusher.Channel) error {
	if left := h.traces(id, channels...); len(left) > 0 {
		return fmt.Errorf("there is left: %v", left)
	}
	for _, ch := range channels {
		if n, listed := h.counted(ch); n > 0 || listed {
			return fmt.Errorf("%s has %d subscribers, listed: %t", ch, n, listed)
		}
	}
	return nil
}

// A number that is due is told by the channel's own consumer.
func TestNumberThatIsDue(t *testing.T) {
	h := newHours(t)
	h.must(h.store.PutCountLease(t.Context(), app, news, h.now))
	h.swept()
	h.pass(5 * time.Second)
	h.sweeps()
	want := []state.Broadcast{state.Count{App: app, Channel: news}}
	if diff := cmp.Diff(want, h.take()); diff != "" {
		t.Error(diff)
	}
}

// A minute is worked on five seconds after it has begun, and once.
func TestMinuteIsSweptOnce(t *testing.T) {
	h := newHours(t)
	h.swept()
	h.connects(first, lobby)
	h.must(h.store.PutLease(t.Context(), first, h.now))
	for _, c := range []struct {
		wait  time.Duration
		looks int
	}{{4999 * time.Millisecond, 0}, {time.Millisecond, 1}, {10 * time.Second, 1}, {time.Minute, 1}} {
		h.pass(c.wait)
		h.sweeps()
		if h.asked[first] != c.looks {
			t.Errorf("at %s: looked %d times, want %d", h.now.Format(time.TimeOnly), h.asked[first], c.looks)
		}
	}
}

// What was due while nothing swept is looked at when Sweep is back, but for what has expired.
func TestSweepThatWasOff(t *testing.T) {
	h := newHours(t)
	h.connects(first, lobby)
	h.vanishes(first)
	h.pass(2 * time.Hour)
	h.sweeps()
	h.consumes()
	if err := h.nothing(first, lobby); err != nil {
		t.Error(err)
	}
}

// TestSweepBudget asserts what Sweep and the audit cost. The runs that find nothing are most of an
// idle stack's bill.
func TestSweepBudget(t *testing.T) {
	bill := &meter.Meter{}
	h := newHours(t)
	h.store = testkit.Table(t, bill)
	h.rows = h.store
	h.swept()
	h.audits() // the first part of the round
	h.pass(10 * time.Second)
	h.sweeps()
	costs := func(what string, writes, reads float64, f func()) {
		t.Helper()
		before := bill.Snapshot()
		f()
		after := bill.Snapshot()
		w, r := after[meter.WriteUnits]-before[meter.WriteUnits], after[meter.ReadUnits]-before[meter.ReadUnits]
		if w != writes || r != reads {
			t.Errorf("%s costs %v write and %v read units, want %v and %v", what, w, r, writes, reads)
		}
	}
	sweeps := func() { h.pass(time.Minute); h.sweeps() }
	costs("Sweep that finds nothing: its place, 8 partitions", 1, 9, sweeps)
	costs("audit that has nothing to do: its place (and the apps)", 0, 1, func() { h.audits() })
	h.pass(8 * time.Minute)
	h.sweeps()
	costs("audit of a part without channels: its place, the part", 1, 2, func() { h.audits() })

	lease := func(id pusher.ConnectionID) { h.must(h.store.PutLease(t.Context(), id, h.now.Add(time.Minute))) }
	lease("gone")
	costs("a look for one that has gone", 1, 10, sweeps)
	h.connects(first, news)
	lease(first)
	costs("a look at one that nobody sees", 1, 10, sweeps)
	h.connects(second, lobby)
	lease(second)
	costs("a look at a member: C, and its next lease", 2, 10, sweeps)
	h.vanishes(second)
	lease(second)
	costs("the end of a member: C read, marked and deleted", 3, 10, sweeps)
	h.take()

	for i := range 40 {
		ch := pusher.Channel(fmt.Sprintf("private-App.Models.Order.%d", i))
		h.subscribes(first, ch)
	}
	h.must(h.store.SetAuditPlace(t.Context(), state.AuditPlace{Round: h.now.Add(-time.Hour)}, h.now))
	costs("a whole round: its place, 8 parts, 41 channels and the one that the member has still to leave", 1, 1+8+42, func() { h.audits() })
}
