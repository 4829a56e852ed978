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

// A member whose $disconnect is lost leaves its presence channel within eleven minutes, whenever it
// joined, and at whatever second of each minute sweep runs. The moments that matter are around its
// own lease, ten minutes after it connected.
func TestMemberWhoseDisconnectIsLostStaysElevenMinutes(t *testing.T) {
	h := newHours(t)
	n := 0
	seconds := []time.Duration{0, 4999 * time.Millisecond, 5 * time.Second, 30 * time.Second}
	for _, joined := range aroundLease() {
		for _, second := range seconds {
			n++
			id := pusher.ConnectionID(fmt.Sprintf("connection-%d", n))
			h.now = h.now.Truncate(time.Hour).Add(time.Hour)
			h.connects(id)
			h.pass(10*time.Minute + joined)
			h.swept()
			h.subscribes(id, lobby)
			h.vanishes(id)
			left, gone := h.now, false
			for h.now = left.Truncate(time.Minute).Add(second); !gone; h.pass(time.Minute) {
				if !h.now.After(left) {
					continue
				}
				h.sweeps()
				gone = slices.ContainsFunc(h.consumes(), isLeave)
				ghost, traces := h.now.Sub(left), h.traces(id, lobby)
				if gone != (len(traces) == 0) || !gone && ghost > 11*time.Minute {
					t.Fatalf("joined at %s, sweep runs at %s: %s later gone is %t, left is %v",
						joined, second, ghost, gone, traces)
				}
			}
			if ghost := h.now.Add(-time.Minute).Sub(left); ghost > 11*time.Minute {
				t.Errorf("joined at %s, sweep runs at %s: a ghost for %s", joined, second, ghost)
			}
		}
	}
}

func isLeave(b state.Broadcast) bool {
	_, leave := b.(state.Leave)
	return leave
}

// aroundLease are moments around the beginning of the minute of a connection's own lease.
func aroundLease() []time.Duration {
	return []time.Duration{
		-10 * time.Minute, -5001 * time.Millisecond, -5 * time.Second, -time.Millisecond,
		0, 4999 * time.Millisecond, 5 * time.Second, time.Minute,
	}
}

// A lease is never so near that it could be written too late, nor so far that a ghost could stay
// for too long.
func TestLeaseIsNeitherTooNearNorTooFar(t *testing.T) {
	for _, joined := range aroundLease() {
		h := newHours(t)
		h.connects(first)
		h.pass(10*time.Minute + joined)
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
		const near, far = 5 * time.Second, 9*time.Minute + 55*time.Second
		if len(due) != 1 || due[0].Sub(h.now) < near || due[0].Sub(h.now) > far {
			t.Errorf("joined at %s, it is due at %v", joined, due)
		}
	}
}

// Sweep asks for a member that stays every ten minutes, and no client is sent anything.
func TestMemberThatStaysIsAskedForEveryTenMinutes(t *testing.T) {
	h := newHours(t)
	h.swept()
	h.connects(observer, lobby)
	h.subscribes(observer, "presence-a", "presence-b", news) // is not asked for more often
	before := len(h.events(observer))
	h.runs(2 * time.Hour)
	if n := h.asked[observer]; n < 11 || n > 12 {
		t.Errorf("the gateway was asked for it %d times in two hours", n)
	}
	if got := h.events(observer)[before:]; len(got) > 0 || h.Closed(observer) {
		t.Errorf("it was sent %v, closed: %t", got, h.Closed(observer))
	}
	h.now = h.now.Add(-time.Minute)
	if n, listed := h.counted(lobby); n != 1 || !listed {
		t.Errorf("%d subscribers, listed: %t", n, listed)
	}
}

// sweepsLease gives the connection a lease of this minute and sweeps it.
func (h *hours) sweepsLease(id pusher.ConnectionID, want membership.Swept) {
	h.Helper()
	h.must(h.store.PutLease(h.Context(), id, h.now))
	h.swept()
	h.pass(5 * time.Second)
	if got := h.sweeps(); got != want {
		h.Errorf("swept %+v, want %+v", got, want)
	}
	h.consumes()
}

func TestLeaseOfAConnectionThatIsGoneEnds(t *testing.T) {
	h := newHours(t)
	h.sweepsLease(first, membership.Swept{Looked: 1})
	if err := h.again(first, false); err != nil {
		t.Error(err)
	}
}

func TestConnectionThatNoOtherClientSeesGetsNoFurtherLease(t *testing.T) {
	h := newHours(t)
	h.connects(first, news)
	h.sweepsLease(first, membership.Swept{Looked: 1})
	if err := errors.Join(h.again(first, false), h.there(first, news)); err != nil {
		t.Error(err)
	}
}

func TestConnectionThatIsSignedInGetsAFurtherLease(t *testing.T) {
	h := newHours(t)
	h.connects(first)
	c, err := h.store.Connection(t.Context(), first)
	h.must(err)
	h.must(h.members().SignIn(t.Context(), h.app, c, pusher.User{ID: "u"}, "{}"))
	h.sweepsLease(first, membership.Swept{Looked: 1})
	if err := errors.Join(h.again(first, true), h.there(first)); err != nil {
		t.Error(err)
	}
}

func TestConnectionThatSweepFindsGoneLeavesEveryChannel(t *testing.T) {
	h := newHours(t)
	h.connects(first, news, lobby)
	h.vanishes(first)
	h.sweepsLease(first, membership.Swept{Looked: 1, Forgotten: 1})
	if err := h.nothing(first, news, lobby); err != nil {
		t.Error(err)
	}
}

// inDoubt has a connection end while its row is missing: a subscribe may be at work.
func (h *hours) inDoubt(id pusher.ConnectionID) {
	h.Helper()
	h.connects(id, news)
	h.without(id, news)
	h.must(h.members().Disconnected(h.Context(), id))
}

func TestConnectionInDoubtIsForgottenTwoMinutesLater(t *testing.T) {
	h := newHours(t)
	h.pass(-2 * time.Minute)
	h.inDoubt(first)
	h.pass(2 * time.Minute)
	h.sweepsLease(first, membership.Swept{Looked: 1, Forgotten: 1})
	if err := h.nothing(first, news); err != nil {
		t.Error(err)
	}
}

func TestConnectionInDoubtIsNotForgottenSoonerByAnotherLease(t *testing.T) {
	h := newHours(t)
	h.inDoubt(first)
	h.sweepsLease(first, membership.Swept{Looked: 1, Forgotten: 1})
	if left := h.traces(first, news); !slices.Equal(left, []string{"the connection, dead: true"}) {
		t.Errorf("there is left: %v", left)
	}
	h.runs(4 * time.Minute)
	if err := h.nothing(first, news); err != nil {
		t.Error(err)
	}
}

func TestCountedConnectionIsSubtractedWhenNoConnectionCanBeSoOld(t *testing.T) {
	h := newHours(t)
	h.app.MaxConnections = 10
	h.pass(-state.RowLife)
	h.connects(first, news)
	h.pass(state.RowLife)
	h.sweepsLease(first, membership.Swept{Looked: 1, Forgotten: 1})
	n, err := h.store.OpenConnections(t.Context(), app)
	if n != 0 || err != nil || h.asked[first] > 0 {
		t.Errorf("%d open connections (%v), asked for it %d times", n, err, h.asked[first])
	}
	if err := h.nothing(first, news); err != nil {
		t.Error(err)
	}
}

// again fails unless the connection has a lease of the next ten minutes, or none if want is false.
func (h *hours) again(id pusher.ConnectionID, want bool) error {
	found := false
	for n := range 10 {
		minute := h.now.Truncate(time.Minute).Add(time.Duration(n+1) * time.Minute)
		leases, err := h.store.Due(h.Context(), minute)
		h.must(err)
		found = found || slices.ContainsFunc(leases, func(l state.Lease) bool {
			return l.Connection == id
		})
	}
	if found != want {
		return fmt.Errorf("it has a further lease: %t", found)
	}
	return nil
}

// without removes a row, as if its subscribe had not come so far.
func (h *hours) without(id pusher.ConnectionID, ch pusher.Channel) {
	s := state.Subscription{App: app, Channel: ch, Connection: id}
	_, err := h.store.TakeSubscription(h.Context(), s)
	h.must(err)
}

// there fails unless the connection is open and has its rows on the channels.
func (h *hours) there(id pusher.ConnectionID, channels ...pusher.Channel) error {
	if left := h.traces(id, channels...); len(left) != 1+len(channels) || h.Closed(id) {
		return fmt.Errorf("there is left: %v", left)
	}
	return nil
}

// nothing fails if the connection has left anything on the channels.
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

// A count that is due is sent by the channel's own consumer.
func TestCountThatIsDueIsQueued(t *testing.T) {
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

// Sweep handles a minute five seconds after it has begun, and once.
func TestMinuteIsSweptOnce(t *testing.T) {
	h := newHours(t)
	h.swept()
	h.connects(first, lobby)
	h.must(h.store.PutLease(t.Context(), first, h.now))
	for _, c := range []struct {
		wait time.Duration
		asks int
	}{
		{4999 * time.Millisecond, 0},
		{time.Millisecond, 1},
		{10 * time.Second, 1},
		{time.Minute, 1},
	} {
		h.pass(c.wait)
		h.sweeps()
		if n := h.asked[first]; n != c.asks {
			t.Errorf("at %s: asked %d times, want %d", h.now.Format(time.TimeOnly), n, c.asks)
		}
	}
}

// Leases that came due while sweep was off are handled when it is back, unless they have expired.
func TestSweepThatWasOffCatchesUp(t *testing.T) {
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
		wantCosts(t, bill, what, writes, reads, f)
	}
	sweeps := func() { h.pass(time.Minute); h.sweeps() }
	costs("sweep that finds nothing: its place, 8 partitions", 1, 9, sweeps)
	costs("audit that has nothing to do: its place (and the apps)", 0, 1, func() { h.audits() })
	h.pass(8 * time.Minute)
	h.sweeps()
	costs("audit of a part without channels: its place, the part", 1, 2, func() { h.audits() })

	lease := func(id pusher.ConnectionID) {
		h.must(h.store.PutLease(t.Context(), id, h.now.Add(time.Minute)))
	}
	lease("gone")
	costs("a lease of a connection that has gone", 1, 10, sweeps)
	h.connects(first, news)
	lease(first)
	costs("a lease of a connection that no other client sees", 1, 10, sweeps)
	h.connects(second, lobby)
	lease(second)
	costs("a lease of a member: C, and its next lease", 2, 10, sweeps)
	h.vanishes(second)
	lease(second)
	costs("the end of a member: C read, marked and deleted", 3, 10, sweeps)
	h.take()

	for i := range 40 {
		ch := pusher.Channel(fmt.Sprintf("private-App.Models.Order.%d", i))
		h.subscribes(first, ch)
	}
	h.roundIsDue()
	const channels = 42 // with the one that the member has still to leave
	costs("a whole round: its place, 8 parts, 42 channels", 1, 1+8+channels, func() { h.audits() })
}
