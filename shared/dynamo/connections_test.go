package dynamo_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hark/shared/dynamo"
	"hark/shared/pusher"
	"hark/shared/state"
)

// An attempt to write the row that was given up may arrive after the client has subscribed.
func TestPutConnectionLeavesAnExistingRow(t *testing.T) {
	testState(t, func(t *testing.T, s *dynamo.State) {
		for _, counted := range []bool{false, true} {
			c := state.Connection{
				ID: pusher.ConnectionID(fmt.Sprint(counted)), App: app, ConnectedAt: now,
				Counted: counted,
			}
			must(t, s.PutConnection(t.Context(), c))
			signed, err := s.SignIn(t.Context(), c.ID, pusher.User{ID: "7"})
			held(t, "sign in", true, signed, err)
			must(t, s.PutConnection(t.Context(), c))
			if got, err := s.Connection(t.Context(), c.ID); err != nil || got.User != "7" {
				t.Errorf("counted %t: read back %+v, error %v", counted, got, err)
			}
		}
	})
}

func TestSignIn(t *testing.T) {
	info := json.RawMessage(`{"name":"Ann"}`)
	testState(t, func(t *testing.T, s *dynamo.State) {
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
			t.Errorf("a row was written: %v", err)
		}
		c := putConnection(t, s)
		is(pusher.Member{})
		signIn("the first time", true, pusher.User{ID: "ann", Info: info})
		is(pusher.Member{UserID: "ann", Info: info})
		signIn("as another user", false, pusher.User{ID: "bob"})
		is(pusher.Member{UserID: "ann", Info: info})
		signIn("as the same, without info", true, pusher.User{ID: "ann"})
		is(pusher.Member{UserID: "ann"})

		ok, err := s.TurnOn(t.Context(), c, news, 5, 0)
		held(t, "a channel", true, ok, err)
		is(pusher.Member{UserID: "ann"})

		gone, err := s.MarkDead(t.Context(), id)
		if err != nil || !gone.Dead || gone.User != "ann" {
			t.Errorf("dead: %+v, error %v", gone, err)
		}
		signIn("dead", false, pusher.User{ID: "ann"})
	})
}
