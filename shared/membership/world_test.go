package membership_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"hark/shared/dynamo"
	"hark/shared/internal/testkit"
	"hark/shared/membership"
	"hark/shared/pusher"
	"hark/shared/state"
)

const (
	app     = "local"
	news    = pusher.Channel("news")
	timeout = 10 * time.Second
)

// clock is when everything happens, unless a test says otherwise. Stamps are milliseconds after it.
var clock = time.UnixMilli(1_795_521_600_000) //nolint:gochecknoglobals // a constant, but for its type

func now() time.Time { return clock }

// at is the stamp n milliseconds after the clock.
func at(n int) state.Stamp { return state.Stamp(clock.UnixMilli() + int64(n)) }

// open opens connections as $connect does.
func open(t *testing.T, store testkit.Store, ids ...pusher.ConnectionID) {
	t.Helper()
	m := &membership.Membership{Rows: testkit.Rows(store)}
	for _, id := range ids {
		if err := m.Open(t.Context(), tenant(), state.Connection{ID: id, App: app, ConnectedAt: clock}); err != nil {
			t.Fatal(err)
		}
	}
}

// subscribe is a frame that subscribes to news, from its first step to what the client is told.
func subscribe(t *testing.T, name string, store testkit.Store, id pusher.ConnectionID, stamp state.Stamp) *process {
	return start(t, name, store, func(ctx context.Context, m *membership.ConsumerSteps) error {
		c, err := m.Connection(ctx, id)
		if errors.Is(err, state.ErrGone) {
			return nil
		}
		if err != nil {
			return err
		}
		return m.Subscribe(ctx, tenant(), c, news, stamp)
	})
}

// unsubscribe is a frame that leaves news.
func unsubscribe(t *testing.T, name string, store testkit.Store, id pusher.ConnectionID, stamp state.Stamp) *process {
	return start(t, name, store, func(ctx context.Context, m *membership.ConsumerSteps) error {
		c, err := m.Connection(ctx, id)
		if errors.Is(err, state.ErrGone) {
			return nil
		}
		if err != nil {
			return err
		}
		return m.Unsubscribe(ctx, tenant(), c, news, stamp)
	})
}

// forget is a $disconnect.
func forget(t *testing.T, name string, store testkit.Store, id pusher.ConnectionID) *process {
	return start(t, name, store, func(ctx context.Context, m *membership.ConsumerSteps) error {
		return m.Disconnected(ctx, id)
	})
}

// sweep runs Sweep when every lease given so far has come due.
func sweep(t *testing.T, store testkit.Store) {
	t.Helper()
	all := newClients()
	m := &membership.Membership{
		Rows: testkit.Rows(store), Apps: all, Gateway: all, Queue: all, Timeout: timeout, Now: func() time.Time { return clock.Add(5 * time.Minute) },
	}
	if err := store.SetSwept(t.Context(), clock.Truncate(time.Minute).Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// rows is what the table holds about a channel and its connections in the end.
type rows struct {
	subscribed map[pusher.ConnectionID]state.Stamp
	marker     state.Marker
	open       map[pusher.ConnectionID]bool
}

// listed reports whether the channel is among the occupied ones.
func (r rows) listed() bool { return r.marker.Exists && r.marker.Vacant == "" }

func look(t *testing.T, store *dynamo.State, ids ...pusher.ConnectionID) rows {
	t.Helper()
	r := rows{subscribed: map[pusher.ConnectionID]state.Stamp{}, open: map[pusher.ConnectionID]bool{}}
	err := store.Subscribers(t.Context(), app, news, clock, func(page []state.Subscription) error {
		for _, s := range page {
			r.subscribed[s.Connection] = s.Stamp
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.marker, err = store.Marker(t.Context(), app, news); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		_, err := store.Connection(t.Context(), id)
		if err != nil && !errors.Is(err, state.ErrGone) {
			t.Fatal(err)
		}
		r.open[id] = err == nil
	}
	return r
}
