package dynamo_test

import (
	"testing"

	"hark/shared/dynamo"
	"hark/shared/state"
)

// The SDK repeats a write whose answer was lost. Whoever has flagged a marker must hear that it has: nobody else removes it.
func TestMarkVacantRepeated(t *testing.T) {
	on(t, func(t *testing.T, s *dynamo.State) {
		ok, err := s.PutMarker(t.Context(), app, news, now)
		held(t, "put", true, ok, err)
		for _, step := range []string{"vacant", "vacant again"} {
			ok, err = s.MarkVacant(t.Context(), app, news, "a")
			held(t, step, true, ok, err)
		}
		ok, err = s.MarkVacant(t.Context(), app, news, "b")
		held(t, "vacant by another", false, ok, err)
		if k, err := s.Marker(t.Context(), app, news); err != nil || k != (state.Marker{Exists: true, At: now, Vacant: "a"}) {
			t.Errorf("marker %+v, error %v", k, err)
		}
	})
}
