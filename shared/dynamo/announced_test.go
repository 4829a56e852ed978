package dynamo_test

import (
	"testing"
	"time"

	"hark/shared/dynamo"
	"hark/shared/pusher"
	"hark/shared/state"
)

// The conditional writes of a check (docs/steps.md §3.5).
func TestSetAnnouncedAndTakeMarkerAreConditional(t *testing.T) {
	testState(t, func(t *testing.T, s *dynamo.State) {
		announced := func(step string, want bool, value state.Announced, nonce string) {
			t.Helper()
			ok, err := s.SetAnnounced(t.Context(), app, news, value, nonce)
			held(t, step, want, ok, err)
		}
		take := func(step string, want bool, nonce string) {
			t.Helper()
			ok, err := s.TakeMarker(t.Context(), app, news, nonce)
			held(t, step, want, ok, err)
		}
		is := func(want state.Marker) {
			t.Helper()
			if got, err := s.Marker(t.Context(), app, news); err != nil || got != want {
				t.Errorf("marker %+v, error %v, want %+v", got, err, want)
			}
		}
		announced("occupied, no row", false, state.AnnouncedOccupied, "")
		announced("nothing, no row", false, state.AnnouncedNothing, "")
		take("take, no row", false, "a")
		is(state.Marker{})
		ok, err := s.PutMarker(t.Context(), app, news, now)
		held(t, "put", true, ok, err)
		announced("occupied", true, state.AnnouncedOccupied, "")
		is(state.Marker{Exists: true, At: now, Announced: state.AnnouncedOccupied})
		announced("vacated, not vacant", false, state.AnnouncedVacated, "a")
		take("take, not vacant", false, "a")
		ok, err = s.MarkVacant(t.Context(), app, news, "a")
		held(t, "vacant", true, ok, err)
		announced("vacated by another", false, state.AnnouncedVacated, "b")
		announced("vacated", true, state.AnnouncedVacated, "a")
		announced("vacated again", true, state.AnnouncedVacated, "a")
		is(state.Marker{Exists: true, At: now, Vacant: "a", Announced: state.AnnouncedVacated})
		announced("nothing of another", false, state.AnnouncedNothing, "b")
		announced("nothing", true, state.AnnouncedNothing, "")
		is(state.Marker{Exists: true, At: now, Vacant: "a"})
		take("take another's", false, "b")
		take("take", true, "a")
		is(state.Marker{})
	})
}

func TestAnnouncedMember(t *testing.T) {
	const lobby = pusher.Channel("presence-lobby")
	testState(t, func(t *testing.T, s *dynamo.State) {
		is := func(user string, want state.AnnouncedMember) {
			t.Helper()
			got, err := s.AnnouncedMember(t.Context(), app, lobby, user)
			if err != nil || got != want {
				t.Errorf("announced of %s: %+v, error %v, want %+v", user, got, err, want)
			}
		}
		is("u", state.AnnouncedMember{})
		must(t, s.DropAnnouncedMember(t.Context(), app, lobby, "u"))
		must(t, s.SetAnnouncedMember(t.Context(), app, lobby, "u", state.AnnouncedMember{
			At: now, Connection: id,
		}))
		is("u", state.AnnouncedMember{At: now, Connection: id})
		is("u2", state.AnnouncedMember{})
		if occupied, err := s.Occupied(t.Context(), app, lobby); err != nil || occupied {
			t.Errorf("the row counts as a subscriber: %t, error %v", occupied, err)
		}
		must(t, s.DropAnnouncedMember(t.Context(), app, lobby, "u"))
		is("u", state.AnnouncedMember{})
	})
}

func TestAMissIsAnnouncedOnceInFiveSeconds(t *testing.T) {
	testState(t, func(t *testing.T, s *dynamo.State) {
		for _, c := range []struct {
			after time.Duration
			ch    pusher.Channel
			want  bool
		}{
			{0, "cache-a", true},
			{0, "cache-a", false},
			{0, "cache-b", true},
			{dynamo.MissLife - time.Millisecond, "cache-a", false},
			{dynamo.MissLife, "cache-a", true},
			{2*dynamo.MissLife - time.Millisecond, "cache-a", false},
		} {
			ok, err := s.SetAnnouncedMiss(t.Context(), app, c.ch, now.Add(c.after))
			held(t, "miss after "+c.after.String(), c.want, ok, err)
		}
	})
}
