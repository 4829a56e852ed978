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

// A stack whose checks waited for less, or for longer, would lose some, and no other test would
// fail.
func TestTheDelayOfChecksIsAsAssumed(t *testing.T) {
	const below, above = membership.BelowCheckDelay, membership.AboveCheckDelay
	if config.CheckDelay <= below || config.CheckDelay >= above {
		t.Errorf("checks wait for %s, not between %s and %s", config.CheckDelay, below, above)
	}
}

// diary is a stack with webhooks on which writes take time. It keeps checks and writes in their
// order.
type diary struct {
	*hours
	*dynamo.State
	took  time.Duration // by each write of a marker and removal of a row
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

func (d *diary) PutMarker(
	ctx context.Context, app string, ch pusher.Channel, now time.Time,
) (bool, error) {
	d.write("list")
	return d.State.PutMarker(ctx, app, ch, now)
}

func (d *diary) Reopen(
	ctx context.Context, app string, ch pusher.Channel, nonce string,
) (bool, error) {
	d.write("reopen")
	return d.State.Reopen(ctx, app, ch, nonce)
}

func (d *diary) MarkVacant(
	ctx context.Context, app string, ch pusher.Channel, nonce string,
) (bool, error) {
	d.write("flag")
	return d.State.MarkVacant(ctx, app, ch, nonce)
}

func (d *diary) DropSubscription(ctx context.Context, s state.Subscription) error {
	d.write("drop")
	return d.State.DropSubscription(ctx, s)
}

// members runs all steps, with checks.
func (d *diary) members() *membership.Membership {
	m := d.hours.members()
	m.Rows, m.Checks = testkit.Rows(d), d
	return m
}

// does calls f and the consumer, and returns the checks and writes.
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

// A check is queued before the write that it is about, so that a death in between loses nothing.
// Since a check waits for a moment only, it is queued again if the write took longer than that.
func TestChecksComeBeforeWrites(t *testing.T) {
	for _, c := range []struct {
		name string
		took time.Duration
		late []string // what follows a write
	}{
		{"in time", 2*time.Second - time.Millisecond, nil},
		{"late", 2 * time.Second, []string{"check news"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDiary(t, c.took)
			c0 := state.Connection{ID: first, App: app, ConnectedAt: d.now}
			d.must(d.members().Open(t.Context(), d.app, c0))
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
				got, want := d.does(step.do), slices.Concat(step.want, c.late)
				if !slices.Equal(got, want) {
					t.Errorf("a frame that %s does %q, want %q", step.what, got, want)
				}
			}
		})
	}
}

// The check of a member is queued before its row is removed.
func TestChecksOfMembersComeBeforeTheirRowsGo(t *testing.T) {
	for _, c := range []struct {
		name string
		took time.Duration
		want []string
	}{
		{"in time", 2*time.Second - time.Millisecond, []string{"check presence-lobby u", "drop"}},
		{
			"late", 2 * time.Second,
			[]string{"check presence-lobby u", "drop", "check presence-lobby u"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDiary(t, 0)
			d.connects(observer, lobby) // stays
			d.connects(first, lobby)
			d.took = c.took
			d.pass(time.Minute)
			got := d.does(func(m *membership.Membership) error {
				return m.Unsubscribe(t.Context(), d.app, d.connection(first), lobby, d.stamp())
			})
			if !slices.Equal(got, c.want) {
				t.Errorf("a leave does %q, want %q", got, c.want)
			}
		})
	}
}
