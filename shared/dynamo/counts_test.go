package dynamo_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"hark/shared/dynamo"
	"hark/shared/pusher"
	"hark/shared/state"
)

func TestCountedConnections(t *testing.T) {
	testState(t, func(t *testing.T, s *dynamo.State) {
		open := func(app string, want int) {
			t.Helper()
			if n, err := s.OpenConnections(t.Context(), app); err != nil || n != want {
				t.Errorf("%s has %d open connections, error %v, want %d", app, n, err, want)
			}
		}
		counted := func(app string, n int) state.Connection {
			return state.Connection{
				ID: pusher.ConnectionID(fmt.Sprintf("%s-%d", app, n)), App: app, ConnectedAt: now,
				Counted: true,
			}
		}
		open(app, 0)
		for i := range 20 {
			must(t, s.PutConnection(t.Context(), counted(app, i)))
		}
		must(t, s.PutConnection(t.Context(), counted("other", 0)))
		must(t, s.PutConnection(t.Context(), state.Connection{ID: id, App: app, ConnectedAt: now}))
		open(app, 20)
		open("other", 1)

		must(t, s.PutConnection(t.Context(), counted(app, 7))) // connect runs twice
		open(app, 20)

		c, err := s.Connection(t.Context(), counted(app, 7).ID)
		if err != nil || !c.Counted {
			t.Errorf("read back %+v, error %v", c, err)
		}
		for range 2 { // the second time there is no row
			must(t, s.DeleteConnection(t.Context(), c))
			open(app, 19)
		}
		for range 2 {
			must(t, s.DeleteConnection(t.Context(), state.Connection{ID: id, App: app}))
		}
		open(app, 19)
		open("other", 1)
	})
}

// Connections that come and go at the same time are counted on a few rows.
func TestCountsAtTheSameTime(t *testing.T) {
	testState(t, func(t *testing.T, s *dynamo.State) {
		var all sync.WaitGroup
		for i := range 40 {
			all.Go(func() {
				c := state.Connection{
					ID: pusher.ConnectionID(fmt.Sprintf("c%d", i)), App: app, ConnectedAt: now,
					Counted: true,
				}
				if err := s.PutConnection(t.Context(), c); err != nil {
					t.Error(err)
				}
				if i%4 == 0 {
					return
				}
				if err := s.DeleteConnection(t.Context(), c); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n, err := s.OpenConnections(t.Context(), app); err != nil || n != 10 {
			t.Errorf("%d open connections, error %v, want 10", n, err)
		}
	})
}

func TestSentCount(t *testing.T) {
	testState(t, func(t *testing.T, s *dynamo.State) {
		is := func(want int, wantAt time.Time) {
			t.Helper()
			n, at, err := s.SentCount(t.Context(), app, news)
			if err != nil || n != want || !at.Equal(wantAt) {
				t.Errorf("sent %d at %s, error %v, want %d at %s", n, at, err, want, wantAt)
			}
		}
		is(0, time.Time{})
		for n, at := range map[int]time.Time{0: now, 150: now.Add(5001 * time.Millisecond)} {
			must(t, s.SetSentCount(t.Context(), app, news, n, at))
			is(n, at)
		}
		if occupied, err := s.Occupied(t.Context(), app, news); err != nil || occupied {
			t.Errorf("the row of the count counts as a subscriber: %t, error %v", occupied, err)
		}
	})
}
