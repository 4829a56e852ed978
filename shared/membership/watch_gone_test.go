package membership_test

import (
	"log/slog"
	"testing"

	"hark/shared/fanout"
	"hark/shared/internal/testkit"
	"hark/shared/membership"
	"hark/shared/pusher"
)

// A sign-in that died may leave a row that says whom its connection watches, and none that knows of
// that row. Whoever is told by it, and has gone, is not told again: were it itself the user, each
// time would ask for the next.
func TestWatcherThatIsGone(t *testing.T) {
	store, all := testkit.Table(t, nil), newClients()
	open(t, store, first)
	m := &membership.Membership{Rows: testkit.Rows(store), Apps: all, Gateway: all, Queue: all, Timeout: timeout, Now: now}
	out := &fanout.Fanout{
		Subscribers: store, Cache: store, Forgetter: m, Gateway: all, Now: now,
		Log: slog.New(slog.DiscardHandler),
	}
	c, err := m.Connection(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := store.SignIn(t.Context(), first, pusher.User{ID: "bob"}); err != nil || !ok {
		t.Fatal(ok, err)
	}
	if err := store.Watch(t.Context(), c, []string{"bob"}); err != nil {
		t.Fatal(err)
	} // and here it dies
	all.closed[first] = true
	if err := m.Disconnected(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		for _, b := range all.take() {
			if err := work(t.Context(), m, out, b); err != nil {
				t.Fatal(err)
			}
		}
	}
	if queued := all.take(); len(queued) > 0 {
		t.Errorf("the watchers are told again and again: %+v", queued)
	}
}
