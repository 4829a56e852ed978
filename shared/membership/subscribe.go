package membership

import (
	"context"
	"time"

	"hark/shared/pusher"
	"hark/shared/state"
)

// Channels are the channels that C says its connection is on, with the stamps of the frames that
// said so. A stale off is one older than the stamp stale.
type Channels interface {
	// TurnOn sets on[ch] to t and removes off[ch] and the stale offs, if the row exists and is not
	// dead, and neither on[ch] nor off[ch] is newer than t. It fails with a *pusher.Error if the
	// connection has no room for another channel.
	TurnOn(
		ctx context.Context, c state.Connection, ch pusher.Channel, t, stale state.Stamp,
	) (bool, error)
	// TurnOff removes on[ch] and the stale offs and sets off[ch] to t, if the row exists and is not
	// dead, on[ch] is older than t, and off[ch] is not newer.
	TurnOff(
		ctx context.Context, c state.Connection, ch pusher.Channel, t, stale state.Stamp,
	) (bool, error)
	// TurnBack removes on[ch] and sets off[ch] to t, if on[ch] is t: that subscribe was refused.
	TurnBack(ctx context.Context, id pusher.ConnectionID, ch pusher.Channel, t state.Stamp) error
}

// Subscriptions are the rows of subscriptions: S of docs/steps.md §3.
type Subscriptions interface {
	// PutSubscription writes the row if there is none or its stamp is not newer.
	PutSubscription(ctx context.Context, s state.Subscription) (bool, error)
	// Subscription reads the row; found reports whether there is one.
	Subscription(
		ctx context.Context, app string, ch pusher.Channel, id pusher.ConnectionID,
	) (s state.Subscription, found bool, err error)
	// Settle removes pending and writes which cached event was sent, if the row has this stamp.
	Settle(ctx context.Context, s state.Subscription) (bool, error)
	// DropSubscription removes the row if it has this stamp.
	DropSubscription(ctx context.Context, s state.Subscription) error
	// DropOlderSubscription removes the row if its stamp is older than this one.
	DropOlderSubscription(ctx context.Context, s state.Subscription) error
	// TakeSubscription removes the row whatever its stamp, and returns that stamp; 0 if there was
	// no row.
	TakeSubscription(ctx context.Context, s state.Subscription) (state.Stamp, error)
}

// offLife is how long C keeps the stamp of an unsubscribe, so that a subscribe which the
// unsubscribe overtook is refused.
const offLife = time.Minute

// Subscribe puts a connection on a channel without presence and sends it the success. A frame that
// a newer frame about the channel overtook, or the end of the connection, does nothing. Every event
// that is published after the success finds the subscription; until the success the subscription is
// pending, and no event of the channel is posted to it. c is what Connection returned: step 1 of
// docs/steps.md §3, "Subscribe".
func (m *Membership) Subscribe(
	ctx context.Context, app pusher.App, c state.Connection, ch pusher.Channel, t state.Stamp,
) error {
	ok, err := m.Channels.TurnOn(ctx, c, ch, t, m.before(offLife)) // step 2
	if err != nil || !ok {
		return err
	}
	s := state.Subscription{
		Connection: c.ID, App: c.App, Channel: ch, Stamp: t, ConnectedAt: c.ConnectedAt,
		Pending: true,
	}
	if ok, err := m.Subscriptions.PutSubscription(ctx, s); err != nil || !ok { // step 3
		return err
	}
	now, marker, err := m.Markers.ConnectionAndMarker(ctx, c, ch) // step 4
	if err != nil {
		return err
	}
	if now.Dead || now.On[ch] != t {
		if err := m.Subscriptions.DropSubscription(ctx, s); err != nil {
			return err
		}
		return m.Vacate(ctx, c.App, ch)
	}
	if err := m.occupy(ctx, c.App, ch, marker); err != nil {
		return err
	}
	return m.confirm(ctx, app, s, pusher.Succeeded(ch)) // steps 5 and 6
}

// confirm sends the success of a subscribe, and on a cache channel the newest event, and settles
// the subscription. An event that the consumer has in hand meanwhile waits for that, so that no
// older event comes after it.
func (m *Membership) confirm(
	ctx context.Context, app pusher.App, s state.Subscription, success []byte,
) error {
	if err := m.sendOrClose(ctx, s.Connection, success); err != nil {
		return err
	}
	if s.Channel.Cache() {
		version, err := m.sendCached(ctx, s)
		if err != nil {
			return err
		}
		s.Cached = version
	}
	own, err := m.Subscriptions.Settle(ctx, s)
	if err != nil {
		return err
	}
	if !own && s.Channel.Cache() {
		return m.sendNewer(ctx, s)
	}
	return m.queueCount(ctx, app, s.Channel)
}

// Unsubscribe takes the connection off the channel. An older or equal subscribe of the connection
// that is still at work undoes itself in its step 4; on a presence channel the consumer does the
// rest.
func (m *Membership) Unsubscribe(
	ctx context.Context, app pusher.App, c state.Connection, ch pusher.Channel, t state.Stamp,
) error {
	ok, err := m.Channels.TurnOff(ctx, c, ch, t, m.before(offLife))
	if err != nil || !ok {
		return err
	}
	if ch.Presence() {
		return m.queueLeave(ctx, c.App, ch, c.ID, t)
	}
	s := state.Subscription{Connection: c.ID, App: c.App, Channel: ch, Stamp: t}
	if err := m.Subscriptions.DropOlderSubscription(ctx, s); err != nil {
		return err
	}
	if err := m.Vacate(ctx, c.App, ch); err != nil {
		return err
	}
	return m.queueCount(ctx, app, ch)
}

// Subscribed reports whether the connection is subscribed to the channel, and on a presence channel
// as which member.
func (m *Membership) Subscribed(
	ctx context.Context, c state.Connection, ch pusher.Channel,
) (pusher.Member, bool, error) {
	if _, on := c.On[ch]; !on || !ch.Presence() {
		return pusher.Member{}, on, nil
	}
	s, found, err := m.Subscriptions.Subscription(ctx, c.App, ch, c.ID)
	return s.Member, found, err
}
