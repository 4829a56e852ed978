package membership_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"hark/shared/dynamo"
	"hark/shared/internal/testkit"
	"hark/shared/membership"
	"hark/shared/pusher"
	"hark/shared/state"
)

// A connection without a lease whose $disconnect is lost counts for two hours and five minutes, and
// leaves no row an hour later.
func TestConnectionWithoutLeaseWhoseDisconnectIsLostIsForgottenByTheAudit(t *testing.T) {
	for _, c := range []struct {
		name    string
		channel pusher.Channel
		expired bool // DynamoDB has dropped the connection by then
	}{
		{"on a channel without presence", news, false},
		{"on a channel without presence, when its connection has expired", news, true},
		{"on a presence channel", lobby, false},
		{"on a presence channel, when its connection has expired", lobby, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHours(t)
			h.connects(first, c.channel, "another")
			h.vanishes(first)
			minutes := func(d time.Duration) {
				for end := h.now.Add(d); h.now.Before(end); h.pass(time.Minute) {
					h.audits()
					h.consumes()
				}
			}
			minutes(state.RowLife - time.Minute)
			if n, listed := h.counted(c.channel); n != 1 || !listed {
				t.Errorf("a minute before: %d subscribers, listed: %t", n, listed)
			}
			minutes(time.Minute)
			if n, _ := h.counted(c.channel); n != 0 {
				t.Errorf("%d subscribers after %s", n, state.RowLife)
			}
			if c.expired {
				h.must(h.store.DeleteConnection(t.Context(), state.Connection{ID: first}))
			}
			minutes(time.Hour)
			if err := h.nothing(first, c.channel, "another"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAuditKeepsConnectionsThatHaveNotExpired(t *testing.T) {
	h := newHours(t)
	h.connects(first, news)
	h.pass(2 * time.Hour)
	h.connects(second, news)
	h.pass(10 * time.Minute) // the first has expired, the second has not
	h.wholeRound()
	if err := errors.Join(h.nothing(first), h.there(second, news)); err != nil {
		t.Error(err)
	}
	if n, listed := h.counted(news); n != 1 || !listed {
		t.Errorf("%d subscribers, listed: %t", n, listed)
	}
	if got := h.wholeRound(); got != (membership.Audited{Channels: 1}) {
		t.Errorf("audited %+v", got)
	}
}

// roundIsDue makes the next run of the audit go through everything, as if it had been off for an
// hour.
func (h *hours) roundIsDue() {
	h.Helper()
	place := state.AuditPlace{Round: h.now.Add(-time.Hour)}
	h.must(h.store.SetAuditPlace(h.Context(), place, h.now))
}

// wholeRound runs the audit through everything at once.
func (h *hours) wholeRound() membership.Audited {
	h.Helper()
	h.roundIsDue()
	return h.audits()
}

// visits are the times at which the audit came to each channel.
type visits struct {
	*dynamo.State
	now  func() time.Time
	fail func(ch pusher.Channel) error

	mu    sync.Mutex
	times map[string][]time.Time // by app and channel
}

func (v *visits) Expired(
	ctx context.Context, app string, ch pusher.Channel, now time.Time,
) ([]state.Subscription, bool, error) {
	v.mu.Lock()
	v.times[app+" "+string(ch)] = append(v.times[app+" "+string(ch)], v.now())
	v.mu.Unlock()
	if v.fail != nil {
		if err := v.fail(ch); err != nil {
			return nil, false, err
		}
	}
	return v.State.Expired(ctx, app, ch, now)
}

func (v *visits) count() (n int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, times := range v.times {
		n += len(times)
	}
	return n
}

// lists subscribes a connection that stays for a day to each of so many channels.
func (h *hours) lists(app string, n int) {
	h.Helper()
	tenant, m := tenant(), h.members()
	tenant.ID = app
	for i := range n {
		id := pusher.ConnectionID(fmt.Sprintf("%s-%d", app, i))
		c := state.Connection{ID: id, App: app, ConnectedAt: h.now.Add(24 * time.Hour)}
		h.must(m.Open(h.Context(), tenant, c))
		ch := pusher.Channel(fmt.Sprintf("channel-%d", i))
		h.must(m.Subscribe(h.Context(), tenant, c, ch, h.stamp()))
	}
}

// visited returns an audit whose visits are kept.
func (h *hours) visited() (*membership.Audit, *visits) {
	v := &visits{
		State: h.store, now: func() time.Time { return h.now }, times: map[string][]time.Time{},
	}
	a := h.audit()
	a.List = v
	return a, v
}

func TestAuditComesToEachChannelOnceAnHour(t *testing.T) {
	h := newHours(t)
	h.tenants = []string{"c", "a", "b"}
	for _, app := range h.tenants {
		h.lists(app, 10)
	}
	a, v := h.visited()
	for range 180 {
		before := v.count()
		if _, err := a.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := v.count() - before; n > 10 { // of 24 parts no minute has more than one
			t.Errorf("%d channels in one minute", n)
		}
		h.pass(time.Minute)
	}
	if len(v.times) != 30 {
		t.Errorf("%d channels were visited", len(v.times))
	}
	for ch, times := range v.times {
		hourly := len(times) == 3 &&
			times[1].Sub(times[0]) == time.Hour && times[2].Sub(times[1]) == time.Hour
		if !hourly {
			t.Errorf("%s was visited at %v", ch, times)
		}
	}
}

// The next run goes on where one ran out of time, and makes up for a run that was missed.
func TestAuditThatRunsOutOfTimeGoesOnInTheNextRun(t *testing.T) {
	h := newHours(t)
	const crowd = 150
	h.lists(app, crowd)
	h.roundIsDue()
	a, v := h.visited()
	runs := 0
	for ; len(v.times) < crowd && runs < crowd; runs++ {
		end := v.count() + 30
		ctx := hurried{t.Context(), func() bool { return v.count() >= end }}
		if _, err := a.Run(ctx); err != nil {
			t.Fatal(err)
		}
	}
	// A run may do some channels after the first one that it did not get to.
	most := crowd + runs*membership.SweepWidth
	if runs < 3 || len(v.times) != crowd || v.count() > most {
		t.Errorf("%d runs came %d times to %d of %d channels", runs, v.count(), len(v.times), crowd)
	}
}

func TestAuditComesToEachChannelThoughAppsComeAndGo(t *testing.T) {
	h := newHours(t)
	for _, app := range []string{"a", "b", "c", "d"} {
		h.lists(app, 5)
	}
	a, v := h.visited()
	for minute := range 125 {
		switch {
		case minute < 20:
			h.tenants = nil
		case minute < 40:
			h.tenants = []string{"b", "d"}
		case minute < 60:
			h.tenants = []string{"a", "d"}
		default:
			h.tenants = []string{"a", "b", "c", "d"}
		}
		if _, err := a.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.pass(time.Minute)
	}
	if len(v.times) != 20 {
		t.Errorf("%d channels were visited", len(v.times))
	}
}

func TestChannelThatCannotBeAuditedHoldsUpNoOther(t *testing.T) {
	h := newHours(t)
	h.lists(app, 20)
	h.roundIsDue()
	a, v := h.visited()
	v.fail = func(ch pusher.Channel) error {
		if ch == "channel-7" {
			return errThrottled
		}
		return nil
	}
	audited, err := a.Run(t.Context())
	if !errors.Is(err, errThrottled) || audited != (membership.Audited{Channels: 20}) {
		t.Errorf("audited %+v, %v", audited, err)
	}
	if n, listed := h.counted("channel-7"); n != 1 || !listed {
		t.Errorf("it has %d subscribers, listed: %t", n, listed)
	}
}

// What deaths leave of the list in the order of the steps of docs/steps.md §3: a flag on an empty
// channel, a flag on an occupied one, and an empty channel without a flag.
func TestAuditCorrectsTheList(t *testing.T) {
	for _, c := range []struct {
		name              string
		flagged, occupied bool
	}{
		{"flagged, and empty", true, false},
		{"flagged, but occupied", true, true},
		{"not flagged, but empty", false, false},
		{"not flagged, and occupied", false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHours(t)
			h.connects(first, news)
			if !c.occupied {
				h.without(first, news)
			}
			if c.flagged {
				_, err := h.store.MarkVacant(t.Context(), app, news, "of a Vacate that died")
				h.must(err)
			}
			h.pass(time.Minute)
			h.wholeRound()
			k, err := h.store.Marker(t.Context(), app, news)
			h.must(err)
			if k.Exists != c.occupied || k.Vacant != "" {
				t.Errorf("the marker is %+v", k)
			}
		})
	}
}

// auditing is a run of the audit through everything.
func auditing(t *testing.T, name string, store testkit.Store, list *dynamo.State) *process {
	return start(t, name, store, func(ctx context.Context, m *membership.ConsumerSteps) error {
		apps := testkit.Apps{tenant()}
		a := &membership.Audit{Members: m.Membership, List: wholly{list}, Apps: apps}
		_, err := a.Run(ctx)
		return err
	})
}

// The audit reopens a channel for a subscriber that has left by then, and that could not unlist the
// channel because it was flagged. So the audit reads the channel again. Without that the empty
// channel stays listed.
func TestAuditReadsAChannelAgainThatItHasReopened(t *testing.T) {
	for _, reads := range []bool{true, false} {
		store := testkit.Table(t, nil)
		open(t, store, first, second)
		subscribe(t, "before", store, first, at(1)).Finish()
		leave := unsubscribe(t, "leave", store, first, at(2))
		play(t, `leave Connection
			leave TurnOff
			leave DropOlderSubscription
			leave Occupied
			leave MarkVacant`, leave)
		come := subscribe(t, "come", store, second, at(2))
		play(t, `come Connection
			come TurnOn
			come PutSubscription`, come)
		var audited testkit.Store = store
		if !reads {
			audited = &reopening{Store: store}
		}
		audit := auditing(t, "audit", audited, store)
		play(t, `audit Occupied
			leave Occupied
			end *
			come *
			audit *
			leave *`, leave, come, audit, forget(t, "end", store, second))
		if r := readRows(t, store); len(r.subscribed) > 0 || r.marker.Exists == reads {
			t.Errorf("it reads again: %t; there is left %+v", reads, r)
		}
	}
}

// reopening believes that a channel which it has reopened is occupied.
type reopening struct {
	testkit.Store
	done bool
}

func (s *reopening) Reopen(
	ctx context.Context, app string, ch pusher.Channel, nonce string,
) (bool, error) {
	s.done = true
	return s.Store.Reopen(ctx, app, ch, nonce)
}

func (s *reopening) Occupied(ctx context.Context, app string, ch pusher.Channel) (bool, error) {
	if s.done {
		return true, nil
	}
	return s.Store.Occupied(ctx, app, ch)
}

// wholly has every run of the audit go through everything.
type wholly struct{ *dynamo.State }

func (w wholly) AuditPlace(context.Context) (state.AuditPlace, error) {
	return state.AuditPlace{Round: clock.Add(-time.Hour)}, nil
}

func TestAuditOfOneAppLeavesTheOthersAlone(t *testing.T) {
	h := newHours(t)
	h.tenants = []string{app, "other"}
	h.lists("other", 1)
	h.connects(first, "channel-0")
	h.vanishes(first)
	h.pass(state.RowLife)
	h.wholeRound()
	if err := h.nothing(first, "channel-0"); err != nil {
		t.Error(err)
	}
	channels, err := h.store.Channels(t.Context(), "other", "")
	if err != nil || !slices.Equal(channels, []pusher.Channel{"channel-0"}) {
		t.Errorf("the other app has %v (%v)", channels, err)
	}
}
