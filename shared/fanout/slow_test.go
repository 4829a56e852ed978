package fanout_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"hark/shared/pusher"
)

// Fifty slow clients are five times as many as posts may be under way at once. If they were posted
// to in rounds, the batch would take five times the patience with one.
func TestManySlowClientsHoldUpNoOther(t *testing.T) {
	r := newRig(t, short)
	slow := func(id pusher.ConnectionID) bool { return strings.HasPrefix(string(id), "slow") }
	r.gateway.answer = func(_ string, id pusher.ConnectionID, _ string) int {
		if slow(id) {
			return http.StatusTooManyRequests
		}
		return http.StatusOK
	}
	for i := range 50 {
		r.subscribe(t, appID, pusher.ConnectionID(fmt.Sprintf("slow-%02d", i)), old)
	}
	r.subscribe(t, appID, ann, old)
	r.ClientsAtOnce = 100
	all := numbered(2)
	ctx, cancel := context.WithTimeout(t.Context(), 3*short)
	defer cancel()
	if done, err := r.Events(ctx, all); done != 2 || err != nil {
		t.Errorf("%d done, %v", done, err)
	}
	r.gateway.has(t, ann, all...)
}
