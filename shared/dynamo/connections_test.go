package dynamo_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hark/shared/dynamo"
	"hark/shared/pusher"
	"hark/shared/state"
)

func TestCountedConnections(t *testing.T) {
	on(t, func(t *testing.T, s *dynamo.State) {
		open := func(app string, want int) {
			t.Helper()
			if n, err := s.OpenConnections(t.Context(), app); err != nil || n != want {
				t.Errorf("%s has %d open connections, error %v, want %d", app, n, err, want)
			}
		}
		counted := func(app string, n int) state.Connection {
			return state.Connection{ID: pusher.ConnectionID(fmt.Sprintf("%s-%d", app, n)), App: app, ConnectedAt: now, Counted: true}
		}
		open(app, 0)
		for i := range 20 {
			do(t, s.PutConnection(t.Context(), counted(app, i)))
		}
		do(t, s.PutConnection(t.Context(), counted("other", 0)))
		do(t, s.PutConnection(t.Context(), state.Connection{ID: id, App: app, ConnectedAt: now}))
		open(app, 20)
		open("other", 1)

		do(t, s.PutConnection(t.Context(), counted(app, 7))) // connect runs twice
		open(app, 20)

		c, err := s.Connection(t.Context(), counted(app, 7).ID)
		if err != nil || !c.Counted {
			t.Errorf("read back %+v, error %v", c, err)
		}
		for range 2 { // the second time it is not there
			do(t, s.DeleteConnection(t.Context(), c))
			open(app, 19)
		}
		for range 2 {
			do(t, s.DeleteConnection(t.Context(), state.Connection{ID: id, App: app}))
		}
		open(app, 19)
		open("other", 1)
	})
}

// An attempt to write the row that was given up may still arrive when its connection is in channels already.
func TestPutConnectionLeavesARowThatIsThere(t *testing.T) {
	on(t, func(t *testing.T, s *dynamo.State) {
		for _, counted := range []bool{false, true} {
			c := state.Connection{ID: pusher.ConnectionID(fmt.Sprint(counted)), App: app, ConnectedAt: now, Counted: counted}
			do(t, s.PutConnection(t.Context(), c))
			signed, err := s.SignIn(t.Context(), c.ID, pusher.User{ID: "7"})
			held(t, "sign in", true, signed, err)
			do(t, s.PutConnection(t.Context(), c))
			if got, err := s.Connection(t.Context(), c.ID); err != nil || got.User != "7" {
				t.Errorf("counted %t: read back %+v, error %v", counted, got, err)
			}
		}
	})
}

// Connections come and go at once, and their counts meet on few rows.
func TestCountsRunIntoEachOther(t *testing.T) {
	on(t, func(t *testing.T, s *dynamo.State) {
		var all sync.WaitGroup
		for i := range 40 {
			all.Go(func() {
				c := state.Connection{ID: pusher.ConnectionID(fmt.Sprintf("c%d", i)), App: app, ConnectedAt: now, Counted: true}
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

func TestSignIn(t *testing.T) {
	info := json.RawMessage(`{"name":"Ann"}`)
	on(t, func(t *testing.T, s *dynamo.State) {
		signIn := func(step string, want bool, u pusher.User) {
			t.Helper()
			ok, err := s.SignIn(t.Context(), id, u)
			held(t, step, want, ok, err)
		}
		is := func(want pusher.Member) {
			t.Helper()
			c, err := s.Connection(t.Context(), id)
			if diff := cmp.Diff(want, c.Member()); err != nil || diff != "" {
				t.Errorf("signed in, error %v:\n%s", err, diff)
			}
		}
		signIn("without a row", false, pusher.User{ID: "ann"})
		if _, err := s.Connection(t.Context(), id); !errors.Is(err, state.ErrGone) {
			t.Errorf("a row came to be: %v", err)
		}
		c := opened(t, s)
		is(pusher.Member{})
		signIn("the first time", true, pusher.User{ID: "ann", Info: info})
		is(pusher.Member{UserID: "ann", Info: info})
		signIn("as somebody else", false, pusher.User{ID: "bob"})
		is(pusher.Member{UserID: "ann", Info: info})
		signIn("as the same, without info", true, pusher.User{ID: "ann"})
		is(pusher.Member{UserID: "ann"})

		ok, err := s.TurnOn(t.Context(), c, news, 5, 0)
		held(t, "a channel", true, ok, err)
		is(pusher.Member{UserID: "ann"}) // survives

		gone, err := s.MarkDead(t.Context(), id)
		if err != nil || !gone.Dead || gone.User != "ann" {
			t.Errorf("dead: %+v, error %v", gone, err)
		}
		signIn("dead", false, pusher.User{ID: "ann"})
	})
}
