package membership_test

import (
	"context"
	"flag"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hark/shared/dynamo"
	"hark/shared/internal/testkit"
	"hark/shared/pusher"
	"hark/shared/state"
)

//nolint:gochecknoglobals // a flag of the test binary
var searched = flag.Int("searched", 1000, "how many histories TestModelFinds draws, at most, to find what is wrong without a correction")

// TestModelFinds shows that the machine finds what it is for: with a correction taken out of the
// code, a history of a few hundred ends wrong. The seed is of one that was found once; should the
// machine have changed since, others are tried.
func TestModelFinds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		correction
		seed int
	}{
		{correction{name: "the pending flag", store: func(s *dynamo.State) testkit.Store { return unflagged{s} }}, 19},
		{correction{name: "stamps", store: func(s *dynamo.State) testkit.Store { return unstamped{s} }}, 417},
		{correction{name: "the one writer", groups: true}, 10},
		{correction{name: "the doubt", store: func(s *dynamo.State) testkit.Store { return certain{s} }}, 36},
		{correction{name: "the second look", store: func(s *dynamo.State) testkit.Store { return &once{Store: s} }}, 240},
		{correction{name: "the look after the put", store: func(s *dynamo.State) testkit.Store { return &unchecked{Store: s} }}, 90},
		{correction{name: "the tombstone", store: func(s *dynamo.State) testkit.Store { return untombed{s} }}, 24},
	} {
		t.Run("without "+c.name, func(t *testing.T) {
			t.Parallel()
			for i := range *searched {
				seed := c.seed + i // the first is one that was found
				if wrong := rapid.Custom(func(rt *rapid.T) string { return live(t, rt, c.correction) }).Example(seed); wrong != "" {
					first, _, _ := strings.Cut(wrong, "\n")
					t.Logf("seed %d: %s", seed, first)
					return
				}
			}
			t.Error("no history ends wrong")
		})
	}
}

// once does not look at a channel again after it has flagged its marker.
type once struct {
	testkit.Store
	flagged map[pusher.Channel]bool
}

func (s *once) MarkVacant(ctx context.Context, app string, ch pusher.Channel, nonce string) (bool, error) {
	s.flagged = map[pusher.Channel]bool{ch: true}
	return s.Store.MarkVacant(ctx, app, ch, nonce)
}

func (s *once) Occupied(ctx context.Context, app string, ch pusher.Channel) (bool, error) {
	if s.flagged[ch] {
		s.flagged[ch] = false
		return false, nil
	}
	return s.Store.Occupied(ctx, app, ch)
}

// certain forgets a connection for good although a subscription that it expected was missing.
type certain struct{ *dynamo.State }

func (s certain) TakeSubscription(ctx context.Context, sub state.Subscription) (state.Stamp, error) {
	was, err := s.State.TakeSubscription(ctx, sub)
	if c, gone := s.Connection(ctx, sub.Connection); gone == nil {
		return c.On[sub.Channel], err
	}
	return was, err
}
