package membership

import (
	"context"
	"errors"

	"hark/shared/pusher"
	"hark/shared/state"
)

// Presence reads the rows of presence channels.
type Presence interface {
	// Members returns all S rows of a presence channel, expired ones included, with their members.
	Members(ctx context.Context, app string, ch pusher.Channel) ([]state.Subscription, error)
}

// SubscribePresence makes a connection join a presence channel: it writes the channel to C and
// queues the join. The channel's consumer alone writes the channel's rows and posts member_added. A
// frame that was overtaken does nothing.
func (m *Membership) SubscribePresence(
	ctx context.Context, c state.Connection, ch pusher.Channel, member pusher.Member, t state.Stamp,
) error {
	// The lease comes first: one too many does no harm, one too few leaves a ghost.
	if err := m.Leases.PutLease(ctx, c.ID, m.nextLease(c.ConnectedAt)); err != nil {
		return err
	}
	ok, err := m.Channels.TurnOn(ctx, c, ch, t, m.before(offLife))
	if err != nil || !ok {
		return err
	}
	return m.Queue.Publish(ctx, state.Join{
		App: c.App, Channel: ch,
		Connection: c.ID, Stamp: t, ConnectedAt: c.ConnectedAt.UnixMilli(), Member: member,
	})
}

// queueLeave makes the consumer take a connection off a presence channel.
func (m *Membership) queueLeave(
	ctx context.Context, app string, ch pusher.Channel, id pusher.ConnectionID, t state.Stamp,
) error {
	return m.Queue.Publish(ctx, state.Leave{App: app, Channel: ch, Connection: id, Stamp: t})
}

// Join is the consumer's part of a subscribe: docs/steps.md §3, "Presence". The new row is pending
// until the success is sent, which means that member_added may or may not have been posted. A join
// that died is repeated from the start, or undone if it is stale by then.
func (m *ConsumerSteps) Join(ctx context.Context, j state.Join) error {
	room, err := m.room(ctx, j.App, j.Channel, j.Connection)
	if err != nil {
		return err
	}
	if own := room.own; own != nil && own.Stamp == j.Stamp && !own.Pending {
		return nil // done before
	}
	c, err := m.Connections.Connection(ctx, j.Connection)
	if err != nil && !errors.Is(err, state.ErrGone) {
		return err
	}
	if err != nil || c.Dead || c.On[j.Channel] != j.Stamp {
		if room.own != nil && room.own.Pending {
			return m.takeOut(ctx, room)
		}
		return nil
	}
	app, err := m.Apps.ByID(ctx, j.App)
	if errors.Is(err, pusher.ErrNoApp) {
		return m.Gateway.Close(ctx, j.Connection)
	}
	if err != nil {
		return err
	}
	s := state.Subscription{
		Connection: j.Connection, App: j.App, Channel: j.Channel, Stamp: j.Stamp,
		ConnectedAt: c.ConnectedAt, Member: j.Member, Pending: true,
	}
	success, refusal := room.admit(app, s)
	if refusal != nil {
		return m.refuseJoin(ctx, room, s, refusal)
	}
	return m.admit(ctx, app, room, s, success)
}

// admit writes the row, posts member_added to the others and the success to the client.
func (m *ConsumerSteps) admit(
	ctx context.Context, app pusher.App, room room, s state.Subscription, success []byte,
) error {
	// A second user on one connection replaces the first.
	if own := room.own; own != nil && own.Member.UserID != s.Member.UserID {
		if err := m.setPending(ctx, room); err != nil {
			return err
		}
		if err := m.postRemoved(ctx, room, *own); err != nil {
			return err
		}
	}
	if ok, err := m.Subscriptions.PutSubscription(ctx, s); err != nil || !ok {
		return err
	}
	if user := s.Member.UserID; !room.known(user) {
		added := pusher.MemberAdded(s.Channel, s.Member)
		if err := m.Fanout.Post(ctx, room.withoutUser(user), added); err != nil {
			return err
		}
		if err := m.checkMember(ctx, s.App, s.Channel, user); err != nil {
			return err
		}
	}
	k, err := m.Markers.Marker(ctx, s.App, s.Channel)
	if err != nil {
		return err
	}
	if err := m.occupy(ctx, s.App, s.Channel, k); err != nil {
		return err
	}
	return m.confirm(ctx, app, s, success)
}

// refuseJoin sends a client why it may not join. It also removes what the connection had on the
// channel before, as if it had left.
func (m *ConsumerSteps) refuseJoin(
	ctx context.Context, room room, s state.Subscription, refusal *pusher.Error,
) error {
	for _, frame := range [][]byte{refusal.Frame(), refusal.SubscriptionError(s.Channel)} {
		if err := m.sendOrClose(ctx, s.Connection, frame); err != nil {
			return err
		}
	}
	if room.own != nil {
		if err := m.setPending(ctx, room); err != nil {
			return err
		}
		if err := m.takeOut(ctx, room); err != nil {
			return err
		}
	}
	// Last: a join that dies before this is refused again.
	return m.Channels.TurnBack(ctx, s.Connection, s.Channel, s.Stamp)
}

// setPending makes the connection's own row pending, because the join is about to post that the
// row's user has left. If the join dies and is stale when it is repeated, the pending row is
// undone, and a later join of the same user posts member_added.
func (m *ConsumerSteps) setPending(ctx context.Context, room room) error {
	own := *room.own
	if own.Pending || room.hasOther(own.Member.UserID) {
		return nil
	}
	own.Pending = true
	_, err := m.Subscriptions.PutSubscription(ctx, own)
	return err
}

// Leave is the consumer's part of an unsubscribe and of a connection's end.
func (m *ConsumerSteps) Leave(ctx context.Context, l state.Leave) error {
	room, err := m.room(ctx, l.App, l.Channel, l.Connection)
	switch {
	case err != nil:
		return err
	case room.own != nil && room.own.Stamp < l.Stamp:
		return m.takeOut(ctx, room)
	case room.own == nil && len(room.others) == 0:
		// A leave that is repeated may have died between the row and the marker.
		return m.unlist(ctx, l.App, l.Channel)
	}
	return nil
}

// takeOut removes the connection's own row from the channel.
func (m *ConsumerSteps) takeOut(ctx context.Context, room room) error {
	s := *room.own
	began := m.now()
	if err := m.postRemoved(ctx, room, s); err != nil {
		return err
	}
	if err := m.Subscriptions.DropSubscription(ctx, s); err != nil {
		return err
	}
	// The check that postRemoved queued may have run before the row was removed.
	if m.now().Sub(began) >= checkDelay && !room.hasOther(s.Member.UserID) {
		if err := m.checkMember(ctx, s.App, s.Channel, s.Member.UserID); err != nil {
			return err
		}
	}
	return m.Vacate(ctx, s.App, s.Channel)
}

// postRemoved posts member_removed to the others, if the row is its user's last. It queues the
// check before the row is removed: afterwards no row says which user to check.
func (m *ConsumerSteps) postRemoved(
	ctx context.Context, room room, own state.Subscription,
) error {
	user := own.Member.UserID
	if room.hasOther(user) {
		return nil
	}
	removed := pusher.MemberRemoved(room.channel, user)
	if err := m.Fanout.Post(ctx, room.withoutUser(user), removed); err != nil {
		return err
	}
	return m.checkMember(ctx, own.App, room.channel, user)
}

// checkMember queues a check of the user on the channel, if the stack has webhooks.
func (m *ConsumerSteps) checkMember(
	ctx context.Context, app string, ch pusher.Channel, user string,
) error {
	if m.Checks == nil {
		return nil
	}
	return m.Checks.Check(ctx, app, ch, user)
}
