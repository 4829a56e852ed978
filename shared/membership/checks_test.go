package membership_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"hark/shared/config"
	"hark/shared/dynamo"
	"hark/shared/internal/testkit"
	"hark/shared/membership"
	"hark/shared/pusher"
	"hark/shared/state"
)

// A stack whose checks waited for less, or for longer, would lose some without any other test
// failing.
func TestTheDelayOfChecksIsAsAssumed(t *testing.T) {
	if config.CheckDelay <= membership.BelowCheckDelay || config.CheckDelay >= membership.AboveCheckDelay {
		t.Errorf("checks wait for %s, which is not between %s and %s", config.CheckDelay, membership.BelowCheckDelay, membership.AboveCheckDelay)
	}
}

// diary is a stack with webhooks on which time goes by at writes. It notes checks and writes in
// their order.
type diary struct {
	*hours
	*dynamo.State
	took  time.Duration // by each write of a marker, or removal of a row
	steps []string
}

func newDiary(t *testing.T, took time.Duration) *diary {
	t.Helper()
	h := newHours(t)
	return &diary{hours: h, State: h.store, took: took}
}

func (d *diary) Check(_ context.Context, _ string, ch pusher.Channel, user string) error {
	step := "check " + string(ch)
	if user != "" {
		step += " " + user
	}
	d.steps = append(d.steps, step)
	return nil
}

func (*diary) Missed(context.Context, string, pusher.Channel) error { return nil }

func (d *diary) write(step string) {
	d.steps = append(d.steps, step)
	d.pass(d.took)
}

func (d *diary) PutMarker(ctx context.Context, app string, ch pusher.Channel, now time.Time) (bool, error) {
	d.write("list")
	return d.State.PutMarker(ctx, app, ch, now)
}

func (d *diary) Reopen(ctx context.Context, app string, ch pusher.Channel, nonce string) (bool, error) {
	d.write("reopen")
	return d.State.Reopen(ctx, app, ch, nonce)
}

func (d *diary) MarkVacant(ctx context.Context, app string, ch pusher.Channel, nonce string) (bool, error) {
	d.write("flag")
	return d.State.MarkVacant(ctx, app, ch, nonce)
}

func (d *diary) DropSubscription(ctx context.Context, s state.Subscription) error {
	d.write("drop")
	return d.State.DropSubscription(ctx, s)
}

// members do all steps, with checks.
func (d *diary) members() *membership.Membership {
	m := d.hours.members()
	m.Rows, m.Checks = testkit.Rows(d), d
	return m
}

// does has something done, and returns what was noted.
func (d *diary) does(f func(m *membership.Membership) error) []string {
	d.Helper()
	d.steps = nil
	d.must(f(d.members()))
	for _, b := range d.take() {
		d.must(work(d.Context(), d.members(), inTurn{d}, b))
	}
	return d.steps
}

func (d *diary) connection(id pusher.ConnectionID) state.Connection {
	d.Helper()
	c, err := d.Connection(d.Context(), id)
	d.must(err)
	return c
}

// A check comes before what it is about: whoever dies in between has still had it looked at. And
// since it waits for a moment only, it is asked for again when the write took longer than that, and
// else not.
func TestChecksComeBeforeWrites(t *testing.T) {
	for _, c := range []struct {
		name string
		took time.Duration
		late []string // what a write is followed by
	}{
		{"in time", 2*time.Second - time.Millisecond, nil},
		{"late", 2 * time.Second, []string{"check news"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDiary(t, c.took)
			d.must(d.members().Open(t.Context(), d.app, state.Connection{ID: first, App: app, ConnectedAt: d.now}))
			comes := func(m *membership.Membership) error {
				return m.Subscribe(t.Context(), d.app, d.connection(first), news, d.stamp())
			}
			goes := func(m *membership.Membership) error {
				return m.Unsubscribe(t.Context(), d.app, d.connection(first), news, d.stamp())
			}
			for _, step := range []struct {
				what string
				do   func(m *membership.Membership) error
				want []string
			}{
				{"lists it", comes, []string{"check news", "list"}},
				{"empties it", goes, []string{"check news", "flag"}},
				{"finds it flagged", comes, []string{"check news", "reopen"}},
			} {
				d.pass(time.Minute)
				if got, want := d.does(step.do), slices.Concat(step.want, c.late); !slices.Equal(got, want) {
					t.Errorf("whoever %s does %q, want %q", step.what, got, want)
				}
			}
		})
	}
}

// So is whoever leaves a presence channel.
func TestChecksOfMembersComeBeforeTheirRowsGo(t *testing.T) {
	for _, c := range []struct {
		name string
		took time.Duration
		want []string
	}{
		{"in time", 2*time.Second - time.Millisecond, []string{"check presence-lobby u", "drop"}},
		{"late", 2 * time.Second, []string{"check presence-lobby u", "drop", "check presence-lobby u"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDiary(t, 0)
			d.connects(observer, lobby) // who stays
			d.connects(first, lobby)
			d.took = c.took
			d.pass(time.Minute)
			got := d.does(func(m *membership.Membership) error {
				return m.Unsubscribe(t.Context(), d.app, d.connection(first), lobby, d.stamp())
			})
			if !slices.Equal(got, c.want) {
				t.Errorf("whoever leaves does %q, want %q", got, c.want)
			}
		})
	}
}
