package membership_test

import (
	"slices"
	"testing"

	"hark/shared/internal/testkit"
	"hark/shared/membership"
	"hark/shared/pusher"
)

// office is where users sign in and watch each other.
type office struct {
	*testing.T
	*clients
	store testkit.Store
	m     *membership.Membership
}

func newOffice(t *testing.T) office {
	t.Helper()
	store, all := testkit.Table(t, nil), newClients()
	open(t, store, observer, first, second)
	return office{t, all, store, &membership.Membership{
		Rows: testkit.Rows(store), Apps: all, Gateway: all, Queue: all, Timeout: timeout, Now: now,
	}}
}

func (o office) signIn(id pusher.ConnectionID, user string, watches ...string) {
	o.Helper()
	c, err := o.m.Connection(o.Context(), id)
	if err == nil {
		err = o.m.SignIn(o.Context(), tenant(), c, pusher.User{ID: user, Watchlist: watches}, "{}")
	}
	if err != nil {
		o.Fatal(err)
	}
}

func (o office) leave(id pusher.ConnectionID) {
	o.Helper()
	if err := o.m.Disconnected(o.Context(), id); err != nil {
		o.Fatal(err)
	}
}

// work has the consumer do what is queued.
func (o office) work() {
	o.Helper()
	for _, b := range o.take() {
		if err := work(o.Context(), o.m, inTurn{o}, b); err != nil {
			o.Fatal(err)
		}
	}
}

// heard is what a client was told of the users whom it watches, since the last time.
func (o office) heard(id pusher.ConnectionID, want ...string) {
	o.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	var got []string
	for _, f := range o.got[id] {
		if f.Event == "pusher_internal:watchlist_events" {
			got = append(got, f.Text())
		}
	}
	o.got[id] = nil
	if !slices.Equal(got, want) {
		o.Errorf("%s was told %q, want %q", id, got, want)
	}
}

const (
	bobOnline  = `{"events":[{"name":"online","user_ids":["bob"]}]}`
	bobOffline = `{"events":[{"name":"offline","user_ids":["bob"]}]}`
)

func TestWatchlist(t *testing.T) {
	t.Run("who is there already is told once, whatever its other connections do", func(t *testing.T) {
		o := newOffice(t)
		o.signIn(first, "bob")
		o.signIn(observer, "ann", "bob")
		o.work()
		o.heard(observer, bobOnline)
		o.signIn(second, "bob")
		o.work()
		o.leave(first)
		o.work()
		o.heard(observer)
		o.leave(second)
		o.work()
		o.heard(observer, bobOffline)
	})
	t.Run("who goes before the watcher's first word is noted is told to be gone", func(t *testing.T) {
		o := newOffice(t)
		o.signIn(first, "bob")
		o.signIn(observer, "ann", "bob")
		o.leave(first) // what both have queued comes late
		o.work()
		o.heard(observer, bobOnline, bobOffline, bobOffline)
	})
	t.Run("a watcher who was told offline hears of an online that nobody else does", func(t *testing.T) {
		o := newOffice(t)
		o.signIn(first, "bob")
		o.signIn(observer, "ann", "bob")
		o.work() // online is noted
		o.leave(first)
		late := o.take()
		o.signIn(second, "cy", "bob") // offline, and the note says online
		asks := o.take()
		open(t, o.store, first)
		o.signIn(first, "bob")
		for _, b := range slices.Concat(late, asks) { // the flip has passed when the consumer looks
			if err := work(t.Context(), o.m, inTurn{o}, b); err != nil {
				t.Fatal(err)
			}
		}
		o.work()
		o.heard(second, bobOffline, bobOnline)
	})
	t.Run("nobody is told, and nothing queued, where nobody watches", func(t *testing.T) {
		o := newOffice(t)
		o.signIn(first, "bob")
		o.leave(first)
		if queued := o.take(); len(queued) > 0 {
			t.Errorf("queued %+v", queued)
		}
	})
	t.Run("nothing is left of a watcher that has gone", func(t *testing.T) {
		o := newOffice(t)
		o.signIn(observer, "ann", "bob", "cy")
		o.leave(observer)
		for _, user := range []string{"bob", "cy"} {
			if watchers, err := o.store.Watchers(t.Context(), app, user, clock, 0); err != nil || len(watchers) > 0 {
				t.Errorf("%s is still watched by %v (%v)", user, watchers, err)
			}
		}
	})
}

// The status that is kept must follow every change, or the second online would look like one that
// was sent already.
func TestWatcherIsSentThatAUserIsBackOnline(t *testing.T) {
	o := newOffice(t)
	o.signIn(observer, "ann", "bob")
	o.work()
	o.heard(observer, bobOffline)
	for range 2 {
		o.signIn(first, "bob")
		o.work()
		o.heard(observer, bobOnline)
		o.leave(first)
		o.work()
		o.heard(observer, bobOffline)
		open(t, o.store, first)
	}
}
