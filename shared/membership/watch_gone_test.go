package membership_test

import (
	"log/slog"
	"testing"

	"hark/shared/fanout"
	"hark/shared/internal/testkit"
	"hark/shared/pusher"
)

// A sign-in that died may leave a row that makes its connection a watcher, without the row that
// leads there. If that connection is gone, the first status that is posted to it must remove the
// row. If the watcher were the user itself, each status would queue the next one.
func TestRowOfAWatcherThatIsGoneIsRemovedByTheFirstStatus(t *testing.T) {
	store, all := testkit.Table(t, nil), newClients()
	open(t, store, first)
	m := newMembers(store, all)
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
	if err := all.Close(t.Context(), first); err != nil {
		t.Fatal(err)
	}
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
		t.Errorf("the status is queued again and again: %+v", queued)
	}
}
