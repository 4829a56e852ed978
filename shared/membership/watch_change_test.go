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

// meanwhile is a store on which something happens right behind the first look at a user.
type meanwhile struct {
	testkit.Store
	once *sync.Once
	do   func()
}

func (s meanwhile) User(ctx context.Context, app, user string) (bool, state.UserStatus, error) {
	online, told, err := s.Store.User(ctx, app, user)
	s.once.Do(s.do)
	return online, told, err
}

// A user goes when nobody watches it, behind the consumer's look, and is watched by the time the
// consumer reads the watchers. Neither the one who goes nor the one who comes has the consumer
// asked again, so that it must look a second time itself.
func TestUserThatGoesWhileItsWatchersAreTold(t *testing.T) {
	o := newOffice(t)
	o.signIn(first, "bob")
	m := *o.m
	m.Rows = testkit.Rows(meanwhile{o.store, &sync.Once{}, func() {
		o.leave(first)
		o.signIn(observer, "ann", "bob")
	}})
	// Asked for by a watcher that has left since.
	b := state.Watch{App: app, Channel: pusher.UserChannel("bob")}
	if err := work(t.Context(), &m, inTurn{o}, b); err != nil {
		t.Fatal(err)
	}
	if queued := o.take(); len(queued) > 0 {
		t.Fatalf("somebody has the consumer asked again, so that this shows nothing: %+v", queued)
	}
	o.heard(observer, bobOffline, bobOnline, bobOffline)
}

// A sign-in that died behind its row has told nobody. Whoever watches the user hears of it when its
// connection is looked at.
func TestSignInThatDiedIsToldByTheNextLook(t *testing.T) {
	h := newHours(t)
	h.swept()
	h.connects(observer)
	h.connects(first)
	ann, err := h.store.Connection(t.Context(), observer)
	h.must(err)
	h.must(h.members().SignIn(t.Context(), h.app, ann, pusher.User{ID: "ann", Watchlist: []string{"bob"}}, "{}"))
	h.consumes()
	h.must(h.store.PutLease(t.Context(), first, h.now.Add(time.Minute)))
	_, err = h.store.SignIn(t.Context(), first, pusher.User{ID: "bob"})
	h.must(err)
	bob, err := h.store.Connection(t.Context(), first)
	h.must(err)
	h.must(h.store.PutUser(t.Context(), bob, nil)) // and here it died

	o := office{T: t, clients: h.clients}
	o.heard(observer, bobOffline)
	h.pass(2 * time.Minute)
	h.sweeps()
	h.consumes()
	o.heard(observer, bobOnline)
}
