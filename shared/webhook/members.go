package webhook

import (
	"context"

	"hark/shared/pusher"
	"hark/shared/state"
)

// member compares whether a user is on a presence channel with what was announced to the app. The
// row of an announced member is written before member_added is sent, and removed after
// member_removed was sent. So if a check comes again and finds the row, it is not known which of
// the two was sent last. The check then announces member_added once more before it compares
// (docs/steps.md §3.5).
func (c *Checker) member(ctx context.Context, k state.Check) error {
	announced, err := c.Members.AnnouncedMember(ctx, k.App, k.Channel, k.User)
	if err != nil {
		return err
	}
	wasAnnounced := !announced.At.IsZero()
	if wasAnnounced && k.Again {
		if err := c.announceMember(ctx, k, pusher.WebhookMemberAdded, announced, 0); err != nil {
			return err
		}
	}
	connection, present, err := c.Members.Present(ctx, k.App, k.Channel, k.User)
	switch {
	case err != nil || present == wasAnnounced:
		return err
	case present:
		announced = state.AnnouncedMember{At: c.now(), Connection: connection}
		err := c.Members.SetAnnouncedMember(ctx, k.App, k.Channel, k.User, announced)
		if err != nil {
			return err
		}
		return c.announceMember(ctx, k, pusher.WebhookMemberAdded, announced, 0)
	}
	lasted := c.since(announced.At)
	if err := c.announceMember(ctx, k, pusher.WebhookMemberRemoved, announced, lasted); err != nil {
		return err
	}
	return c.Members.DropAnnouncedMember(ctx, k.App, k.Channel, k.User)
}

// announceMember announces an event about a user. lasted is how long the user was announced, in
// milliseconds.
func (c *Checker) announceMember(
	ctx context.Context, k state.Check, name string, announced state.AnnouncedMember, lasted int64,
) error {
	return c.announce(ctx, k.App, state.Delivery{
		Event:    pusher.WebhookEvent{Name: name, Channel: k.Channel, UserID: k.User},
		SocketID: announced.Connection.SocketID(), Lasted: lasted,
	})
}

// miss announces that a subscriber found no event on a cache channel: once for all subscribers of
// about the same time.
func (c *Checker) miss(ctx context.Context, k state.Check) error {
	first, err := c.Misses.SetAnnouncedMiss(ctx, k.App, k.Channel, c.now())
	if err != nil || !first && !k.Again {
		return err
	}
	return c.announce(ctx, k.App, state.Delivery{
		Event: pusher.WebhookEvent{Name: pusher.WebhookCacheMiss, Channel: k.Channel},
	})
}
