package membership_test

import (
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"
)

// TestModel draws histories and holds the real code to the model.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		if wrong := live(t, rt, correction{}); wrong != "" {
			rt.Fatalf("%s", wrong)
		}
	})
}

// live plays one history to its end in a bubble of its own, and says what was wrong with it; "" if nothing.
func live(t *testing.T, rt *rapid.T, without correction) (wrong string) {
	var thrown any
	synctest.Test(t, func(*testing.T) {
		h := &history{world: newWorld(without)}
		defer h.close()
		defer func() {
			thrown = recover()
			if v, ok := thrown.(violation); ok {
				wrong, thrown = string(v), nil
			}
		}()
		h.play(rt)
	})
	if thrown != nil {
		panic(thrown) // rapid's own: it was thrown where rapid cannot see
	}
	return wrong
}

func (h *history) play(rt *rapid.T) {
	for _, n := range []*int{&h.deaths, &h.failures, &h.lies, &h.repeats} {
		*n = rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(rt, "faults")
	}
	for range 3 {
		rt.Repeat(h.actions())
	}
	h.quiesce(rt)
	h.judgeQuiet()
	h.judgeNow()
	h.vanish(rt)
	h.judgeEmpty()
	h.judgeNow()
}
