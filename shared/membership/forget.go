package membership

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"hark/shared/invocation"
	"hark/shared/pusher"
	"hark/shared/state"
)

// forgetAgain is when sweep repeats a forget that was left in doubt. No frame is at work for that
// long.
const forgetAgain = 2 * time.Minute

// reason says how it is known that a connection has ended.
type reason int

const (
	closed  reason = iota // by $disconnect
	gone                  // by API Gateway's answer to a post or to sweep, which may be wrong
	overdue               // long ago: sweep repeats a forget in doubt, or the audit found its rows
)

// Disconnected forgets a connection whose $disconnect has come. It may come twice, early, or while
// a frame is at work.
func (m *Membership) Disconnected(ctx context.Context, id pusher.ConnectionID) error {
	return m.forget(ctx, id, nil, closed)
}

// Gone forgets the connection of a subscription whose post was answered 410.
func (m *Membership) Gone(ctx context.Context, s state.Subscription) error {
	return m.forget(ctx, s.Connection, &s, gone)
}

// forget removes every row of a connection: docs/steps.md §3, "Forget". It may run twice and
// concurrently. lead is the subscription that led to the connection, if one did.
func (m *Membership) forget(
	ctx context.Context, id pusher.ConnectionID, lead *state.Subscription, why reason,
) error {
	c, err := m.Connections.MarkDead(ctx, id)
	if errors.Is(err, state.ErrGone) {
		if lead == nil {
			return nil
		}
		_, err := m.removeRow(ctx, *lead)
		return err
	}
	if err != nil {
		return errors.Join(err, m.leaseSoon(ctx, id))
	}
	if why != closed { // a client that was forgotten by mistake must notice and come back
		err = m.Gateway.Close(ctx, id)
	}
	doubt, failed := m.removeRows(ctx, c, lead)
	err = errors.Join(err, failed)
	if err == nil && (!doubt || why == overdue) {
		err = m.Connections.DeleteConnection(ctx, c)
		doubt = false
	}
	if err != nil || doubt {
		// It is dead, but not forgotten. Without a lease nothing would come back to it.
		return errors.Join(err, m.leaseSoon(ctx, id))
	}
	return nil
}

// leaseSoon makes sweep repeat the forget. It has time of its own, for when ctx has none left.
func (m *Membership) leaseSoon(ctx context.Context, id pusher.ConnectionID) error {
	ctx, cancel := invocation.Overtime(ctx)
	defer cancel()
	return m.Leases.PutLease(ctx, id, m.now().Add(forgetAgain))
}

// removeRows removes the rows of a dead connection. It is in doubt if a row is not as C says: then
// a subscribe or a sign-in may be at work, which must still find C, and find it dead.
func (m *Membership) removeRows(
	ctx context.Context, c state.Connection, lead *state.Subscription,
) (doubt bool, err error) {
	if lead != nil && lead.Channel == "" {
		if _, err := m.removeRow(ctx, *lead); err != nil {
			return false, err
		}
	}
	all := m.channels(c, lead)
	for _, ch := range slices.Sorted(maps.Keys(all)) { // sorted, so that a run can be repeated
		s := state.Subscription{Connection: c.ID, App: c.App, Channel: ch}
		stamp, failed := m.removeRow(ctx, s)
		err = errors.Join(err, failed) // a row that cannot be removed must not keep the others
		if !ch.Presence() && (stamp == 0 || stamp != all[ch]) {
			doubt = true
		}
	}
	if c.User == "" {
		return doubt, err
	}
	found, failed := m.signOut(ctx, c.App, c.User, c.ID)
	return doubt || !found, errors.Join(err, failed)
}

// channels returns the channels on which a dead connection may have rows, with the stamp that each
// row should have: those it is on, those it left so lately that the frame may still be at work, and
// the one that led here.
func (m *Membership) channels(
	c state.Connection, lead *state.Subscription,
) map[pusher.Channel]state.Stamp {
	all := make(map[pusher.Channel]state.Stamp, len(c.On)+1)
	young := m.before(m.Timeout)
	for ch, t := range c.Off {
		if t > young {
			all[ch] = 0
		}
	}
	if lead != nil && lead.Channel != "" {
		if user := lead.Channel.User(); user == "" || user != c.User {
			all[lead.Channel] = 0 // C does not list it, which is reason enough for doubt
		}
	}
	maps.Copy(all, c.On)
	return all
}

// removeRow removes one row of a dead connection and returns the stamp that it had. On a presence
// channel it has the consumer do so, which needs no stamp.
func (m *Membership) removeRow(
	ctx context.Context, s state.Subscription,
) (state.Stamp, error) {
	switch {
	case s.Channel == "":
		// A watcher's row, which a sign-in that died may have left: no other row leads to it.
		return 0, m.SignIns.Unwatch(ctx, s.App, s.Connection, []string{s.Member.UserID})
	case s.Channel.User() != "":
		_, err := m.signOut(ctx, s.App, s.Channel.User(), s.Connection)
		return 0, err
	case s.Channel.Presence():
		return 0, m.queueLeave(ctx, s.App, s.Channel, s.Connection, state.Forever)
	}
	stamp, err := m.Subscriptions.TakeSubscription(ctx, s)
	if err != nil {
		return 0, err
	}
	if err := m.Vacate(ctx, s.App, s.Channel); err != nil {
		return 0, err
	}
	app, err := m.Apps.ByID(ctx, s.App)
	if err != nil {
		// The rows are what matters: subscribers of an app that cannot be read get no count.
		return stamp, nil //nolint:nilerr // as above
	}
	return stamp, m.queueCount(ctx, app, s.Channel)
}
