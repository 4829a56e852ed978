package webhook

import (
	"context"

	"hark/shared/pusher"
	"hark/shared/state"
)

// member compares whether a user is on a presence channel with what the app was announced. It is written down before it is announced that the
// user came, and removed after it is announced that it left: whoever checks again after a death, and finds it written down, cannot know
// which of both was announced last, and says first that the user is there, then what has become of it.
func (c *Checker) member(ctx context.Context, k state.Check) error {
	announced, err := c.Members.AnnouncedMember(ctx, k.App, k.Channel, k.User)
	if err != nil {
		return err
	}
	known := !announced.At.IsZero()
	if known && k.Again {
		if err := c.announceMember(ctx, k, pusher.WebhookMemberAdded, announced, 0); err != nil {
			return err
		}
	}
	connection, there, err := c.Members.Present(ctx, k.App, k.Channel, k.User)
	switch {
	case err != nil || there == known:
		return err
	case there:
		announced = state.AnnouncedMember{At: c.now(), Connection: connection}
		if err := c.Members.SetAnnouncedMember(ctx, k.App, k.Channel, k.User, announced); err != nil {
			return err
		}
		return c.announceMember(ctx, k, pusher.WebhookMemberAdded, announced, 0)
	}
	if err := c.announceMember(ctx, k, pusher.WebhookMemberRemoved, announced, c.since(announced.At)); err != nil {
		return err
	}
	return c.Members.DropAnnouncedMember(ctx, k.App, k.Channel, k.User)
}

func (c *Checker) announceMember(ctx context.Context, k state.Check, name string, announced state.AnnouncedMember, lasted int64) error {
	return c.announce(ctx, k.App, state.Delivery{
		Event:    pusher.WebhookEvent{Name: name, Channel: k.Channel, UserID: k.User},
		SocketID: announced.Connection.SocketID(), Lasted: lasted,
	})
}

// miss tells the app that somebody found a cache channel empty, once for all who do so at about the same time.
func (c *Checker) miss(ctx context.Context, k state.Check) error {
	first, err := c.Misses.SetAnnouncedMiss(ctx, k.App, k.Channel, c.now())
	if err != nil || !first && !k.Again {
		return err
	}
	return c.announce(ctx, k.App, state.Delivery{Event: pusher.WebhookEvent{Name: pusher.WebhookCacheMiss, Channel: k.Channel}})
}
