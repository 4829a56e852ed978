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
//
//nolint:gochecknoglobals // a constant, but for its type
var clock = time.UnixMilli(1_795_521_600_000)

func now() time.Time { return clock }

// at is the stamp n milliseconds after the clock.
func at(n int) state.Stamp { return state.Stamp(clock.UnixMilli() + int64(n)) }

// open opens connections as $connect does.
func open(t *testing.T, store testkit.Store, ids ...pusher.ConnectionID) {
	t.Helper()
	m := &membership.Membership{Rows: testkit.Rows(store)}
	for _, id := range ids {
		c := state.Connection{ID: id, App: app, ConnectedAt: clock}
		if err := m.Open(t.Context(), tenant(), c); err != nil {
			t.Fatal(err)
		}
	}
}

// subscribe is a frame that subscribes to news, from its first step to the success.
func subscribe(
	t *testing.T, name string, store testkit.Store, id pusher.ConnectionID, stamp state.Stamp,
) *process {
	return frame(t, name, store, id,
		func(ctx context.Context, m *membership.ConsumerSteps, c state.Connection) error {
			return m.Subscribe(ctx, tenant(), c, news, stamp)
		})
}

// unsubscribe is a frame that unsubscribes from news.
func unsubscribe(
	t *testing.T, name string, store testkit.Store, id pusher.ConnectionID, stamp state.Stamp,
) *process {
	return frame(t, name, store, id,
		func(ctx context.Context, m *membership.ConsumerSteps, c state.Connection) error {
			return m.Unsubscribe(ctx, tenant(), c, news, stamp)
		})
}

// frame reads the connection, as each frame does first, and goes on if it is there.
func frame(
	t *testing.T, name string, store testkit.Store, id pusher.ConnectionID,
	then func(context.Context, *membership.ConsumerSteps, state.Connection) error,
) *process {
	return start(t, name, store, func(ctx context.Context, m *membership.ConsumerSteps) error {
		c, err := m.Connection(ctx, id)
		if errors.Is(err, state.ErrGone) {
			return nil
		}
		if err != nil {
			return err
		}
		return then(ctx, m, c)
	})
}

// forget is a $disconnect.
func forget(
	t *testing.T, name string, store testkit.Store, id pusher.ConnectionID,
) *process {
	return start(t, name, store, func(ctx context.Context, m *membership.ConsumerSteps) error {
		return m.Disconnected(ctx, id)
	})
}

// sweep runs Sweep at a time when every lease written so far is due.
func sweep(t *testing.T, store testkit.Store) {
	t.Helper()
	m := newMembers(store, newClients())
	m.Now = func() time.Time { return clock.Add(5 * time.Minute) }
	last := clock.Truncate(time.Minute).Add(-time.Minute)
	if err := store.SetSwept(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// rows are the rows of a channel and its connections in the end.
type rows struct {
	subscribed map[pusher.ConnectionID]state.Stamp
	marker     state.Marker
	open       map[pusher.ConnectionID]bool
}

// listed reports whether the channel is listed as occupied.
func (r rows) listed() bool { return r.marker.Exists && r.marker.Vacant == "" }

func readRows(t *testing.T, store *dynamo.State, ids ...pusher.ConnectionID) rows {
	t.Helper()
	r := rows{
		subscribed: map[pusher.ConnectionID]state.Stamp{}, open: map[pusher.ConnectionID]bool{},
	}
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
