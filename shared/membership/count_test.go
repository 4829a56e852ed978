package membership_test

import (
	"slices"
	"testing"

	"hark/shared/state"
)

// A client that was not sent its success yet gets no frame of the channel, but it counts.
func TestCountIsNotPostedToPendingSubscriptions(t *testing.T) {
	h := newHours(t)
	h.connects(first, news)
	h.connects(second)
	ok, err := h.store.PutSubscription(t.Context(), state.Subscription{
		Connection: second, App: app, Channel: news,
		Stamp: h.stamp(), ConnectedAt: h.now, Pending: true,
	})
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	h.must(work(t.Context(), h.members(), inTurn{h}, state.Count{App: app, Channel: news}))
	if got := h.events(second); len(got) > 0 {
		t.Errorf("the pending client was sent %v", got)
	}
	want := []string{"subscription_succeeded", "subscription_count"}
	if got := h.events(first); !slices.Equal(got, want) {
		t.Errorf("the other client was sent %v, want %v", got, want)
	}
	if got := h.frames(first)[1].Text(); got != `{"subscription_count":2}` {
		t.Errorf("the count is %s", got)
	}
}
