package webhook_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"hark/localstack/cloud/meter"
	"hark/shared/pusher"
	"hark/shared/queue"
)

// TestBudget asserts docs/decisions/0022-cost-budgets.md: a channel's cycle with webhooks costs 5
// write units and 2 messages to the checks queue, and each webhook event is one message for each
// endpoint.
func TestBudget(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		checks := &counted{Checks: w.checks}
		w.members.Checks = checks
		w.open(t, ann)
		before := w.bill.Snapshot()
		w.subscribe(t, ann, news, "")
		time.Sleep(time.Minute)
		w.unsubscribe(t, ann, news)
		time.Sleep(time.Minute)
		after := w.bill.Snapshot()
		w.wantSent(t, news, "channel_occupied", "channel_vacated")
		// The frames: C twice; S put, settled and deleted. The marker: put, occupied announced,
		// flagged, vacated announced, deleted.
		const frames, cycle = 5, 5
		if got := after[meter.WriteUnits] - before[meter.WriteUnits]; got != frames+cycle {
			t.Errorf("a cycle costs %v write units, want %d for its frames and %d",
				got, frames, cycle)
		}
		if n := checks.n.Load(); n != 2 {
			t.Errorf("a cycle queues %d checks, want 2", n)
		}
		if n := len(w.sent.all); n != 4 {
			t.Errorf("the webhook and the bus were sent %d messages, want 4", n)
		}
	})
}

// counted counts checks.
type counted struct {
	*queue.Checks
	n atomic.Int64
}

func (c *counted) Check(ctx context.Context, app string, ch pusher.Channel, user string) error {
	c.n.Add(1)
	return c.Checks.Check(ctx, app, ch, user)
}
