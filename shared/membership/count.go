package membership

import (
	"context"
	"errors"
	"time"

	"hark/shared/pusher"
)

// How often the subscribers of a channel hear how many they are: each time, and above a hundred every five seconds while the number
// changes (protocol.md §3.8).
const (
	manySubscribers = 100
	countInterval   = 5 * time.Second
)

// countChanged queues that the subscribers be told how many they are now, if the app wants that.
func (m *Membership) countChanged(ctx context.Context, app pusher.App, ch pusher.Channel) error {
	if !app.SubscriptionCount || ch.Presence() || ch.User() != "" {
		return nil
	}
	return m.Queue.Publish(ctx, pusher.Broadcast{Kind: pusher.KindCount, App: app.ID, Channel: ch})
}

// tellCount tells the subscribers how many they are. If they were told a moment ago, and are many, a lease has it done later: the
// last number that they are told is the right one.
func (m *Membership) tellCount(ctx context.Context, app string, ch pusher.Channel) error {
	told, at, err := m.Store.ToldCount(ctx, app, ch)
	if err != nil {
		return err
	}
	now := m.now()
	if told > manySubscribers && now.Sub(at) < countInterval {
		return m.Store.PutCountLease(ctx, app, ch, now.Add(time.Minute))
	}
	var all []pusher.Subscription
	err = m.Store.Subscribers(ctx, app, ch, now, func(page []pusher.Subscription) error {
		all = append(all, page...)
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	if len(all) > manySubscribers || told > manySubscribers {
		if err := m.Store.SetToldCount(ctx, app, ch, len(all), now); err != nil {
			return err
		}
	}
	if err := m.Crowd.Tell(ctx, settled(all), pusher.SubscriptionCount(ch, len(all))); err != nil || m.Notices == nil {
		return err
	}
	tenant, err := m.Apps.ByID(ctx, app)
	if errors.Is(err, pusher.ErrNoApp) {
		return nil
	}
	if err != nil {
		return err
	}
	n := len(all)
	return m.Notices.Notify(ctx, tenant, pusher.Notice{Name: pusher.NoticeCount, Channel: ch, Count: &n})
}

// settled are those who may get frames of the channel. Whoever is pending is told by the count that its own subscribe queues.
func settled(all []pusher.Subscription) []pusher.Subscription {
	var out []pusher.Subscription
	for _, s := range all {
		if !s.Pending {
			out = append(out, s)
		}
	}
	return out
}
