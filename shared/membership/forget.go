package membership

import (
	"context"
	"errors"
	"maps"
	"slices"

	"hark/shared/invocation"
	"hark/shared/pusher"
)

// Disconnected forgets a connection whose $disconnect has come. It may come twice, early, or while a frame is at work.
func (m *Membership) Disconnected(ctx context.Context, id pusher.ConnectionID) error {
	return m.forget(ctx, id, nil, closed)
}

// Gone forgets the connection of a subscription that a post was refused for with 410.
func (m *Membership) Gone(ctx context.Context, s pusher.Subscription) error {
	return m.forget(ctx, s.Connection, &s, gone)
}

// reason is who says that a connection has ended.
type reason int

const (
	closed  reason = iota // $disconnect
	gone                  // a post was answered 410, which may be wrong
	overdue               // Sweep, to whom a Forget in doubt left it, or who found it gone
)

// forget removes every trace of a connection: Forget of model.md §3. Safe to run twice and concurrently. lead is the
// subscription that led here, if one did.
func (m *Membership) forget(ctx context.Context, id pusher.ConnectionID, lead *pusher.Subscription, why reason) error {
	c, err := m.Store.MarkDead(ctx, id)
	if errors.Is(err, pusher.ErrGone) {
		if lead == nil {
			return nil
		}
		_, err := m.depart(ctx, *lead)
		return err
	}
	if err != nil {
		return errors.Join(err, m.lookLater(ctx, id))
	}
	if why != closed { // a client that was forgotten by mistake must notice, and come back
		err = m.Sockets.Close(ctx, id)
	}
	doubt, failed := m.departAll(ctx, c, lead)
	err = errors.Join(err, failed)
	if err == nil && (!doubt || why == overdue) {
		err = m.Store.DeleteConnection(ctx, c)
		doubt = false
	}
	if err != nil || doubt { // dead, but not forgotten: without a lease nothing would ever look at it again
		return errors.Join(err, m.lookLater(ctx, id))
	}
	return nil
}

// lookLater leaves a lease, also when the time for all else has run out.
func (m *Membership) lookLater(ctx context.Context, id pusher.ConnectionID) error {
	ctx, cancel := invocation.Overtime(ctx)
	defer cancel()
	return m.Store.PutLease(ctx, id, m.now().Add(again))
}

// departAll removes the rows of a dead connection. It is in doubt if one of them is not as C says: then a subscribe or a sign-in
// may be on its way, which must still find C, dead.
func (m *Membership) departAll(ctx context.Context, c pusher.Connection, lead *pusher.Subscription) (doubt bool, err error) {
	if lead != nil && lead.Channel == "" {
		if _, err := m.depart(ctx, *lead); err != nil {
			return false, err
		}
	}
	all := m.channels(c, lead)
	for _, ch := range slices.Sorted(maps.Keys(all)) { // in an order that can be had again
		was, failed := m.depart(ctx, pusher.Subscription{Connection: c.ID, App: c.App, Channel: ch})
		err = errors.Join(err, failed) // one that cannot be left must not keep it on the others
		if !ch.Presence() && (was == 0 || was != all[ch]) {
			doubt = true
		}
	}
	if c.User == "" {
		return doubt, err
	}
	found, failed := m.signOut(ctx, c.App, c.User, c.ID)
	return doubt || !found, errors.Join(err, failed)
}

// channels are those a forgotten connection may have rows in, with the stamp that its row should have: the channels it is
// in, those it left so lately that the frame may still be at work, and the one that led here.
func (m *Membership) channels(c pusher.Connection, lead *pusher.Subscription) map[pusher.Channel]pusher.Stamp {
	all := make(map[pusher.Channel]pusher.Stamp, len(c.On)+1)
	young := m.before(m.Timeout)
	for ch, t := range c.Off {
		if t > young {
			all[ch] = 0
		}
	}
	if lead != nil && lead.Channel != "" && (lead.Channel.User() == "" || lead.Channel.User() != c.User) {
		all[lead.Channel] = 0 // that C does not know of it is doubt enough
	}
	for ch, t := range c.On {
		all[ch] = t
	}
	return all
}

// depart removes one row of a connection that has ended and returns the stamp it had. On a presence channel it has the consumer do so,
// which looks at nobody's stamp then.
func (m *Membership) depart(ctx context.Context, s pusher.Subscription) (pusher.Stamp, error) {
	switch {
	case s.Channel == "": // somebody who watches, by a row that a sign-in which died may have left: no other row knows of it
		return 0, m.Store.Unwatch(ctx, s.App, s.Connection, []string{s.Member.UserID})
	case s.Channel.User() != "":
		_, err := m.signOut(ctx, s.App, s.Channel.User(), s.Connection)
		return 0, err
	case s.Channel.Presence():
		return 0, m.queueLeave(ctx, s.App, s.Channel, s.Connection, pusher.Forever)
	}
	was, err := m.Store.TakeSubscription(ctx, s)
	if err != nil {
		return 0, err
	}
	if err := m.Vacate(ctx, s.App, s.Channel); err != nil {
		return 0, err
	}
	app, err := m.Apps.ByID(ctx, s.App)
	if err != nil { // of an app that cannot be read nobody is told how many are left; the rows are what counts
		return was, nil //nolint:nilerr // as above
	}
	return was, m.countChanged(ctx, app, s.Channel)
}
