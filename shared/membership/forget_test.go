package membership_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"hark/shared/internal/testkit"
	"hark/shared/pusher"
	"hark/shared/state"
)

// When a connection has ended, the other subscribers are sent how many they are, if the app wants
// that.
func TestEndOfAConnectionIsCounted(t *testing.T) {
	for _, wanted := range []bool{true, false} {
		h := newHours(t)
		h.app.SubscriptionCount = wanted
		h.connects(first, news)
		h.connects(second, news)
		before := len(h.events(second))
		h.must(h.members().Disconnected(t.Context(), first))
		h.consumes()
		var got []string
		for _, f := range h.frames(second)[before:] {
			got = append(got, f.Event+" "+f.Text())
		}
		var want []string
		if wanted {
			want = []string{`pusher_internal:subscription_count {"subscription_count":1}`}
		}
		if !slices.Equal(got, want) {
			t.Errorf("wanted: %t, the other client got %q", wanted, got)
		}
	}
}

// untimely is a store on which time runs out at a step.
type untimely struct {
	testkit.Store
	dead, take func() // what happens when the connection is marked dead, and when a row is taken
}

func (s untimely) MarkDead(ctx context.Context, id pusher.ConnectionID) (state.Connection, error) {
	s.dead()
	return s.Store.MarkDead(ctx, id)
}

func (s untimely) TakeSubscription(
	ctx context.Context, sub state.Subscription,
) (state.Stamp, error) {
	s.take()
	return s.Store.TakeSubscription(ctx, sub)
}

// Without a lease nothing would come back to the connection, so the lease is written also when time
// has run out.
func TestForgetThatRunsOutOfTimeLeavesALease(t *testing.T) {
	nothing := func() {}
	for _, c := range []struct {
		name   string
		during func(out func()) untimely
	}{
		{"before its first step", func(out func()) untimely {
			return untimely{dead: out, take: nothing}
		}},
		{"among the channels", func(out func()) untimely {
			return untimely{dead: nothing, take: out}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHours(t)
			h.swept()
			h.connects(first, news)
			h.vanishes(first)
			ctx, out := context.WithCancel(t.Context())
			rows := c.during(out)
			rows.Store = h.store
			m := h.members()
			m.Rows = testkit.Rows(rows)
			if err := m.Disconnected(ctx, first); !errors.Is(err, context.Canceled) {
				t.Errorf("forgotten: %v", err)
			}
			due, err := h.store.Due(t.Context(), h.now.Add(2*time.Minute))
			if err != nil || len(due) != 1 || due[0].Connection != first {
				t.Errorf("two minutes later %v is due (%v)", due, err)
			}
			h.runs(5 * time.Minute)
			if err := h.nothing(first, news); err != nil {
				t.Error(err)
			}
		})
	}
}

// broken are apps that cannot be read.
type broken struct{}

func (broken) ByID(context.Context, string) (pusher.App, error) {
	return pusher.App{}, errThrottled
}

// A connection's rows are removed also when its app cannot be read: the app is needed for the count
// only.
func TestForgetWithoutTheApp(t *testing.T) {
	h := newHours(t)
	h.connects(first, news, lobby, "more")
	h.vanishes(first)
	m := h.members()
	m.Apps = broken{}
	if err := m.Disconnected(t.Context(), first); err != nil {
		t.Errorf("forgotten: %v", err)
	}
	h.consumes() // the presence channel's leave
	if err := h.nothing(first, news, lobby, "more"); err != nil {
		t.Error(err)
	}
}
