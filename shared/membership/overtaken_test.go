package membership_test

import (
	"context"
	"slices"
	"testing"

	"hark/shared/internal/testkit"
	"hark/shared/membership"
	"hark/shared/pusher"
	"hark/shared/state"
)

const rates = pusher.Channel("cache-rates")

// A subscribe to a cache channel that another one of the same connection overtakes tells what it
// found cached when it comes to it, which may be behind a newer event. Nobody waits for it, so it
// looks for what is newer until there is nothing.
func TestSubscribeToACacheChannelThatIsOvertaken(t *testing.T) {
	const success, miss = "subscription_succeeded", "pusher:cache_miss"
	for _, c := range []struct {
		name       string
		late       string // what the late subscribe finds
		meanwhile  string // the newest event when the other one comes; late if ""
		again      string // the newest event when the late one looks again, if it is another one
		want       []string
		eventually string
	}{
		{"and comes behind a newer event, tells that one once more", "1", "2", "", []string{success, success, "2", "1", "2"}, "2"},
		{"tells what has come since, until nothing has", "1", "2", "3", []string{success, success, "2", "1", "2", "3"}, "3"},
		{"and found nothing, tells what there is now", "", "2", "", []string{success, success, "2", miss, "2"}, "2"},
		{"tells nothing more if nothing is newer", "1", "", "", []string{success, success, "1", "1"}, "1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			store, all := testkit.Table(t, nil), newClients()
			open(t, store, first)
			happens := func(event string) {
				t.Helper()
				if event == "" {
					return
				}
				frame := pusher.EventFrame(event, rates, "{}")
				if err := store.PutCached(t.Context(), app, rates, frame, "version "+event, clock); err != nil {
					t.Fatal(err)
				}
			}
			happens(c.late)
			late := subscribing(t, all, store, at(1))
			for range 2 { // the success, and what is cached: it stands before that
				advance(late, "Post")
				if len(all.events(first)) == 0 {
					late.Step()
				}
			}
			happens(c.meanwhile)
			subscribing(t, all, store, at(2)).Finish()
			if c.again != "" {
				late.Step()           // the old event
				advance(late, "Post") // the newer one, which it has read
				happens(c.again)
			}
			late.Finish()
			if late.Err != nil {
				t.Fatal(late.Err)
			}
			if got := all.events(first); !slices.Equal(got, c.want) || got[len(got)-1] != c.eventually {
				t.Errorf("the client got %v, want %v", got, c.want)
			}
		})
	}
}

// subscribing is a frame that subscribes to the cache channel.
func subscribing(t *testing.T, all *clients, store testkit.Store, stamp state.Stamp) *process {
	t.Helper()
	return startAmong(t, "subscribe", all, store, func(ctx context.Context, m *membership.ConsumerSteps) error {
		c, err := m.Connection(ctx, first)
		if err != nil {
			return err
		}
		return m.Subscribe(ctx, tenant(), c, rates, stamp)
	})
}

// advance lets a process come to a step.
func advance(p *process, step string) {
	for p.Next != step && p.Next != "" {
		p.Step()
	}
}
