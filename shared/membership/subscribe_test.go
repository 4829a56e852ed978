package membership_test

import (
	"testing"

	"hark/shared/internal/testkit"
)

// No event may be posted to a client before its success (docs/steps.md §3.1).
func TestSubscriptionIsPendingUntilTheSuccessIsSent(t *testing.T) {
	store := testkit.Table(t, nil)
	open(t, store, first)
	pending := func() bool {
		t.Helper()
		s, found, err := store.Subscription(t.Context(), app, news, first)
		if err != nil || !found {
			t.Fatalf("the subscription is there: %t (%v)", found, err)
		}
		return s.Pending
	}
	sub := subscribe(t, "sub", store, first, at(1))
	advance(sub, "Post")
	if !pending() {
		t.Error("it is not pending before the success is sent")
	}
	play(t, "sub *", sub)
	if pending() {
		t.Error("it is pending after the success was sent")
	}
}
