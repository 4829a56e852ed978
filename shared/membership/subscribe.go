package membership

import (
	"context"
	"time"

	"hark/shared/pusher"
)

// Subscribe puts the connection into a channel without presence and tells it so; a frame that is overtaken by a newer one about
// the channel, or by the end of the connection, does nothing. Whatever is published after the client has been told finds the
// subscription; until then it is pending, and no event of the channel reaches the client. c is what Connection returned: step 1 of
// model.md §3.
func (m *Membership) Subscribe(ctx context.Context, app pusher.App, c pusher.Connection, ch pusher.Channel, t pusher.Stamp) error {
	if ok, err := m.Store.TurnOn(ctx, c, ch, t, m.before(remembered)); err != nil || !ok { // step 2
		return err
	}
	s := pusher.Subscription{Connection: c.ID, App: c.App, Channel: ch, Stamp: t, ConnectedAt: c.ConnectedAt, Pending: true}
	if ok, err := m.Store.PutSubscription(ctx, s); err != nil || !ok { // step 3
		return err
	}
	now, marker, err := m.Store.ConnectionAndMarker(ctx, c, ch) // step 4
	if err != nil {
		return err
	}
	if now.Dead || now.On[ch] != t {
		if err := m.Store.DropSubscription(ctx, s); err != nil {
			return err
		}
		return m.Vacate(ctx, c.App, ch)
	}
	if err := m.occupy(ctx, c.App, ch, marker); err != nil {
		return err
	}
	return m.welcome(ctx, app, s, pusher.Succeeded(ch)) // steps 5 and 6
}

// welcome tells a client that it is subscribed, and on a cache channel the newest event, and settles the subscription. An event that
// the consumer has in hand meanwhile waits for that, so that nothing older comes after it.
func (m *Membership) welcome(ctx context.Context, app pusher.App, s pusher.Subscription, success []byte) error {
	if err := m.tell(ctx, s.Connection, success); err != nil {
		return err
	}
	if s.Channel.Cache() {
		newest, err := m.tellCached(ctx, s)
		if err != nil {
			return err
		}
		s.Cached = newest
	}
	own, err := m.Store.Settle(ctx, s)
	if err != nil {
		return err
	}
	if !own && s.Channel.Cache() {
		return m.tellNewer(ctx, s)
	}
	return m.countChanged(ctx, app, s.Channel)
}

// tellCached hands a new subscriber the newest event, and returns its version, or says that there is none.
func (m *Membership) tellCached(ctx context.Context, s pusher.Subscription) (version string, err error) {
	newest, err := m.Store.Cached(ctx, s.App, s.Channel, m.now())
	switch {
	case err != nil:
		return "", err
	case newest.Frame != nil:
		return newest.Version, m.tell(ctx, s.Connection, newest.Frame)
	}
	if err := m.tell(ctx, s.Connection, pusher.CacheMiss(s.Channel)); err != nil || m.Checks == nil {
		return "", err
	}
	return "", m.Checks.Missed(ctx, s.App, s.Channel)
}

// tellNewer is for a subscribe that another one of the same connection has overtaken: the consumer did not wait for it, so that the
// event that it told may have come behind a newer one.
func (m *Membership) tellNewer(ctx context.Context, s pusher.Subscription) error {
	for told := s.Cached; ; {
		newest, err := m.Store.Cached(ctx, s.App, s.Channel, m.now())
		if err != nil || newest.Frame == nil || newest.Version == told {
			return err
		}
		if err := m.tell(ctx, s.Connection, newest.Frame); err != nil {
			return err
		}
		told = newest.Version
	}
}

// occupy sees to it that an occupied channel is listed. k is what was read after the subscription had been written.
func (m *Membership) occupy(ctx context.Context, app string, ch pusher.Channel, k pusher.Marker) error {
	asked, tried := time.Time{}, false
	for {
		if !k.Exists || k.Vacant != "" || m.untold(k) {
			asked = m.now()
			if err := m.check(ctx, app, ch); err != nil { // before the marker: should this die in between, the check finds out
				return err
			}
		}
		var done bool
		var err error
		switch {
		case !k.Exists:
			done, err = m.Store.PutMarker(ctx, app, ch, m.now())
		case k.Vacant != "":
			done, err = m.Store.Reopen(ctx, app, ch, k.Vacant)
		case tried && m.Checks == nil:
			return m.Vacate(ctx, app, ch) // the write that did not hold may have been ours, answered late and repeated
		default:
			return nil
		}
		if err != nil {
			return err
		}
		if done && m.Checks != nil {
			return m.checkAgain(ctx, app, ch, asked)
		}
		if done { // whoever listed it may have left meanwhile: decisions.md 1
			return m.Vacate(ctx, app, ch)
		}
		tried = true
		if k, err = m.Store.Marker(ctx, app, ch); err != nil {
			return err
		}
	}
}

// untold reports whether the app should have been told of the channel by now, if apps are told at all: its check may have been lost.
func (m *Membership) untold(k pusher.Marker) bool {
	return m.Checks != nil && k.Told == pusher.ToldNothing && m.now().Sub(k.At) > toldWithin
}

// toldWithin is more than the checks' delay.
const toldWithin = 10 * time.Second

// checkAgain is for a write that took so long that the check which was queued before it may have come first.
func (m *Membership) checkAgain(ctx context.Context, app string, ch pusher.Channel, asked time.Time) error {
	if m.now().Sub(asked) < checkDelay {
		return nil
	}
	return m.check(ctx, app, ch)
}

// checkDelay is a little less than what a check waits for.
const checkDelay = 2 * time.Second

// check has somebody look whether the app knows of the channel, if apps are told at all.
func (m *Membership) check(ctx context.Context, app string, ch pusher.Channel) error {
	if m.Checks == nil {
		return nil
	}
	return m.Checks.Check(ctx, app, ch, "")
}

// Unsubscribe takes the connection out of the channel. An older or equal subscribe of the same connection that is still at
// work is undone by its own last look; on a presence channel by the consumer, which does what is left to do.
func (m *Membership) Unsubscribe(ctx context.Context, app pusher.App, c pusher.Connection, ch pusher.Channel, t pusher.Stamp) error {
	if ok, err := m.Store.TurnOff(ctx, c, ch, t, m.before(remembered)); err != nil || !ok {
		return err
	}
	if ch.Presence() {
		return m.queueLeave(ctx, c.App, ch, c.ID, t)
	}
	err := m.Store.DropOlderSubscription(ctx, pusher.Subscription{Connection: c.ID, App: c.App, Channel: ch, Stamp: t})
	if err != nil {
		return err
	}
	if err := m.Vacate(ctx, c.App, ch); err != nil {
		return err
	}
	return m.countChanged(ctx, app, ch)
}

// Subscribed reports whether the connection is subscribed to the channel, and as whom to one with presence.
func (m *Membership) Subscribed(ctx context.Context, c pusher.Connection, ch pusher.Channel) (pusher.Member, bool, error) {
	if _, on := c.On[ch]; !on || !ch.Presence() {
		return pusher.Member{}, on, nil
	}
	s, found, err := m.Store.Subscription(ctx, c.App, ch, c.ID)
	return s.Member, found, err
}

// Vacate unlists the channel if nobody is subscribed to it. It flags the marker before it looks a second time, so that
// a subscriber who comes in between either is seen here or sees the flag.
func (m *Membership) Vacate(ctx context.Context, app string, ch pusher.Channel) error {
	if occupied, err := m.Store.Occupied(ctx, app, ch); err != nil || occupied {
		return err
	}
	asked := m.now()
	if err := m.check(ctx, app, ch); err != nil {
		return err
	}
	nonce := m.nonce()
	if ok, err := m.Store.MarkVacant(ctx, app, ch, nonce); err != nil || !ok {
		return err // not listed, or somebody else is at it
	}
	if err := m.checkAgain(ctx, app, ch, asked); err != nil {
		return err
	}
	return m.finish(ctx, app, ch, nonce)
}

// finish does what is left to do of a Vacate that has set the flag, whether it died or is still at work: the flag was there before
// this looks for subscribers, and each step is on the condition that it is there still. If the app is told of its channels, the check
// that is queued removes the marker, or looks again.
func (m *Membership) finish(ctx context.Context, app string, ch pusher.Channel, nonce string) error {
	occupied, err := m.Store.Occupied(ctx, app, ch)
	switch {
	case err != nil:
		return err
	case !occupied && m.Checks != nil:
		return nil
	case !occupied:
		return m.Store.DeleteMarker(ctx, app, ch, nonce)
	}
	if ok, err := m.Store.Reopen(ctx, app, ch, nonce); err != nil || !ok || m.Checks != nil {
		return err
	}
	return m.Vacate(ctx, app, ch) // the one who came may have left, and found the flag set: decisions.md 1
}
