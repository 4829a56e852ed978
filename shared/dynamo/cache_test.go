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
	testState(t, func(t *testing.T, s *dynamo.State) {
		const ch = pusher.Channel("cache-news")
		is := func(at time.Time, want state.Cached) {
			t.Helper()
			got, err := s.Cached(t.Context(), app, ch, at)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("cached at %s, error %v:\n%s", at.Sub(now), err, diff)
			}
		}
		is(now, state.Cached{})
		earlier := now.Add(-time.Minute)
		must(t, s.PutCached(t.Context(), app, ch, []byte(`{"event":"a"}`), "1", earlier))
		must(t, s.PutCached(t.Context(), app, ch, []byte(`{"event":"b"}`), "2", now))
		newest := state.Cached{Frame: json.RawMessage(`{"event":"b"}`), Version: "2"}
		newest.Left = 30 * time.Minute
		is(now, newest)
		newest.Left = time.Second
		is(now.Add(30*time.Minute-time.Second), newest)
		is(now.Add(30*time.Minute), state.Cached{}) // DynamoDB removes rows late
		if got, err := s.Cached(t.Context(), "other", ch, now); err != nil || got.Version != "" {
			t.Errorf("another app's: %+v, error %v", got, err)
		}
		if occupied, err := s.Occupied(t.Context(), app, ch); err != nil || occupied {
			t.Errorf("the row of the cache counts as a subscriber: %t, error %v", occupied, err)
		}
	})
}
