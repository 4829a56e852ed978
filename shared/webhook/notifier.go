package webhook

import (
	"context"
	"time"

	"hark/shared/pusher"
)

// Notifier has an app told, at each of its webhooks that wants to be and on the stack's event bus.
type Notifier struct {
	Deliveries Deliveries
	Now        func() time.Time // time.Now if nil
}

// Deliveries is the queue of what is to be told.
type Deliveries interface {
	// Send queues deliveries, those to one endpoint about one channel in order. Once it has returned nil they will be worked on.
	Send(ctx context.Context, deliveries ...pusher.Delivery) error
}

// Notify has the app told of a notice. Once it has returned nil, it will be.
func (n *Notifier) Notify(ctx context.Context, app pusher.App, notice pusher.Notice) error {
	return n.Tell(ctx, app, pusher.Delivery{Notice: notice})
}

// Tell is Notify of a notice about which more is known. Where it goes, and since when it is true, is filled in.
func (n *Notifier) Tell(ctx context.Context, app pusher.App, d pusher.Delivery) error {
	now := time.Now
	if n.Now != nil {
		now = n.Now
	}
	d.App, d.At = app.ID, now().UnixMilli()
	hook := pusher.Delivery{App: d.App, Notice: d.Notice, At: d.At}
	all := []pusher.Delivery{d} // to the bus
	for _, w := range app.Webhooks {
		if w.Wants(d.Notice) {
			hook.URL = w.URL
			all = append(all, hook)
		}
	}
	return n.Deliveries.Send(ctx, all...)
}
