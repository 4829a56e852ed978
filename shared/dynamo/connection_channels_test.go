package dynamo_test

import (
	"errors"
	"fmt"
	"testing"

	awsdb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"hark/shared/dynamo"
	"hark/shared/pusher"
	"hark/shared/state"
)

// channels is a map of a connection's row.
type channels = map[pusher.Channel]state.Stamp

// isOn, isOff and isDead are a connection that is on the channel news with that stamp, one that
// left it with that stamp, and a dead one.

func isOn(stamp state.Stamp) state.Connection {
	return state.Connection{On: channels{news: stamp}, Off: channels{}}
}

func isOff(stamp state.Stamp) state.Connection {
	return state.Connection{On: channels{}, Off: channels{news: stamp}}
}

func isDead() state.Connection {
	return state.Connection{On: channels{}, Off: channels{}, Dead: true}
}

// turnCase is a frame with the stamp 5 after another one.
type turnCase struct {
	name   string
	before func(t *testing.T, s *dynamo.State, c state.Connection)
	held   bool
	want   state.Connection
}

func (c turnCase) run(t *testing.T, on bool) {
	t.Run(c.name, func(t *testing.T) {
		testState(t, func(t *testing.T, s *dynamo.State) {
			// The row is read before it changes, as by a frame that is overtaken: only the
			// condition of the write can refuse it.
			seen := putConnection(t, s)
			if c.before != nil {
				c.before(t, s, seen)
			}
			turn := s.TurnOff
			if on {
				turn = s.TurnOn
			}
			ok, err := turn(t.Context(), seen, news, 5, 0)
			held(t, "turn", c.held, ok, err)
			got, err := s.Connection(t.Context(), id)
			must(t, err)
			c.want.ID, c.want.App, c.want.ConnectedAt = id, app, now
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	})
}

// The conditions of docs/steps.md §3.1 step 2, for every order of two stamps.
func TestTurnOn(t *testing.T) {
	for _, c := range []turnCase{
		{"the first frame", nil, true, isOn(5)},
		{"after an older subscribe", turned(true, 4), true, isOn(5)},
		{"the same frame again", turned(true, 5), true, isOn(5)},
		{"after a newer subscribe", turned(true, 6), false, isOn(6)},
		{"after an older unsubscribe", turned(false, 4), true, isOn(5)},
		{"beside an unsubscribe of the same ms", turned(false, 5), true, isOn(5)},
		{"after a newer unsubscribe", turned(false, 6), false, isOff(6)},
		{"dead", dead, false, isDead()},
	} {
		c.run(t, true)
	}
}

// The conditions of docs/steps.md §3.3 step 2, for every order of two stamps.
func TestTurnOff(t *testing.T) {
	for _, c := range []turnCase{
		{"never on", nil, true, isOff(5)},
		{"after an older subscribe", turned(true, 4), true, isOff(5)},
		{"beside a subscribe of the same ms", turned(true, 5), false, isOn(5)},
		{"after a newer subscribe", turned(true, 6), false, isOn(6)},
		{"the same frame again", turned(false, 5), true, isOff(5)},
		{"after a newer unsubscribe", turned(false, 6), false, isOff(6)},
		{"dead", dead, false, isDead()},
	} {
		c.run(t, false)
	}
}

func putConnection(t *testing.T, s *dynamo.State) state.Connection {
	t.Helper()
	c := state.Connection{ID: id, App: app, ConnectedAt: now}
	if err := s.PutConnection(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return c
}

func turned(on bool, stamp state.Stamp) func(*testing.T, *dynamo.State, state.Connection) {
	return func(t *testing.T, s *dynamo.State, c state.Connection) {
		t.Helper()
		turn := s.TurnOff
		if on {
			turn = s.TurnOn
		}
		if held, err := turn(t.Context(), c, news, stamp, 0); err != nil || !held {
			t.Fatalf("held %t, error %v", held, err)
		}
	}
}

func dead(t *testing.T, s *dynamo.State, c state.Connection) {
	t.Helper()
	if _, err := s.MarkDead(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
}

func TestTurnBack(t *testing.T) {
	testState(t, func(t *testing.T, s *dynamo.State) {
		must(t, s.TurnBack(t.Context(), id, news, 5)) // there is no row
		if _, err := s.Connection(t.Context(), id); !errors.Is(err, state.ErrGone) {
			t.Errorf("a row was written: %v", err)
		}
		turned(true, 5)(t, s, putConnection(t, s))
		for _, c := range []struct {
			t    state.Stamp
			want channels
		}{
			{4, channels{news: 5}},
			{6, channels{news: 5}},
			{5, channels{}},
			{5, channels{}},
		} {
			must(t, s.TurnBack(t.Context(), id, news, c.t))
			got, err := s.Connection(t.Context(), id)
			if diff := cmp.Diff(c.want, got.On); err != nil || diff != "" {
				t.Errorf("turned back at %d, error %v:\n%s", c.t, err, diff)
			}
			// The stamp in off is 5, as after an unsubscribe.
			if off, want := got.Off[news], 5-c.want[news]; off != want {
				t.Errorf("turned back at %d: off at %d, want %d", c.t, off, want)
			}
		}
	})
}

func TestTurnWithoutRow(t *testing.T) {
	testEngines(t, func(t *testing.T, client *awsdb.Client) {
		s := stateTable(t, client)
		held, err := s.TurnOn(t.Context(), state.Connection{ID: id}, news, 5, 0)
		if err != nil || held {
			t.Errorf("held %t, error %v", held, err)
		}
		if _, err := s.Connection(t.Context(), id); !errors.Is(err, state.ErrGone) {
			t.Errorf("a row was written: %v", err)
		}
		if _, err := s.MarkDead(t.Context(), id); !errors.Is(err, state.ErrGone) {
			t.Errorf("MarkDead: %v", err)
		}
	})
}

func TestARenewedOffIsNotStale(t *testing.T) {
	testEngines(t, func(t *testing.T, client *awsdb.Client) {
		s := stateTable(t, client)
		c := putConnection(t, s)
		for ch, stamp := range (channels{"old": 10, "renewed": 10, "young": 60}) {
			if _, err := s.TurnOff(t.Context(), c, ch, stamp, 0); err != nil {
				t.Fatal(err)
			}
		}
		seen, err := s.Connection(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		// One of the stale entries is renewed between the read and the write. It must survive the
		// write, and the write must succeed.
		if _, err := s.TurnOff(t.Context(), c, "renewed", 70, 0); err != nil {
			t.Fatal(err)
		}
		if held, err := s.TurnOn(t.Context(), seen, news, 80, 50); err != nil || !held {
			t.Fatalf("held %t, error %v", held, err)
		}
		got, err := s.Connection(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(channels{"renewed": 70, "young": 60}, got.Off); diff != "" {
			t.Error(diff)
		}
	})
}

// A page may leave many channels at once. The row remembers all of them, refuses no later frame
// because of them, and removes 20 with each.
func TestLaterFramesRemoveManyStaleOffs(t *testing.T) {
	testEngines(t, func(t *testing.T, client *awsdb.Client) {
		s := stateTable(t, client)
		c := putConnection(t, s)
		for i := range 120 {
			ch := pusher.Channel(fmt.Sprintf("c%d", i))
			for _, turn := range []func() (bool, error){
				func() (bool, error) { return s.TurnOn(t.Context(), c, ch, 1, 0) },
				func() (bool, error) { return s.TurnOff(t.Context(), c, ch, 2, 0) },
			} {
				if held, err := turn(); err != nil || !held {
					t.Fatalf("%s: held %t, error %v", ch, held, err)
				}
			}
		}
		for i := range 7 {
			seen, err := s.Connection(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if want := max(120-20*i, 0); len(seen.Off) != want {
				t.Errorf("%d offs are left before frame %d, want %d", len(seen.Off), i, want)
			}
			held, err := s.TurnOn(t.Context(), seen, news, state.Stamp(100+i), 50)
			if err != nil || !held {
				t.Fatalf("held %t, error %v", held, err)
			}
		}
	})
}
