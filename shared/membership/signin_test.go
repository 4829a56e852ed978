package membership_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"hark/localstack/cloud/meter"
	"hark/shared/internal/testkit"
	"hark/shared/pusher"
	"hark/shared/state"
)

// signless is a store on which every sign-in fails.
type signless struct{ testkit.Store }

func (signless) SignIn(context.Context, pusher.ConnectionID, pusher.User) (bool, error) {
	return false, errThrottled
}

// A fault of ours is not the client's: it must not be refused as if another user were signed in.
func TestSignInThatFails(t *testing.T) {
	o := newOffice(t)
	o.m.Rows = testkit.Rows(signless{o.store})
	c, err := o.m.Connection(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	err = o.m.SignIn(t.Context(), tenant(), c, pusher.User{ID: "bob"}, "{}")
	var refusal *pusher.Error
	if !errors.Is(err, errThrottled) || errors.As(err, &refusal) {
		t.Errorf("got %v", err)
	}
	if o.Closed(first) || len(o.events(first)) > 0 {
		t.Errorf("the client got %v, closed: %t", o.events(first), o.Closed(first))
	}
}

// endsDuringSignIn is a store on which the connection ends just before its user's row is written.
type endsDuringSignIn struct {
	testkit.Store
	end func()
}

func (s endsDuringSignIn) PutUser(
	ctx context.Context, c state.Connection, watchlist []string,
) error {
	s.end()
	return s.Store.PutUser(ctx, c, watchlist)
}

// A row that is written after the connection was forgotten would keep its user online for ever.
func TestSignInThatMeetsTheEndOfItsConnectionLeavesNoUser(t *testing.T) {
	for _, forgotten := range []bool{false, true} {
		t.Run(fmt.Sprintf("the connection's row is deleted: %t", forgotten), func(t *testing.T) {
			o := newOffice(t)
			o.m.Rows = testkit.Rows(endsDuringSignIn{o.store, func() {
				o.leave(first)
				if forgotten {
					c := state.Connection{ID: first, App: app}
					if err := o.store.DeleteConnection(t.Context(), c); err != nil {
						t.Fatal(err)
					}
				}
			}})
			o.signIn(first, "bob", "cy")
			online, _, err := o.store.User(t.Context(), app, "bob")
			if err != nil || online {
				t.Errorf("the user is online: %t (%v)", online, err)
			}
			watchers, err := o.store.Watchers(t.Context(), app, "cy", clock, 0)
			if err != nil || len(watchers) > 0 {
				t.Errorf("the connection still watches: %+v (%v)", watchers, err)
			}
			if got := o.events(first); len(got) > 0 {
				t.Errorf("the client was sent %v", got)
			}
		})
	}
}

// A second user on one connection is the client's mistake.
func TestSignInAsAnotherUserIsRefused(t *testing.T) {
	o := newOffice(t)
	o.signIn(first, "bob")
	c, err := o.m.Connection(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	err = o.m.SignIn(t.Context(), tenant(), c, pusher.User{ID: "cy"}, "{}")
	if refusal := (*pusher.Error)(nil); !errors.As(err, &refusal) {
		t.Errorf("got %v", err)
	}
}

// A client may send the same sign-in again. That costs the writes of the connection's row and of
// its lease, and nothing for the users that it watches.
func TestRepeatedSignInWritesNothing(t *testing.T) {
	bill := &meter.Meter{}
	o := newOffice(t)
	o.store = testkit.Table(t, bill)
	o.m.Rows = testkit.Rows(o.store)
	open(t, o.store, first)
	writes := func(watches ...string) float64 {
		t.Helper()
		before := bill.Snapshot()[meter.WriteUnits]
		o.signIn(first, "ann", watches...)
		return bill.Snapshot()[meter.WriteUnits] - before
	}
	if n := writes("bob", "cy"); n != 5 { // the lease, C, two watchers and the user
		t.Errorf("a sign-in costs %v write units", n)
	}
	o.wantStatuses(first, `{"events":[{"name":"offline","user_ids":["bob","cy"]}]}`)
	for _, order := range [][]string{{"bob", "cy"}, {"cy", "bob"}} {
		before := len(o.events(first))
		if n := writes(order...); n != 2 {
			t.Errorf("a repeated one, in the order %v, costs %v write units", order, n)
		}
		if got := o.events(first)[before:]; !slices.Equal(got, []string{"pusher:signin_success"}) {
			t.Errorf("the client got %v", got)
		}
		o.wantStatuses(first)
		if queued := o.take(); len(queued) > 0 {
			t.Errorf("queued %+v", queued)
		}
	}
}

// A client that signs in again with another watchlist watches the users on that one only.
func TestSignInWithAnotherWatchlistReplacesTheFirst(t *testing.T) {
	for _, c := range []struct {
		name string
		list []string
	}{
		{"some are dropped", []string{"bob"}},
		{"some are new", []string{"bob", "cy", "dee"}},
		{"one is replaced", []string{"bob", "dee"}},
		{"all are others", []string{"dee", "eve"}},
		{"none is left", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOffice(t)
			o.signIn(observer, "ann", "bob", "cy")
			o.signIn(observer, "ann", c.list...)
			for _, user := range []string{"bob", "cy", "dee", "eve"} {
				watchers, err := o.store.Watchers(t.Context(), app, user, clock, 0)
				if err != nil || (len(watchers) == 1) != slices.Contains(c.list, user) {
					t.Errorf("%s is watched by %v (%v)", user, watchers, err)
				}
			}
			known, err := o.store.Watchlist(t.Context(), app, "ann", observer)
			slices.Sort(known)
			if err != nil || !slices.Equal(known, c.list) {
				t.Errorf("the user's row says %v (%v)", known, err)
			}
		})
	}
}

func TestSubscribeUserAnswersTheUserOfTheConnection(t *testing.T) {
	errNetwork := errors.New("network")
	for _, c := range []struct {
		name    string
		channel pusher.Channel
		post    error    // what the post of the success fails with
		want    error    // nil, or what the error is
		refused bool     // the error is a *pusher.Error
		sent    []string // to the client
		closed  bool
	}{
		{
			name: "its own user", channel: pusher.UserChannel("bob"),
			sent: []string{"subscription_succeeded"},
		},
		{name: "another user", channel: pusher.UserChannel("cy"), refused: true},
		{
			name:    "its own user, but the gateway says that the connection is gone",
			channel: pusher.UserChannel("bob"), post: state.ErrGone, closed: true,
		},
		{
			name: "its own user, but the post fails", channel: pusher.UserChannel("bob"),
			post: errNetwork, want: errNetwork,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOffice(t)
			o.Refuse(first, c.post)
			signedIn := state.Connection{ID: first, App: app, User: "bob"}
			err := o.m.SubscribeUser(t.Context(), signedIn, c.channel)
			if refusal := (*pusher.Error)(nil); errors.As(err, &refusal) != c.refused {
				t.Errorf("refused: %v", err)
			}
			if !c.refused && !errors.Is(err, c.want) {
				t.Errorf("got the error %v, want %v", err, c.want)
			}
			if got := o.events(first); !slices.Equal(got, c.sent) || o.Closed(first) != c.closed {
				t.Errorf("the client was sent %v, closed: %t", got, o.Closed(first))
			}
		})
	}
}
