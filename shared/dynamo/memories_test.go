package dynamo_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hark/shared/dynamo"
	"hark/shared/pusher"
	"hark/shared/state"
)

func TestCached(t *testing.T) {
	on(t, func(t *testing.T, s *dynamo.State) {
		const ch = pusher.Channel("cache-news")
		is := func(at time.Time, want state.Cached) {
			t.Helper()
			got, err := s.Cached(t.Context(), app, ch, at)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("cached at %s, error %v:\n%s", at.Sub(now), err, diff)
			}
		}
		is(now, state.Cached{})
		do(t, s.PutCached(t.Context(), app, ch, []byte(`{"event":"a"}`), "1", now.Add(-time.Minute)))
		do(t, s.PutCached(t.Context(), app, ch, []byte(`{"event":"b"}`), "2", now))
		newest := state.Cached{Frame: json.RawMessage(`{"event":"b"}`), Version: "2"}
		newest.Left = 30 * time.Minute
		is(now, newest)
		newest.Left = time.Second
		is(now.Add(30*time.Minute-time.Second), newest)
		is(now.Add(30*time.Minute), state.Cached{}) // DynamoDB is late to remove it
		if got, err := s.Cached(t.Context(), "other", ch, now); err != nil || got.Version != "" {
			t.Errorf("another app's: %+v, error %v", got, err)
		}
		if there, err := s.Occupied(t.Context(), app, ch); err != nil || there {
			t.Errorf("the row of the cache is taken for a subscriber: %t, error %v", there, err)
		}
	})
}

func TestToldWord(t *testing.T) {
	on(t, func(t *testing.T, s *dynamo.State) {
		is := func(user string, want state.UserStatus) {
			t.Helper()
			if online, got, err := s.User(t.Context(), app, user); err != nil || got != want || online {
				t.Errorf("of %s was told %d, online %t, error %v, want %d", user, got, online, err, want)
			}
		}
		is("ann", state.StatusUnknown)
		for _, word := range []state.UserStatus{state.StatusOffline, state.StatusComingOnline, state.StatusOnline, state.StatusOffline} {
			do(t, s.SetUserStatus(t.Context(), app, "ann", word, now))
			is("ann", word)
			is("bob", state.StatusUnknown)
		}
	})
}

func TestToldCount(t *testing.T) {
	on(t, func(t *testing.T, s *dynamo.State) {
		is := func(want int, wantAt time.Time) {
			t.Helper()
			n, at, err := s.SentCount(t.Context(), app, news)
			if err != nil || n != want || !at.Equal(wantAt) {
				t.Errorf("told %d at %s, error %v, want %d at %s", n, at, err, want, wantAt)
			}
		}
		is(0, time.Time{})
		for n, at := range map[int]time.Time{0: now, 150: now.Add(5001 * time.Millisecond)} {
			do(t, s.SetSentCount(t.Context(), app, news, n, at))
			is(n, at)
		}
		if there, err := s.Occupied(t.Context(), app, news); err != nil || there {
			t.Errorf("the row of the count is taken for a subscriber: %t, error %v", there, err)
		}
	})
}
