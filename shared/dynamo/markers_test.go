package dynamo_test

import (
	"fmt"
	"slices"
	"testing"

	awsdb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"hark/shared/dynamo"
	"hark/shared/pusher"
	"hark/shared/state"
)

func TestMarkers(t *testing.T) {
	testEngines(t, func(t *testing.T, client *awsdb.Client) {
		s := stateTable(t, client)
		step := func(name string, want bool, f func() (bool, error)) {
			t.Helper()
			if held, err := f(); err != nil || held != want {
				t.Errorf("%s: held %t, error %v, want %t", name, held, err, want)
			}
		}
		is := func(want state.Marker) {
			t.Helper()
			c := state.Connection{ID: id, App: app}
			_, got, err := s.ConnectionAndMarker(t.Context(), c, news)
			if err != nil || got != want {
				t.Errorf("marker %+v, error %v, want %+v", got, err, want)
			}
			if alone, err := s.Marker(t.Context(), app, news); err != nil || alone != want {
				t.Errorf("marker read alone %+v, error %v, want %+v", alone, err, want)
			}
		}
		put := func() (bool, error) { return s.PutMarker(t.Context(), app, news, now) }
		vacant := func(n string) func() (bool, error) {
			return func() (bool, error) { return s.MarkVacant(t.Context(), app, news, n) }
		}
		reopen := func(n string) func() (bool, error) {
			return func() (bool, error) { return s.Reopen(t.Context(), app, news, n) }
		}
		is(state.Marker{})
		step("vacant, no row", false, vacant("a"))
		step("reopen, no row", false, reopen("a"))
		step("put", true, put)
		step("put again", false, put)
		is(state.Marker{Exists: true, At: now})
		step("reopen one that is not vacant", false, reopen("a"))
		step("vacant", true, vacant("a"))
		step("vacant by another", false, vacant("b"))
		is(state.Marker{Exists: true, At: now, Vacant: "a"})
		step("reopen another's", false, reopen("b"))
		step("reopen", true, reopen("a"))
		is(state.Marker{Exists: true, At: now})
		step("vacant once more", true, vacant("c"))
		if err := s.DeleteMarker(t.Context(), app, news, "a"); err != nil {
			t.Error(err)
		}
		is(state.Marker{Exists: true, At: now, Vacant: "c"})
		if err := s.DeleteMarker(t.Context(), app, news, "c"); err != nil {
			t.Error(err)
		}
		is(state.Marker{})
	})
}

func TestConnectionAndMarker(t *testing.T) {
	testEngines(t, func(t *testing.T, client *awsdb.Client) {
		s := stateTable(t, client)
		c := state.Connection{ID: id, App: app}
		if got, _, err := s.ConnectionAndMarker(t.Context(), c, news); err != nil || !got.Dead {
			t.Errorf("a missing connection is %+v, error %v", got, err)
		}
		putConnection(t, s)
		got, _, err := s.ConnectionAndMarker(t.Context(), c, news)
		if err != nil || got.Dead || got.App != app {
			t.Errorf("the connection is %+v, error %v", got, err)
		}
	})
}

func TestChannels(t *testing.T) {
	testState(t, func(t *testing.T, s *dynamo.State) {
		var all, rooms []pusher.Channel
		for i := range 30 {
			ch := pusher.Channel(fmt.Sprintf("%s%02d", []string{"room-", "presence-"}[i%2], i))
			ok, err := s.PutMarker(t.Context(), app, ch, now)
			held(t, "put", true, ok, err)
			if i%5 == 0 {
				ok, err := s.MarkVacant(t.Context(), app, ch, "nonce")
				held(t, "vacant", true, ok, err)
				continue
			}
			if all = append(all, ch); i%2 == 0 {
				rooms = append(rooms, ch)
			}
		}
		for _, other := range []string{"shop2", "sho"} {
			ok, err := s.PutMarker(t.Context(), other, "room-of-another-app", now)
			held(t, "put", true, ok, err)
		}
		// The number of open connections is a row beside the markers.
		must(t, s.PutConnection(t.Context(), state.Connection{
			ID: id, App: app, ConnectedAt: now, Counted: true,
		}))
		slices.Sort(all)
		for _, c := range []struct {
			prefix string
			want   []pusher.Channel
		}{
			{"", all},
			{"room-", rooms},
			{"room-1", rooms[slices.Index(rooms, "room-12"):slices.Index(rooms, "room-22")]},
			{"Room", nil},
		} {
			got, err := s.Channels(t.Context(), app, c.prefix)
			if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
				t.Errorf("channels that begin with %q, error %v:\n%s", c.prefix, err, diff)
			}
		}
	})
}

// The SDK repeats a write whose answer was lost. The repeat must succeed, because no other function
// removes the marker.
func TestMarkVacantCanBeRepeated(t *testing.T) {
	testState(t, func(t *testing.T, s *dynamo.State) {
		ok, err := s.PutMarker(t.Context(), app, news, now)
		held(t, "put", true, ok, err)
		for _, step := range []string{"vacant", "vacant again"} {
			ok, err = s.MarkVacant(t.Context(), app, news, "a")
			held(t, step, true, ok, err)
		}
		ok, err = s.MarkVacant(t.Context(), app, news, "b")
		held(t, "vacant by another", false, ok, err)
		k, err := s.Marker(t.Context(), app, news)
		if err != nil || k != (state.Marker{Exists: true, At: now, Vacant: "a"}) {
			t.Errorf("marker %+v, error %v", k, err)
		}
	})
}

func TestListed(t *testing.T) {
	testEngines(t, func(t *testing.T, client *awsdb.Client) {
		s := stateTable(t, client)
		want := map[pusher.Channel]state.Marker{}
		for i := range 50 {
			ch := pusher.Channel(fmt.Sprintf("channel-%d", i))
			_, err := s.PutMarker(t.Context(), app, ch, now)
			must(t, err)
			want[ch] = state.Marker{Exists: true, At: now}
			_, err = s.PutMarker(t.Context(), "other", ch+"-of-another-app", now)
			must(t, err)
		}
		_, err := s.MarkVacant(t.Context(), app, "channel-7", "nonce")
		must(t, err)
		want["channel-7"] = state.Marker{Exists: true, At: now, Vacant: "nonce"}

		got := map[pusher.Channel]state.Marker{}
		for part := range s.ListParts() {
			after, more := pusher.Channel(""), true
			for more {
				var page []state.Listed
				page, more, err = s.Listed(t.Context(), app, part, after, 3)
				must(t, err)
				if len(page) > 3 || more && len(page) == 0 {
					t.Fatalf("a page of %d, more: %t", len(page), more)
				}
				for _, l := range page {
					if l.Channel <= after {
						t.Errorf("%q comes after %q", l.Channel, after)
					}
					got[l.Channel], after = l.Marker, l.Channel
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}
