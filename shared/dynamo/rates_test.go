package dynamo_test

import (
	"testing"
	"time"

	"hark/shared/dynamo"
	"hark/shared/pusher"
	"hark/shared/state"
)

func TestCountFrame(t *testing.T) {
	const start state.Stamp = 1_795_521_600_000 // a whole minute
	testState(t, func(t *testing.T, s *dynamo.State) {
		c := putConnection(t, s)
		for _, f := range []struct {
			name   string
			id     pusher.ConnectionID
			rate   string
			window time.Duration
			t      state.Stamp
			want   int
		}{
			{"the first", id, "client", time.Second, start, 1},
			{"another within the second", id, "client", time.Second, start + 999, 2},
			{"the next second", id, "client", time.Second, start + 1000, 1},
			{"one that comes late", id, "client", time.Second, start + 500, 3},
			{"another name", id, "frames", time.Minute, start, 1},
			{"another connection", "other", "client", time.Second, start, 1},
			{"the end of the minute", id, "frames", time.Minute, start + 59_999, 2},
			{"the next minute", id, "frames", time.Minute, start + 60_000, 1},
		} {
			n, err := s.CountFrame(t.Context(), f.id, f.rate, f.window, f.t)
			if err != nil || n != f.want {
				t.Errorf("%s: %d, error %v, want %d", f.name, n, err, f.want)
			}
		}
		if got, err := s.Connection(t.Context(), c.ID); err != nil || got.Dead {
			t.Errorf("the connection is %+v, error %v", got, err)
		}
	})
}
