package membership

import (
	"context"
	"errors"
	"time"

	"hark/shared/pusher"
	"hark/shared/state"
)

// Counts are the subscribers of channels, and the subscription counts that they were sent.
type Counts interface {
	// Subscribers hands over the S rows that had not expired at now, in pages.
	Subscribers(
		ctx context.Context, app string, ch pusher.Channel, now time.Time,
		page func([]state.Subscription) error,
	) error
	// SentCount returns the last count that was sent, and when; 0 and the zero time if there is
	// none.
	SentCount(ctx context.Context, app string, ch pusher.Channel) (n int, at time.Time, err error)
	// SetSentCount writes it.
	SetSentCount(ctx context.Context, app string, ch pusher.Channel, n int, at time.Time) error
}

// How often a channel's subscribers are sent how many they are: after every change, and above a
// hundred at most every five seconds (docs/protocol.md §3.8).
const (
	manySubscribers = 100
	countInterval   = 5 * time.Second
)

// queueCount has the consumer send the channel's subscribers their count, if the app wants that.
func (m *Membership) queueCount(ctx context.Context, app pusher.App, ch pusher.Channel) error {
	if !app.SubscriptionCount || ch.Presence() || ch.User() != "" {
		return nil
	}
	return m.Queue.Publish(ctx, state.Count{App: app.ID, Channel: ch})
}

// SendCount sends a channel's subscribers how many they are. If there are many and they were sent a
// count a moment ago, a lease repeats this later, so that the last count they get is right.
func (m *ConsumerSteps) SendCount(ctx context.Context, c state.Count) error {
	sent, at, err := m.Counts.SentCount(ctx, c.App, c.Channel)
	if err != nil {
		return err
	}
	now := m.now()
	if sent > manySubscribers && now.Sub(at) < countInterval {
		return m.Leases.PutCountLease(ctx, c.App, c.Channel, now.Add(time.Minute))
	}
	var all []state.Subscription
	err = m.Counts.Subscribers(ctx, c.App, c.Channel, now, func(page []state.Subscription) error {
		all = append(all, page...)
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	n := len(all)
	if n > manySubscribers || sent > manySubscribers {
		if err := m.Counts.SetSentCount(ctx, c.App, c.Channel, n, now); err != nil {
			return err
		}
	}
	if err := m.Fanout.Post(ctx, settled(all), pusher.SubscriptionCount(c.Channel, n)); err != nil {
		return err
	}
	return m.announceCount(ctx, c, n)
}

// announceCount sends the count to the app's webhooks, if the stack has any.
func (m *ConsumerSteps) announceCount(ctx context.Context, c state.Count, n int) error {
	if m.Webhooks == nil {
		return nil
	}
	app, err := m.Apps.ByID(ctx, c.App)
	if errors.Is(err, pusher.ErrNoApp) {
		return nil
	}
	if err != nil {
		return err
	}
	return m.Webhooks.Notify(ctx, app, pusher.WebhookEvent{
		Name: pusher.WebhookSubscriptionCount, Channel: c.Channel, Count: &n,
	})
}

// settled returns the subscriptions that may get frames of the channel. A pending one gets the
// count that its own subscribe queues.
func settled(all []state.Subscription) []state.Subscription {
	var out []state.Subscription
	for _, s := range all {
		if !s.Pending {
			out = append(out, s)
		}
	}
	return out
}
