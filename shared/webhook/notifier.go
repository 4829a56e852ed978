package webhook

import (
	"context"
	"time"

	"hark/shared/pusher"
	"hark/shared/state"
)

// Notifier queues webhook events: a delivery to each of the app's webhooks that wants the event,
// and one to the stack's event bus.
type Notifier struct {
	Deliveries Deliveries
	Now        func() time.Time // time.Now if nil
}

// Deliveries is the queue of deliveries.
type Deliveries interface {
	// Send queues deliveries, those to one endpoint about one channel in order. Once it has
	// returned nil, they will be delivered.
	Send(ctx context.Context, deliveries ...state.Delivery) error
}

// Notify queues a webhook event. Once it has returned nil, the event will be delivered.
func (n *Notifier) Notify(ctx context.Context, app pusher.App, event pusher.WebhookEvent) error {
	return n.Announce(ctx, app, state.Delivery{Event: event})
}

// Announce is Notify for an event with details that only the event bus is sent. It fills in the
// app, the endpoints and the time.
func (n *Notifier) Announce(ctx context.Context, app pusher.App, d state.Delivery) error {
	now := time.Now
	if n.Now != nil {
		now = n.Now
	}
	d.App, d.At = app.ID, now().UnixMilli()
	all := []state.Delivery{d} // to the bus
	for _, w := range app.Webhooks {
		if w.Wants(d.Event) {
			all = append(all, state.Delivery{App: d.App, URL: w.URL, Event: d.Event, At: d.At})
		}
	}
	return n.Deliveries.Send(ctx, all...)
}
