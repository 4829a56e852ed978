package membership

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"hark/shared/pusher"
)

// maxConnectionsOfMember bounds a presence channel beside the app's own limit of members (design.md §8).
const maxConnectionsOfMember = 1000

// Enter has the connection join a presence channel: it notes the channel, and queues the join for the channel's one consumer, which
// alone writes the channel's rows and tells who has come. A frame that is overtaken does nothing.
func (m *Membership) Enter(
	ctx context.Context, c pusher.Connection, ch pusher.Channel, member pusher.Member, t pusher.Stamp,
) error {
	if err := m.Store.PutLease(ctx, c.ID, m.lookAgain(c.ConnectedAt)); err != nil { // before the channel is noted: a lease too many does no harm
		return err
	}
	if ok, err := m.Store.TurnOn(ctx, c, ch, t, m.before(remembered)); err != nil || !ok {
		return err
	}
	return m.Queue.Publish(ctx, pusher.Broadcast{
		Kind: pusher.KindJoin, App: c.App, Channel: ch,
		Connection: c.ID, Stamp: t, ConnectedAt: c.ConnectedAt.UnixMilli(), Member: &member,
	})
}

// queueLeave has the consumer take a connection out of a presence channel.
func (m *Membership) queueLeave(ctx context.Context, app string, ch pusher.Channel, id pusher.ConnectionID, t pusher.Stamp) error {
	return m.Queue.Publish(ctx, pusher.Broadcast{Kind: pusher.KindLeave, App: app, Channel: ch, Connection: id, Stamp: t})
}

// join is the consumer's part of a subscribe: "Presence" of model.md §3. The new row is pending until the client has been told:
// others may have heard of it or not. An interrupted join is repeated from the start, or undone if it is stale by then.
func (m *Membership) join(ctx context.Context, b pusher.Broadcast) error {
	room, err := m.room(ctx, b)
	if err != nil {
		return err
	}
	if own := room.own; own != nil && own.Stamp == b.Stamp && !own.Pending {
		return nil // done before
	}
	c, err := m.Store.Connection(ctx, b.Connection)
	if err != nil && !errors.Is(err, pusher.ErrGone) {
		return err
	}
	if err != nil || c.Dead || c.On[b.Channel] != b.Stamp {
		if room.own != nil && room.own.Pending {
			return m.part(ctx, room, room.own.Stamp)
		}
		return nil
	}
	app, err := m.Apps.ByID(ctx, b.App)
	if errors.Is(err, pusher.ErrNoApp) {
		return m.Sockets.Close(ctx, b.Connection)
	}
	if err != nil {
		return err
	}
	s := pusher.Subscription{
		Connection: b.Connection, App: b.App, Channel: b.Channel, Stamp: b.Stamp, ConnectedAt: c.ConnectedAt,
		Member: *b.Member, Pending: true,
	}
	welcome, refusal := room.admit(app, s)
	if refusal != nil {
		return m.turnAway(ctx, room, s, refusal)
	}
	return m.admit(ctx, app, room, s, welcome)
}

// admit writes the row and tells everybody.
func (m *Membership) admit(ctx context.Context, app pusher.App, room room, s pusher.Subscription, welcome []byte) error {
	if own := room.own; own != nil && own.Member.UserID != s.Member.UserID { // a second user on one connection replaces the first
		if err := m.unsettle(ctx, room); err != nil {
			return err
		}
		if err := m.announceLeft(ctx, room, *own); err != nil {
			return err
		}
	}
	if ok, err := m.Store.PutSubscription(ctx, s); err != nil || !ok {
		return err
	}
	if !room.known(s.Member.UserID) {
		if err := m.Crowd.Tell(ctx, room.besides(s.Member.UserID), pusher.MemberAdded(s.Channel, s.Member)); err != nil {
			return err
		}
		if err := m.checkMember(ctx, s.App, s.Channel, s.Member.UserID); err != nil {
			return err
		}
	}
	k, err := m.Store.Marker(ctx, s.App, s.Channel)
	if err != nil {
		return err
	}
	if err := m.occupy(ctx, s.App, s.Channel, k); err != nil {
		return err
	}
	return m.welcome(ctx, app, s, welcome)
}

// turnAway tells a client why it may not join. It is where it would be had it left: what it had before is over too.
func (m *Membership) turnAway(ctx context.Context, room room, s pusher.Subscription, refusal *pusher.Error) error {
	for _, frame := range [][]byte{refusal.Frame(), refusal.SubscriptionError(s.Channel)} {
		if err := m.tell(ctx, s.Connection, frame); err != nil {
			return err
		}
	}
	if room.own != nil {
		if err := m.unsettle(ctx, room); err != nil {
			return err
		}
		if err := m.part(ctx, room, room.own.Stamp); err != nil {
			return err
		}
	}
	return m.Store.TurnBack(ctx, s.Connection, s.Channel, s.Stamp) // last: a join that dies before is refused again
}

// unsettle notes on the connection's own row that others may not believe in it any more: a join is about to announce that its user has
// left, and may be stale by the time it is repeated. Then it is undone, and whoever joins as that user is announced.
func (m *Membership) unsettle(ctx context.Context, room room) error {
	own := *room.own
	if own.Pending || room.hasOther(own.Member.UserID) {
		return nil
	}
	own.Pending = true
	_, err := m.Store.PutSubscription(ctx, own)
	return err
}

// leave is the consumer's part of an unsubscribe and of a connection's end.
func (m *Membership) leave(ctx context.Context, b pusher.Broadcast) error {
	room, err := m.room(ctx, b)
	switch {
	case err != nil:
		return err
	case room.own != nil && room.own.Stamp < b.Stamp:
		return m.part(ctx, room, room.own.Stamp)
	case room.own == nil && len(room.others) == 0: // a leave that is repeated may have died just there
		return m.unlist(ctx, b.App, b.Channel)
	}
	return nil
}

// unlist sees to it that an empty channel is not listed, whatever a Vacate that died has left.
func (m *Membership) unlist(ctx context.Context, app string, ch pusher.Channel) error {
	k, err := m.Store.Marker(ctx, app, ch)
	switch {
	case err != nil || !k.Exists:
		return err
	case k.Vacant == "":
		return m.Vacate(ctx, app, ch)
	}
	if err := m.check(ctx, app, ch); err != nil {
		return err
	}
	return m.finish(ctx, app, ch, k.Vacant)
}

// part takes a connection's row, which has that stamp, out of the room.
func (m *Membership) part(ctx context.Context, room room, t pusher.Stamp) error {
	s := *room.own
	s.Stamp = t
	began := m.now()
	if err := m.announceLeft(ctx, room, s); err != nil {
		return err
	}
	if err := m.Store.DropSubscription(ctx, s); err != nil {
		return err
	}
	if m.now().Sub(began) >= checkDelay && !room.hasOther(s.Member.UserID) { // the check may have come before the row went
		if err := m.checkMember(ctx, s.App, s.Channel, s.Member.UserID); err != nil {
			return err
		}
	}
	return m.Vacate(ctx, s.App, s.Channel)
}

// announceLeft tells the others that the user of the connection's row has left, if it was the user's last. The check comes before the
// row goes, since after that nobody would know whom to look for.
func (m *Membership) announceLeft(ctx context.Context, room room, own pusher.Subscription) error {
	user := own.Member.UserID
	if room.hasOther(user) {
		return nil
	}
	if err := m.Crowd.Tell(ctx, room.besides(user), pusher.MemberRemoved(room.channel, user)); err != nil {
		return err
	}
	return m.checkMember(ctx, own.App, room.channel, user)
}

// checkMember has somebody look whether the app knows if the user is there, if apps are told at all.
func (m *Membership) checkMember(ctx context.Context, app string, ch pusher.Channel, user string) error {
	if m.Checks == nil {
		return nil
	}
	return m.Checks.Check(ctx, app, ch, user)
}

// room is who is on a presence channel, as one of its connections sees it. While a join or leave is at work nobody else changes it.
type room struct {
	channel pusher.Channel
	own     *pusher.Subscription  // the connection's own row, if it has one
	others  []pusher.Subscription // the rows of all other connections, the oldest first
}

func (m *Membership) room(ctx context.Context, b pusher.Broadcast) (room, error) {
	rows, err := m.Store.Members(ctx, b.App, b.Channel)
	if err != nil {
		return room{}, err
	}
	slices.SortFunc(rows, func(a, b pusher.Subscription) int {
		return cmp.Or(cmp.Compare(a.Stamp, b.Stamp), cmp.Compare(a.Connection, b.Connection))
	})
	r := room{channel: b.Channel}
	if i := slices.IndexFunc(rows, func(s pusher.Subscription) bool { return s.Connection == b.Connection }); i >= 0 {
		own := rows[i]
		r.own, rows = &own, slices.Delete(rows, i, i+1)
	}
	r.others = rows
	return r, nil
}

// known reports whether the others have surely heard of the user: by a row that is not pending.
func (r room) known(user string) bool {
	settled := func(s pusher.Subscription) bool { return s.Member.UserID == user && !s.Pending }
	return slices.ContainsFunc(r.others, settled) || r.own != nil && settled(*r.own)
}

// hasOther reports whether the user has another connection here.
func (r room) hasOther(user string) bool { return slices.ContainsFunc(r.others, of(user)) }

// besides are the connections of all other users.
func (r room) besides(user string) []pusher.Subscription {
	return slices.DeleteFunc(slices.Clone(r.others), of(user))
}

func of(user string) func(pusher.Subscription) bool {
	return func(s pusher.Subscription) bool { return s.Member.UserID == user }
}

// admit returns the frame that tells s who is there, or why there is no room for it. A user with several connections is shown as
// the oldest of them says, as Reverb does.
func (r room) admit(app pusher.App, s pusher.Subscription) (welcome []byte, refusal *pusher.Error) {
	users, same := make(map[string]bool), 0
	var members []pusher.Member
	for _, other := range append(slices.Clone(r.others), s) {
		users[other.Member.UserID] = true
		members = append(members, other.Member)
		if other.Member.UserID == s.Member.UserID {
			same++
		}
	}
	switch {
	case len(users) > app.MaxMembers && same == 1:
		return nil, pusher.Limitf(pusher.CodeLimit, "The channel %s is full: it has %d members, the limit is %d", s.Channel, len(users)-1, app.MaxMembers)
	case same > maxConnectionsOfMember:
		return nil, pusher.Limitf(pusher.CodeLimit, "The user %s has %d connections on %s, the limit is %d",
			s.Member.UserID, same-1, s.Channel, maxConnectionsOfMember)
	}
	welcome = pusher.Welcomed(s.Channel, members)
	if len(welcome) > pusher.MaxFrame { // decisions.md 29
		return nil, pusher.Limitf(pusher.CodeLimit, "The list of members of %s is too long: %d bytes, the limit is %d", s.Channel, len(welcome), pusher.MaxFrame)
	}
	return welcome, nil
}
