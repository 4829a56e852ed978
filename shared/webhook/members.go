package webhook

import (
	"context"

	"hark/shared/pusher"
)

// member compares whether a user is on a presence channel with what the app was told. It is written down before it is told that the
// user came, and removed after it is told that it left: whoever checks again after a death, and finds it written down, cannot know
// which of both was told last, and says first that the user is there, then what has become of it.
func (c *Checker) member(ctx context.Context, k pusher.Check) error {
	told, err := c.Members.ToldMember(ctx, k.App, k.Channel, k.User)
	if err != nil {
		return err
	}
	known := !told.At.IsZero()
	if known && k.Again {
		if err := c.tellMember(ctx, k, pusher.NoticeMember, told, 0); err != nil {
			return err
		}
	}
	connection, there, err := c.Members.Present(ctx, k.App, k.Channel, k.User)
	switch {
	case err != nil || there == known:
		return err
	case there:
		told = pusher.ToldMember{At: c.now(), Connection: connection}
		if err := c.Members.SetToldMember(ctx, k.App, k.Channel, k.User, told); err != nil {
			return err
		}
		return c.tellMember(ctx, k, pusher.NoticeMember, told, 0)
	}
	if err := c.tellMember(ctx, k, pusher.NoticeLeft, told, c.since(told.At)); err != nil {
		return err
	}
	return c.Members.DropToldMember(ctx, k.App, k.Channel, k.User)
}

func (c *Checker) tellMember(ctx context.Context, k pusher.Check, name string, told pusher.ToldMember, lasted int64) error {
	return c.tell(ctx, k.App, pusher.Delivery{
		Notice:   pusher.Notice{Name: name, Channel: k.Channel, UserID: k.User},
		SocketID: told.Connection.SocketID(), Lasted: lasted,
	})
}

// miss tells the app that somebody found a cache channel empty, once for all who do so at about the same time.
func (c *Checker) miss(ctx context.Context, k pusher.Check) error {
	first, err := c.Misses.SetToldMiss(ctx, k.App, k.Channel, c.now())
	if err != nil || !first && !k.Again {
		return err
	}
	return c.tell(ctx, k.App, pusher.Delivery{Notice: pusher.Notice{Name: pusher.NoticeMiss, Channel: k.Channel}})
}
