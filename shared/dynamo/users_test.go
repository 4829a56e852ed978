package dynamo_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hark/shared/dynamo"
	"hark/shared/pusher"
	"hark/shared/state"
)

func signedIn(app, user string, id pusher.ConnectionID) state.Connection {
	return state.Connection{ID: id, App: app, ConnectedAt: now, User: user}
}

func TestUsers(t *testing.T) {
	testState(t, func(t *testing.T, s *dynamo.State) {
		online := func(app, user string, want bool) {
			t.Helper()
			if got, _, err := s.User(t.Context(), app, user); err != nil || got != want {
				t.Errorf("%s of %s is online %t, error %v, want %t", user, app, got, err, want)
			}
		}
		take := func(step string, want []string, wantFound bool) {
			t.Helper()
			watchlist, err := s.Watchlist(t.Context(), app, "ann", id)
			if err != nil || !slices.Equal(watchlist, want) {
				t.Errorf("%s: watches %v, error %v", step, watchlist, err)
			}
			found, err := s.TakeUser(t.Context(), app, "ann", id)
			if err != nil || found != wantFound {
				t.Errorf("%s: found %t, error %v", step, found, err)
			}
		}
		online(app, "ann", false)
		take("never signed in", nil, false)
		// The status is a row beside those of the connections.
		must(t, s.SetUserStatus(t.Context(), app, "ann", state.StatusOnline, now))
		online(app, "ann", false)

		must(t, s.PutUser(t.Context(), signedIn(app, "ann", id), []string{"bob", "cy"}))
		online(app, "ann", true)
		online("other", "ann", false)
		online(app, "an", false)
		take("signed in", []string{"bob", "cy"}, true)
		online(app, "ann", false)
		take("again", nil, false)

		must(t, s.PutUser(t.Context(), signedIn(app, "ann", id), []string{"bob"}))
		// A repeat, without a watchlist.
		must(t, s.PutUser(t.Context(), signedIn(app, "ann", id), nil))
		must(t, s.PutUser(t.Context(), signedIn(app, "ann", "second"), nil))
		take("replaced", nil, true)
		online(app, "ann", true)
	})
}

// The row of a sign-in is a subscription to the user's channel.
func TestASignInSubscribesToTheUsersChannel(t *testing.T) {
	testState(t, func(t *testing.T, s *dynamo.State) {
		ch := pusher.UserChannel("ann")
		old := signedIn(app, "ann", "old")
		old.ConnectedAt = now.Add(-3 * time.Hour)
		for _, c := range []state.Connection{
			signedIn(app, "ann", id), old,
			signedIn(app, "ann2", "stranger"), signedIn("other", "ann", "stranger"),
		} {
			must(t, s.PutUser(t.Context(), c, []string{"bob"}))
		}
		must(t, s.SetUserStatus(t.Context(), app, "ann", state.StatusOnline, now))
		want := state.Subscription{
			Connection: id, App: app, Channel: ch, Stamp: 1, ConnectedAt: now,
		}
		err := s.Subscribers(t.Context(), app, ch, now, func(page []state.Subscription) error {
			if diff := cmp.Diff([]state.Subscription{want}, page); diff != "" {
				t.Error(diff)
			}
			return nil
		})
		must(t, err)
		if n, err := s.Count(t.Context(), app, ch, now); err != nil || n != 1 {
			t.Errorf("count %d, error %v", n, err)
		}
		got, found, err := s.Subscription(t.Context(), app, ch, id)
		if err != nil || !found || !cmp.Equal(got, want) {
			t.Errorf("read back %+v, found %t, error %v", got, found, err)
		}
		for _, sub := range []state.Subscription{want, {Connection: "old", App: app, Channel: ch}} {
			if was, err := s.TakeSubscription(t.Context(), sub); err != nil || was != 1 {
				t.Errorf("took %d, error %v", was, err)
			}
		}
		if online, _, err := s.User(t.Context(), app, "ann"); err != nil || online {
			t.Errorf("online %t, error %v", online, err)
		}
	})
}

func TestWatchers(t *testing.T) {
	testState(t, func(t *testing.T, s *dynamo.State) {
		watched := make([]string, pusher.MaxWatchlist) // four batches
		for i := range watched {
			watched[i] = fmt.Sprintf("user-%d", i)
		}
		must(t, s.Watch(t.Context(), signedIn(app, "ann", id), nil))
		must(t, s.Watch(t.Context(), signedIn(app, "ann", id), watched))
		must(t, s.Watch(t.Context(), signedIn("other", "ann", id), watched[:1]))
		watchers := func(user string, limit int, want ...pusher.ConnectionID) {
			t.Helper()
			got, err := s.Watchers(t.Context(), app, user, now, limit)
			var ids []pusher.ConnectionID
			for _, w := range got {
				ids = append(ids, w.Connection)
				if w.App != app || w.Channel != "" || !w.ConnectedAt.Equal(now) {
					t.Errorf("read back %+v", w)
				}
			}
			if err != nil || !slices.Equal(ids, want) {
				t.Errorf("%d watchers of %s: %v, error %v, want %v", limit, user, ids, err, want)
			}
		}
		watchers("unwatched", 0)
		for _, user := range watched {
			watchers(user, 0, id)
		}
		for i := range 12 { // the first nine by their keys have expired
			c := signedIn(app, "x", pusher.ConnectionID(fmt.Sprintf("c%02d", i)))
			if i < 9 {
				c.ConnectedAt = now.Add(-3 * time.Hour)
			}
			must(t, s.Watch(t.Context(), c, []string{"bob"}))
		}
		watchers("bob", 0, "c09", "c10", "c11")
		watchers("bob", 1, "c09")
		watchers("bob", 2, "c09", "c10")
		watchers("bob", 5, "c09", "c10", "c11")

		must(t, s.Unwatch(t.Context(), app, id, nil))
		for range 2 {
			must(t, s.Unwatch(t.Context(), app, id, watched[:60]))
		}
		watchers(watched[59], 0)
		watchers(watched[60], 0, id)
	})
}

func TestUserStatus(t *testing.T) {
	testState(t, func(t *testing.T, s *dynamo.State) {
		is := func(user string, want state.UserStatus) {
			t.Helper()
			online, got, err := s.User(t.Context(), app, user)
			if err != nil || got != want || online {
				t.Errorf("of %s was sent %d, online %t, error %v, want %d",
					user, got, online, err, want)
			}
		}
		is("ann", state.StatusUnknown)
		for _, status := range []state.UserStatus{
			state.StatusOffline, state.StatusComingOnline, state.StatusOnline, state.StatusOffline,
		} {
			must(t, s.SetUserStatus(t.Context(), app, "ann", status, now))
			is("ann", status)
			is("bob", state.StatusUnknown)
		}
	})
}
