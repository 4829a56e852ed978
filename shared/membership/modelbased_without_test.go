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
var searched = flag.Int("searched", 1000,
	"how many histories TestModelFinds draws at most for each correction that is taken out")

// TestModelFinds shows that TestModel finds what it is for: with a correction taken out of the
// code, some history of a few hundred ends wrong. Each seed is of a history that was found once. If
// the test has changed since, others are tried.
func TestModelFinds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		correction
		seed int
	}{
		{out("the pending flag", func(s *dynamo.State) testkit.Store { return unflagged{s} }), 19},
		{out("stamps", func(s *dynamo.State) testkit.Store { return unstamped{s} }), 417},
		{correction{name: "the one writer", groups: true}, 10},
		{out("the doubt", func(s *dynamo.State) testkit.Store { return certain{s} }), 36},
		{out("the second read of the channel", func(s *dynamo.State) testkit.Store {
			return &once{Store: s}
		}), 240},
		{out("the read of the connection after the put", func(s *dynamo.State) testkit.Store {
			return &unchecked{Store: s}
		}), 90},
		{out("the dead flag", func(s *dynamo.State) testkit.Store { return untombed{s} }), 24},
	} {
		t.Run("without "+c.name, func(t *testing.T) {
			t.Parallel()
			for i := range *searched {
				seed := c.seed + i
				history := rapid.Custom(func(rt *rapid.T) string {
					return live(t, rt, c.correction)
				})
				if wrong := history.Example(seed); wrong != "" {
					first, _, _ := strings.Cut(wrong, "\n")
					t.Logf("seed %d: %s", seed, first)
					return
				}
			}
			t.Error("no history ends wrong")
		})
	}
}

// out takes a correction out by a store that lacks it.
func out(name string, store func(*dynamo.State) testkit.Store) correction {
	return correction{name: name, store: store}
}

// once does not read a channel again after it has flagged its marker.
type once struct {
	testkit.Store
	flagged map[pusher.Channel]bool
}

func (s *once) MarkVacant(
	ctx context.Context, app string, ch pusher.Channel, nonce string,
) (bool, error) {
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

func (s certain) TakeSubscription(
	ctx context.Context, sub state.Subscription,
) (state.Stamp, error) {
	was, err := s.State.TakeSubscription(ctx, sub)
	if c, gone := s.Connection(ctx, sub.Connection); gone == nil {
		return c.On[sub.Channel], err
	}
	return was, err
}
