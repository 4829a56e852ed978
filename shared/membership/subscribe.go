package membership

import (
	"context"

	"hark/shared/pusher"
)

// Subscribe puts the connection into a channel without presence, and reports whether the client may be told so: not if a
// newer frame about the channel came first, nor if the connection is being forgotten. When it returns true, every later
// publish finds the subscription. c is what Connection returned: step 1 of model.md §3.
func (m *Membership) Subscribe(ctx context.Context, c pusher.Connection, ch pusher.Channel, t pusher.Stamp) (bool, error) {
	if ok, err := m.Store.TurnOn(ctx, c, ch, t, m.before(remembered)); err != nil || !ok { // step 2
		return false, err
	}
	s := pusher.Subscription{Connection: c.ID, App: c.App, Channel: ch, Stamp: t, ConnectedAt: c.ConnectedAt}
	if ok, err := m.Store.PutSubscription(ctx, s); err != nil || !ok { // step 3
		return false, err
	}
	now, marker, err := m.Store.ConnectionAndMarker(ctx, c, ch) // step 4
	if err != nil {
		return false, err
	}
	if now.Dead || now.On[ch] != t {
		if err := m.Store.DropSubscription(ctx, s); err != nil {
			return false, err
		}
		return false, m.Vacate(ctx, c.App, ch)
	}
	if err := m.occupy(ctx, c.App, ch, marker); err != nil {
		return false, err
	}
	return true, nil
}

// occupy sees to it that an occupied channel is listed. k is what was read after the subscription had been written.
func (m *Membership) occupy(ctx context.Context, app string, ch pusher.Channel, k pusher.Marker) error {
	for {
		var done bool
		var err error
		switch {
		case !k.Exists:
			done, err = m.Store.PutMarker(ctx, app, ch)
		case k.Vacant != "":
			done, err = m.Store.Reopen(ctx, app, ch, k.Vacant)
		default:
			return nil
		}
		if err != nil {
			return err
		}
		if done { // whoever listed it may have left meanwhile: decisions.md 1
			return m.Vacate(ctx, app, ch)
		}
		if k, err = m.Store.Marker(ctx, app, ch); err != nil {
			return err
		}
	}
}

// Unsubscribe takes the connection out of the channel. An older or equal subscribe of the same connection that is still at
// work is undone by its own last look.
func (m *Membership) Unsubscribe(ctx context.Context, c pusher.Connection, ch pusher.Channel, t pusher.Stamp) error {
	if ok, err := m.Store.TurnOff(ctx, c, ch, t, m.before(remembered)); err != nil || !ok {
		return err
	}
	err := m.Store.DropOlderSubscription(ctx, pusher.Subscription{Connection: c.ID, App: c.App, Channel: ch, Stamp: t})
	if err != nil {
		return err
	}
	return m.Vacate(ctx, c.App, ch)
}

// Vacate unlists the channel if nobody is subscribed to it. It flags the marker before it looks a second time, so that
// a subscriber who comes in between either is seen here or sees the flag.
func (m *Membership) Vacate(ctx context.Context, app string, ch pusher.Channel) error {
	for {
		if occupied, err := m.Store.Occupied(ctx, app, ch); err != nil || occupied {
			return err
		}
		nonce := m.nonce()
		if ok, err := m.Store.MarkVacant(ctx, app, ch, nonce); err != nil || !ok {
			return err // not listed, or somebody else is at it
		}
		occupied, err := m.Store.Occupied(ctx, app, ch)
		if err != nil {
			return err
		}
		if !occupied {
			return m.Store.DeleteMarker(ctx, app, ch, nonce)
		}
		if ok, err := m.Store.Reopen(ctx, app, ch, nonce); err != nil || !ok {
			return err
		}
		// Whoever reopens looks once more: the one who came may have left, and found the flag set: decisions.md 1.
	}
}
