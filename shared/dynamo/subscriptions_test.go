package dynamo_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	awsdb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"hark/shared/dynamo"
	"hark/shared/pusher"
	"hark/shared/state"
)

func TestSubscriptions(t *testing.T) {
	testEngines(t, func(t *testing.T, client *awsdb.Client) {
		s := stateTable(t, client)
		at := func(stamp state.Stamp) state.Subscription {
			return state.Subscription{
				Connection: id, App: app, Channel: news, Stamp: stamp, ConnectedAt: now,
			}
		}
		put := func(stamp state.Stamp, want bool) {
			t.Helper()
			if held, err := s.PutSubscription(t.Context(), at(stamp)); err != nil || held != want {
				t.Errorf("put %d: held %t, error %v", stamp, held, err)
			}
		}
		occupied := func(want bool) {
			t.Helper()
			if got, err := s.Occupied(t.Context(), app, news); err != nil || got != want {
				t.Errorf("occupied %t, error %v, want %t", got, err, want)
			}
		}
		do := func(err error) {
			t.Helper()
			if err != nil {
				t.Error(err)
			}
		}
		occupied(false)
		put(5, true)
		put(5, true)
		put(4, false)
		put(6, true)
		do(s.DropSubscription(t.Context(), at(5)))
		occupied(true)
		do(s.DropOlderSubscription(t.Context(), at(6)))
		occupied(true)
		do(s.DropOlderSubscription(t.Context(), at(7)))
		occupied(false)
		put(8, true)
		do(s.DropSubscription(t.Context(), at(8)))
		occupied(false)
		put(9, true)
		if was, err := s.TakeSubscription(t.Context(), at(0)); err != nil || was != 9 {
			t.Errorf("took %d, error %v", was, err)
		}
		if was, err := s.TakeSubscription(t.Context(), at(0)); err != nil || was != 0 {
			t.Errorf("took %d again, error %v", was, err)
		}
	})
}

func TestSubscribers(t *testing.T) {
	testEngines(t, func(t *testing.T, client *awsdb.Client) {
		s := stateTable(t, client)
		var want []pusher.ConnectionID
		for i := range 30 {
			sub := state.Subscription{
				Connection: pusher.ConnectionID(fmt.Sprintf("c%02d", i)), App: app, Channel: news,
				Stamp: 7, ConnectedAt: now,
			}
			if i%3 == 0 {
				sub.ConnectedAt = now.Add(-3 * time.Hour)
			} else {
				want = append(want, sub.Connection)
			}
			if _, err := s.PutSubscription(t.Context(), sub); err != nil {
				t.Fatal(err)
			}
		}
		// Another app has a channel of this name, and another channel's name begins with it.
		for _, sub := range []state.Subscription{
			{App: "other", Channel: news}, {App: app, Channel: news + "-2"},
		} {
			sub.Connection, sub.ConnectedAt = "stranger", now
			if _, err := s.PutSubscription(t.Context(), sub); err != nil {
				t.Fatal(err)
			}
		}
		var got []pusher.ConnectionID
		err := s.Subscribers(t.Context(), app, news, now, func(page []state.Subscription) error {
			for _, sub := range page {
				got = append(got, sub.Connection)
				if sub.Stamp != 7 || !sub.ConnectedAt.Equal(now) ||
					sub.App != app || sub.Channel != news {
					t.Errorf("read back %+v", sub)
				}
			}
			return nil
		})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("subscribers %v, error %v, want %v", got, err, want)
		}
		if n, err := s.Count(t.Context(), app, news, now); err != nil || n != len(want) {
			t.Errorf("count %d, error %v, want %d", n, err, len(want))
		}
		stop := errors.New("stop")
		err = s.Subscribers(t.Context(), app, news, now, func([]state.Subscription) error {
			return stop
		})
		if !errors.Is(err, stop) {
			t.Errorf("the page's error is lost: %v", err)
		}
	})
}

// ann returns the pending subscription of a member to a presence channel.
func ann() state.Subscription {
	return state.Subscription{
		Connection: id, App: app, Channel: "presence-room",
		Stamp: 5, ConnectedAt: now, Pending: true,
		Member: pusher.Member{UserID: "7", Info: json.RawMessage(`{"name":"Ann"}`)},
	}
}

func settle(t *testing.T, s *dynamo.State, sub state.Subscription, want bool) {
	t.Helper()
	ok, err := s.Settle(t.Context(), sub)
	held(t, "settle", want, ok, err)
}

// wantSubscription checks that every reader returns the subscription, the only one of its channel.
func wantSubscription(t *testing.T, s *dynamo.State, want state.Subscription) {
	t.Helper()
	got, found, err := s.Subscription(t.Context(), app, want.Channel, id)
	if diff := cmp.Diff(want, got); err != nil || !found || diff != "" {
		t.Errorf("found %t, error %v:\n%s", found, err, diff)
	}
	members, err := s.Members(t.Context(), app, want.Channel)
	if diff := cmp.Diff([]state.Subscription{want}, members); err != nil || diff != "" {
		t.Errorf("members, error %v:\n%s", err, diff)
	}
	want.Member.Info = nil // Subscribers leaves it out
	if diff := cmp.Diff([]state.Subscription{want}, subscribers(t, s, want.Channel)); diff != "" {
		t.Errorf("subscribers:\n%s", diff)
	}
}

// subscribers returns the subscriptions that Subscribers reads.
func subscribers(t *testing.T, s *dynamo.State, ch pusher.Channel) (all []state.Subscription) {
	t.Helper()
	must(t, s.Subscribers(t.Context(), app, ch, now, func(page []state.Subscription) error {
		all = append(all, page...)
		return nil
	}))
	return all
}

// A subscription is settled by the frame that wrote it and by no other.
func TestSettle(t *testing.T) {
	testState(t, func(t *testing.T, s *dynamo.State) {
		sub := ann()
		got, found, err := s.Subscription(t.Context(), app, sub.Channel, id)
		if err != nil || found || !cmp.Equal(got, state.Subscription{}) {
			t.Errorf("before: %+v, found %t, error %v", got, found, err)
		}
		settle(t, s, sub, false) // there is no row
		if occupied, err := s.Occupied(t.Context(), app, sub.Channel); err != nil || occupied {
			t.Errorf("occupied %t, error %v", occupied, err)
		}
		ok, err := s.PutSubscription(t.Context(), sub)
		held(t, "put", true, ok, err)
		wantSubscription(t, s, sub)
		for _, stamp := range []state.Stamp{4, 6} {
			other := sub
			other.Stamp = stamp
			settle(t, s, other, false)
			wantSubscription(t, s, sub)
		}
		for range 2 {
			settle(t, s, sub, true)
			settled := sub
			settled.Pending = false
			wantSubscription(t, s, settled)
		}
	})
}

func TestSettleWritesTheCachedEventThatWasSent(t *testing.T) {
	testState(t, func(t *testing.T, s *dynamo.State) {
		sub := ann()
		ok, err := s.PutSubscription(t.Context(), sub)
		held(t, "put", true, ok, err)
		settle(t, s, sub, true)
		sent := sub
		sent.Cached, sent.Pending = "v1", false
		settle(t, s, sent, true)
		got, _, err := s.Subscription(t.Context(), app, sub.Channel, id)
		if err != nil || got.Cached != "v1" {
			t.Errorf("it was sent %q, error %v", got.Cached, err)
		}
		if all := subscribers(t, s, sub.Channel); len(all) != 1 || all[0].Cached != "v1" {
			t.Errorf("Subscribers reads %+v", all)
		}
		sub.Stamp, sub.Member.Info = 6, nil // a later frame of the same client replaces all of it
		ok, err = s.PutSubscription(t.Context(), sub)
		held(t, "put again", true, ok, err)
		wantSubscription(t, s, sub)
	})
}

func TestMembersIncludesExpiredOnes(t *testing.T) {
	testState(t, func(t *testing.T, s *dynamo.State) {
		old := state.Subscription{
			Connection: id, App: app, Channel: "presence-room", Stamp: 5,
			ConnectedAt: now.Add(-3 * time.Hour),
		}
		ok, err := s.PutSubscription(t.Context(), old)
		held(t, "put", true, ok, err)
		members, err := s.Members(t.Context(), app, old.Channel)
		if diff := cmp.Diff([]state.Subscription{old}, members); err != nil || diff != "" {
			t.Errorf("members, error %v:\n%s", err, diff)
		}
	})
}

func TestExpired(t *testing.T) {
	testEngines(t, func(t *testing.T, client *awsdb.Client) {
		s := stateTable(t, client)
		is := func(later time.Duration, occupied bool, want ...pusher.ConnectionID) {
			t.Helper()
			rows, is, err := s.Expired(t.Context(), app, news, now.Add(later))
			must(t, err)
			var got []pusher.ConnectionID
			for _, r := range rows {
				got = append(got, r.Connection)
				if r.App != app || r.Channel != news || r.Stamp != 5 {
					t.Errorf("row %+v", r)
				}
			}
			if is != occupied || !slices.Equal(got, want) {
				t.Errorf("after %s: %v, occupied: %t", later, got, is)
			}
		}
		is(0, false)
		for i, id := range []pusher.ConnectionID{"a", "b"} {
			_, err := s.PutSubscription(t.Context(), state.Subscription{
				Connection: id, App: app, Channel: news, Stamp: 5,
				ConnectedAt: now.Add(time.Duration(i) * time.Hour),
			})
			must(t, err)
		}
		must(t, s.PutCached(t.Context(), app, news, []byte(`{}`), "v1", now)) // not a subscriber
		is(state.RowLife-time.Second, true)
		is(state.RowLife, true, "a")
		is(state.RowLife+time.Hour, true, "a", "b")
		// For other readers it expires in the same second.
		n, err := s.Count(t.Context(), app, news, now.Add(state.RowLife))
		if err != nil || n != 1 {
			t.Errorf("%d are counted (%v)", n, err)
		}
	})
}

func TestPresent(t *testing.T) {
	const lobby, other = pusher.Channel("presence-lobby"), pusher.ConnectionID("R1kmxc2VNjMCFIA=")
	testState(t, func(t *testing.T, s *dynamo.State) {
		is := func(step, user string, want pusher.ConnectionID) {
			t.Helper()
			got, present, err := s.Present(t.Context(), app, lobby, user)
			if err != nil || got != want || present != (want != "") {
				t.Errorf("%s: %s is present by %q (%t), error %v, want %q",
					step, user, got, present, err, want)
			}
		}
		put := func(id pusher.ConnectionID, user string, pending bool) {
			t.Helper()
			ok, err := s.PutSubscription(t.Context(), state.Subscription{
				Connection: id, App: app, Channel: lobby,
				Stamp: 1, ConnectedAt: now.Add(-3 * state.RowLife),
				Pending: pending, Member: pusher.Member{UserID: user},
			})
			held(t, "put", true, ok, err)
		}
		is("no user", "u", "")
		put(other, "u2", false)
		is("another user", "u", "")
		put(id, "u", true)
		is("pending, and expired", "u", id)
		is("the other one", "u2", other)
	})
}
