package membership

import (
	"cmp"
	"context"
	"slices"

	"hark/shared/pusher"
	"hark/shared/state"
)

// maxConnectionsOfMember bounds a member's connections on one presence channel, beside the app's
// own limit of members (docs/decisions/0020-limits.md).
const maxConnectionsOfMember = 1000

// room is a presence channel as one of its connections sees it. Nothing else changes it while the
// consumer handles a join or leave.
type room struct {
	channel pusher.Channel
	own     *state.Subscription  // the connection's own row, if it has one
	others  []state.Subscription // the rows of all other connections, the oldest first
}

func (m *ConsumerSteps) room(
	ctx context.Context, app string, ch pusher.Channel, id pusher.ConnectionID,
) (room, error) {
	rows, err := m.Presence.Members(ctx, app, ch)
	if err != nil {
		return room{}, err
	}
	slices.SortFunc(rows, func(a, b state.Subscription) int {
		return cmp.Or(cmp.Compare(a.Stamp, b.Stamp), cmp.Compare(a.Connection, b.Connection))
	})
	r := room{channel: ch}
	i := slices.IndexFunc(rows, func(s state.Subscription) bool { return s.Connection == id })
	if i >= 0 {
		own := rows[i]
		r.own, rows = &own, slices.Delete(rows, i, i+1)
	}
	r.others = rows
	return r, nil
}

// known reports whether the others were surely sent that the user is there: by a row that is not
// pending.
func (r room) known(user string) bool {
	settled := func(s state.Subscription) bool { return s.Member.UserID == user && !s.Pending }
	return slices.ContainsFunc(r.others, settled) || r.own != nil && settled(*r.own)
}

// hasOther reports whether the user has another connection here.
func (r room) hasOther(user string) bool { return slices.ContainsFunc(r.others, of(user)) }

// withoutUser returns the connections of all other users.
func (r room) withoutUser(user string) []state.Subscription {
	return slices.DeleteFunc(slices.Clone(r.others), of(user))
}

func of(user string) func(state.Subscription) bool {
	return func(s state.Subscription) bool { return s.Member.UserID == user }
}

// admit returns the success that lists the channel's members for s, or the refusal if there is no
// room for it. A member with several connections is shown as the oldest of them says, as in Reverb.
func (r room) admit(
	app pusher.App, s state.Subscription,
) (success []byte, refusal *pusher.Error) {
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
		return nil, pusher.Limitf(pusher.CodeLimit,
			"The channel %s is full: it has %d members, the limit is %d",
			s.Channel, len(users)-1, app.MaxMembers)
	case same > maxConnectionsOfMember:
		return nil, pusher.Limitf(pusher.CodeLimit,
			"The user %s has %d connections on %s, the limit is %d",
			s.Member.UserID, same-1, s.Channel, maxConnectionsOfMember)
	}
	success = pusher.Welcomed(s.Channel, members)
	if len(success) > pusher.MaxFrame {
		return nil, pusher.Limitf(pusher.CodeLimit,
			"The list of members of %s is too long: %d bytes, the limit is %d",
			s.Channel, len(success), pusher.MaxFrame)
	}
	return success, nil
}
