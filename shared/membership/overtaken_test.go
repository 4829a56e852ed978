package membership_test

import (
	"context"
	"slices"
	"testing"

	"hark/shared/dynamo"
	"hark/shared/internal/testkit"
	"hark/shared/membership"
	"hark/shared/pusher"
	"hark/shared/state"
)

const rates = pusher.Channel("cache-rates")

// A subscribe to a cache channel that another one of the same connection overtakes may send the
// cached event that it read after a newer event was sent. The consumer does not wait for it, so it
// reads and sends newer events until there is none.
func TestSubscribeToACacheChannelThatIsOvertakenSendsTheNewestEventLast(t *testing.T) {
	const success, miss = "subscription_succeeded", "pusher:cache_miss"
	for _, c := range []struct {
		name       string
		late       string // the event that the late subscribe reads
		meanwhile  string // the newest event when the other one comes; late if ""
		again      string // the newest event when the late one reads again, if it is another one
		want       []string
		eventually string
	}{
		{
			"after a newer event, which it sends once more", "1", "2", "",
			[]string{success, success, "2", "1", "2"},
			"2",
		},
		{
			"and sends what has come since, until nothing has", "1", "2", "3",
			[]string{success, success, "2", "1", "2", "3"},
			"3",
		},
		{
			"and read no event, and sends the one that is there now", "", "2", "",
			[]string{success, success, "2", miss, "2"},
			"2",
		},
		{
			"and sends nothing more if nothing is newer", "1", "", "",
			[]string{success, success, "1", "1"},
			"1",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			store, all := testkit.Table(t, nil), newClients()
			open(t, store, first)
			cache(t, store, c.late)
			late := subscribing(t, all, store, at(1))
			for range 2 { // the success, and the cached event, before which it stops
				advance(late, "Post")
				if len(all.events(first)) == 0 {
					late.Step()
				}
			}
			cache(t, store, c.meanwhile)
			subscribing(t, all, store, at(2)).Finish()
			if c.again != "" {
				late.Step()           // the old event
				advance(late, "Post") // the newer one, which it has read
				cache(t, store, c.again)
			}
			late.Finish()
			if late.Err != nil {
				t.Fatal(late.Err)
			}
			got := all.events(first)
			if !slices.Equal(got, c.want) || got[len(got)-1] != c.eventually {
				t.Errorf("the client got %v, want %v", got, c.want)
			}
		})
	}
}

// cache makes an event of that name the newest one of the channel, unless the name is "".
func cache(t *testing.T, store *dynamo.State, event string) {
	t.Helper()
	if event == "" {
		return
	}
	frame := pusher.EventFrame(event, rates, "{}")
	err := store.PutCached(t.Context(), app, rates, frame, "version "+event, clock)
	if err != nil {
		t.Fatal(err)
	}
}

// subscribing is a frame that subscribes to the cache channel.
func subscribing(t *testing.T, all *clients, store testkit.Store, stamp state.Stamp) *process {
	t.Helper()
	return startAmong(t, "subscribe", all, store,
		func(ctx context.Context, m *membership.ConsumerSteps) error {
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
