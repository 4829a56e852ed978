package membership_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"hark/shared/internal/testkit"
	"hark/shared/pusher"
	"hark/shared/state"
)

// meanwhile is a store on which something happens directly after the first read of a user.
type meanwhile struct {
	testkit.Store
	once *sync.Once
	do   func()
}

func (s meanwhile) User(ctx context.Context, app, user string) (bool, state.UserStatus, error) {
	online, sent, err := s.Store.User(ctx, app, user)
	s.once.Do(s.do)
	return online, sent, err
}

// A user without watchers goes after the consumer has read it, and has a watcher by the time the
// consumer reads the watchers. Neither the user's end nor the watcher's sign-in queues its status
// again, so the consumer must read it a second time itself.
func TestUserThatGoesWhileItsStatusIsPosted(t *testing.T) {
	o := newOffice(t)
	o.signIn(first, "bob")
	m := *o.m
	m.Rows = testkit.Rows(meanwhile{o.store, &sync.Once{}, func() {
		o.leave(first)
		o.signIn(observer, "ann", "bob")
	}})
	// Queued by a watcher that has left since.
	b := state.Watch{App: app, Channel: pusher.UserChannel("bob")}
	if err := work(t.Context(), &m, inTurn{o}, b); err != nil {
		t.Fatal(err)
	}
	if queued := o.take(); len(queued) > 0 {
		t.Fatalf("the status is queued again, so that this shows nothing: %+v", queued)
	}
	o.wantStatuses(observer, bobOffline, bobOnline, bobOffline)
}

// A sign-in that died after it wrote its row has not sent the status. Sweep has it sent when the
// connection's lease is due.
func TestStatusOfASignInThatDiedIsSentBySweep(t *testing.T) {
	h := newHours(t)
	h.swept()
	h.connects(observer)
	h.connects(first)
	ann, err := h.store.Connection(t.Context(), observer)
	h.must(err)
	watching := pusher.User{ID: "ann", Watchlist: []string{"bob"}}
	h.must(h.members().SignIn(t.Context(), h.app, ann, watching, "{}"))
	h.consumes()
	h.must(h.store.PutLease(t.Context(), first, h.now.Add(time.Minute)))
	_, err = h.store.SignIn(t.Context(), first, pusher.User{ID: "bob"})
	h.must(err)
	bob, err := h.store.Connection(t.Context(), first)
	h.must(err)
	h.must(h.store.PutUser(t.Context(), bob, nil)) // and here it died

	o := office{T: t, clients: h.clients, read: map[pusher.ConnectionID]int{}}
	o.wantStatuses(observer, bobOffline)
	h.pass(2 * time.Minute)
	h.sweeps()
	h.consumes()
	o.wantStatuses(observer, bobOnline)
}
