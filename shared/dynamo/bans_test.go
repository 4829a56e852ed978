package dynamo_test

import (
	"testing"
	"time"

	"hark/shared/dynamo"
	"hark/shared/pusher"
	"hark/shared/state"
)

func TestTheLastBanCounts(t *testing.T) {
	testState(t, func(t *testing.T, s *dynamo.State) {
		banned := func(app, user string, want time.Time) {
			t.Helper()
			if got, err := s.Banned(t.Context(), app, user); err != nil || !got.Equal(want) {
				t.Errorf("%s of %s is banned until %v, error %v, want %v",
					user, app, got, err, want)
			}
		}
		ban := func(until time.Time) { must(t, s.Ban(t.Context(), app, "ann", until)) }
		banned(app, "ann", time.Time{})
		ban(now.Add(time.Hour))
		banned(app, "ann", now.Add(time.Hour))
		banned("other", "ann", time.Time{})
		banned(app, "an", time.Time{})
		ban(now.Add(time.Minute))
		banned(app, "ann", now.Add(time.Minute))
		ban(now)
		banned(app, "ann", now)
	})
}

// The row of a ban is in the partition of the user's connections, but is none of them.
func TestABannedUserIsNotOnline(t *testing.T) {
	testState(t, func(t *testing.T, s *dynamo.State) {
		must(t, s.Ban(t.Context(), app, "ann", now.Add(time.Hour)))
		must(t, s.SetUserStatus(t.Context(), app, "ann", state.StatusOnline, now))
		online, sent, err := s.User(t.Context(), app, "ann")
		if err != nil || online || sent != state.StatusOnline {
			t.Errorf("online %t, sent %v, error %v", online, sent, err)
		}
		ch := pusher.UserChannel("ann")
		if in, err := s.Occupied(t.Context(), app, ch); err != nil || in {
			t.Errorf("%s is occupied: %t, error %v", ch, in, err)
		}
		if n, err := s.Count(t.Context(), app, ch, now); err != nil || n != 0 {
			t.Errorf("%d connections, error %v", n, err)
		}
		must(t, s.PutUser(t.Context(), signedIn(app, "ann", id), nil))
		if online, _, err := s.User(t.Context(), app, "ann"); err != nil || !online {
			t.Errorf("online %t, error %v", online, err)
		}
	})
}
