package membership_test

import (
	"slices"
	"testing"

	"hark/shared/internal/testkit"
	"hark/shared/membership"
	"hark/shared/pusher"
	"hark/shared/state"
)

// office is a place where users sign in and watch each other.
type office struct {
	*testing.T
	*clients
	store testkit.Store
	m     *membership.Membership
	read  map[pusher.ConnectionID]int // how many frames of it wantStatuses has read
}

func newOffice(t *testing.T) office {
	t.Helper()
	store, all := testkit.Table(t, nil), newClients()
	open(t, store, observer, first, second)
	return office{t, all, store, newMembers(store, all), map[pusher.ConnectionID]int{}}
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

// work has the consumer handle what is queued.
func (o office) work() {
	o.Helper()
	o.handle(o.take()...)
}

// handle has the consumer handle these messages.
func (o office) handle(messages ...state.Broadcast) {
	o.Helper()
	for _, b := range messages {
		if err := work(o.Context(), o.m, inTurn{o}, b); err != nil {
			o.Fatal(err)
		}
	}
}

// wantStatuses asserts the data of the watchlist events that a client was sent since the last call.
func (o office) wantStatuses(id pusher.ConnectionID, want ...string) {
	o.Helper()
	all := o.frames(id)
	var got []string
	for _, f := range all[o.read[id]:] {
		if f.Event == "pusher_internal:watchlist_events" {
			got = append(got, f.Text())
		}
	}
	o.read[id] = len(all)
	if !slices.Equal(got, want) {
		o.Errorf("%s was sent the statuses %q, want %q", id, got, want)
	}
}

const (
	bobOnline  = `{"events":[{"name":"online","user_ids":["bob"]}]}`
	bobOffline = `{"events":[{"name":"offline","user_ids":["bob"]}]}`
)

func TestWatcherIsSentOneStatusHoweverManyConnectionsTheUserHas(t *testing.T) {
	o := newOffice(t)
	o.signIn(first, "bob")
	o.signIn(observer, "ann", "bob")
	o.work()
	o.wantStatuses(observer, bobOnline)
	o.signIn(second, "bob")
	o.work()
	o.leave(first)
	o.work()
	o.wantStatuses(observer)
	o.leave(second)
	o.work()
	o.wantStatuses(observer, bobOffline)
}

func TestWatcherIsSentOfflineThoughItsFirstStatusWasNotKeptYet(t *testing.T) {
	o := newOffice(t)
	o.signIn(first, "bob")
	o.signIn(observer, "ann", "bob")
	o.leave(first) // what both have queued comes late
	o.work()
	o.wantStatuses(observer, bobOnline, bobOffline, bobOffline)
}

func TestWatcherThatWasSentOfflineIsSentAnOnlineThatOthersAreNot(t *testing.T) {
	o := newOffice(t)
	o.signIn(first, "bob")
	o.signIn(observer, "ann", "bob")
	o.work() // online is kept
	o.leave(first)
	late := o.take()
	o.signIn(second, "cy", "bob") // is sent offline, while the status that is kept says online
	repeats := o.take()
	open(t, o.store, first)
	o.signIn(first, "bob")
	o.handle(slices.Concat(late, repeats)...) // when the consumer reads the user, it is back
	o.work()
	o.wantStatuses(second, bobOffline, bobOnline)
}

func TestStatusOfAUserWithoutWatchersIsNotQueued(t *testing.T) {
	o := newOffice(t)
	o.signIn(first, "bob")
	o.leave(first)
	if queued := o.take(); len(queued) > 0 {
		t.Errorf("queued %+v", queued)
	}
}

func TestWatcherThatIsGoneLeavesNoRows(t *testing.T) {
	o := newOffice(t)
	o.signIn(observer, "ann", "bob", "cy")
	o.leave(observer)
	for _, user := range []string{"bob", "cy"} {
		watchers, err := o.store.Watchers(t.Context(), app, user, clock, 0)
		if err != nil || len(watchers) > 0 {
			t.Errorf("%s is still watched by %v (%v)", user, watchers, err)
		}
	}
}

// The status that is kept must follow every change, or the second online would look like one that
// was sent already.
func TestWatcherIsSentThatAUserIsBackOnline(t *testing.T) {
	o := newOffice(t)
	o.signIn(observer, "ann", "bob")
	o.work()
	o.wantStatuses(observer, bobOffline)
	for range 2 {
		o.signIn(first, "bob")
		o.work()
		o.wantStatuses(observer, bobOnline)
		o.leave(first)
		o.work()
		o.wantStatuses(observer, bobOffline)
		open(t, o.store, first)
	}
}
