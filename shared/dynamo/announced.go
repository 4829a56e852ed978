package dynamo

import (
	"context"
	"time"

	"hark/shared/pusher"
	"hark/shared/state"
)

// What was announced to an app by webhook events (docs/steps.md §3.5): about a channel in its
// marker, about members of presence channels and about cache misses in rows of their own.

// SetAnnounced writes what was announced of the channel, if the marker exists and, unless the nonce
// is empty, vac is the nonce. It reports whether it did.
func (s *State) SetAnnounced(
	ctx context.Context, app string, ch pusher.Channel, announced state.Announced, nonce string,
) (bool, error) {
	update, cond := "SET told = :told", "attribute_exists(pk)"
	values := item{":told": num(announced)}
	if announced == state.AnnouncedNothing {
		update, values = "REMOVE told", nil
	}
	if nonce != "" {
		if values == nil {
			values = make(item)
		}
		cond, values[":n"] = vacIsNonce, str(nonce)
	}
	return s.update(ctx, markerKey(app, ch), update, cond, values)
}

// AnnouncedMember returns when the app was sent that the user is on the presence channel; the zero
// value if it was not.
func (s *State) AnnouncedMember(
	ctx context.Context, app string, ch pusher.Channel, user string,
) (state.AnnouncedMember, error) {
	it, err := s.get(ctx, announcedMemberKey(app, ch, user))
	if err != nil || it == nil {
		return state.AnnouncedMember{}, err
	}
	return state.AnnouncedMember{
		At:         time.UnixMilli(getNum(it["at"])),
		Connection: pusher.ConnectionID(getStr(it["conn"])),
	}, nil
}

// SetAnnouncedMember writes that member_added is announced. Like a marker the row never expires,
// because a user with one connection after another may stay for longer than any of them lasts.
func (s *State) SetAnnouncedMember(
	ctx context.Context, app string, ch pusher.Channel, user string, m state.AnnouncedMember,
) error {
	it := announcedMemberKey(app, ch, user)
	it["at"] = num(m.At.UnixMilli())
	it["conn"] = str(string(m.Connection))
	_, err := s.put(ctx, it, "", nil)
	return err
}

// DropAnnouncedMember removes the row, because member_removed was announced.
func (s *State) DropAnnouncedMember(
	ctx context.Context, app string, ch pusher.Channel, user string,
) error {
	return s.delete(ctx, announcedMemberKey(app, ch, user))
}

// MissLife is how long after an announced cache miss no other miss of the channel is announced.
const MissLife = 5 * time.Second

// SetAnnouncedMiss writes that a cache miss is announced, unless one was less than MissLife before.
// It reports whether it did.
func (s *State) SetAnnouncedMiss(
	ctx context.Context, app string, ch pusher.Channel, now time.Time,
) (bool, error) {
	it := announcedMissKey(app, ch)
	it["told"] = num(now.UnixMilli())
	it["expires"] = num(now.Add(MissLife).Unix() + 1)
	return s.put(ctx, it, "attribute_not_exists(pk) OR told <= :before",
		item{":before": num(now.Add(-MissLife).UnixMilli())})
}
