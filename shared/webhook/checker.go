package webhook

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"hark/shared/pusher"
	"hark/shared/state"
)

// Checker compares what is with what was announced to an app, and announces what differs. It keeps
// nothing between calls. A channel must not have two checks at once; the queue sees to that.
type Checker struct {
	Markers  Markers
	Members  Members
	Misses   Misses
	Apps     Apps
	Notifier Announcer
	Now      func() time.Time // time.Now if nil
	Nonce    func() string    // returns a unique text; a random one if nil
}

// Markers are the rows that list occupied channels: K of docs/steps.md §3. Every read is strongly
// consistent. A conditional write reports whether its condition held.
type Markers interface {
	// Marker reads the row; the zero value says that there is none.
	Marker(ctx context.Context, app string, ch pusher.Channel) (state.Marker, error)
	// Occupied reports whether the channel has any subscription.
	Occupied(ctx context.Context, app string, ch pusher.Channel) (bool, error)
	// MarkVacant sets vac to the nonce if the row exists and has no vac.
	MarkVacant(ctx context.Context, app string, ch pusher.Channel, nonce string) (bool, error)
	// Reopen removes vac if it is the nonce.
	Reopen(ctx context.Context, app string, ch pusher.Channel, nonce string) (bool, error)
	// TakeMarker removes the row if vac is the nonce.
	TakeMarker(ctx context.Context, app string, ch pusher.Channel, nonce string) (bool, error)
	// SetAnnounced writes what was announced, if the row exists and, unless the nonce is empty, vac
	// is the nonce.
	SetAnnounced(
		ctx context.Context, app string, ch pusher.Channel, announced state.Announced, nonce string,
	) (bool, error)
}

// Members are the users on presence channels, and what was announced of them.
type Members interface {
	// Present reports whether the user has any subscription to the channel, and returns one of the
	// user's connections.
	Present(
		ctx context.Context, app string, ch pusher.Channel, user string,
	) (pusher.ConnectionID, bool, error)
	// AnnouncedMember returns what was announced; the zero value if nothing was.
	AnnouncedMember(
		ctx context.Context, app string, ch pusher.Channel, user string,
	) (state.AnnouncedMember, error)
	// SetAnnouncedMember writes that member_added is announced.
	SetAnnouncedMember(
		ctx context.Context, app string, ch pusher.Channel, user string,
		announced state.AnnouncedMember,
	) error
	// DropAnnouncedMember removes the row, after member_removed was announced.
	DropAnnouncedMember(ctx context.Context, app string, ch pusher.Channel, user string) error
}

// Misses are the cache misses that were announced.
type Misses interface {
	// SetAnnouncedMiss writes that a miss is announced now, unless one was a few seconds ago. It
	// reports whether it did.
	SetAnnouncedMiss(
		ctx context.Context, app string, ch pusher.Channel, now time.Time,
	) (bool, error)
}

// Apps reads apps.
type Apps interface {
	// ByID returns the app; it fails with pusher.ErrNoApp if there is none.
	ByID(ctx context.Context, id string) (pusher.App, error)
}

// Announcer announces webhook events. It is a Notifier.
type Announcer interface {
	// Announce queues the event in d, with its details, for every endpoint that wants it. Once it
	// has returned nil, the event will be delivered.
	Announce(ctx context.Context, app pusher.App, d state.Delivery) error
}

// Check does one check. After an error it must be done again, with k.Again set, before any other
// check of the channel.
func (c *Checker) Check(ctx context.Context, k state.Check) error {
	switch {
	case k.Missed:
		return c.miss(ctx, k)
	case k.User != "":
		return c.member(ctx, k)
	}
	for again := k.Again; ; again = false {
		if done, err := c.channel(ctx, k.App, k.Channel, again); err != nil || done {
			return err
		}
	}
}

// channel does one round of a channel's check: a row of the table in docs/steps.md §3.5. The marker
// says "occupied" before channel_occupied is sent, and exists until channel_vacated was sent. So
// the next run after a crash finds out what was perhaps not sent.
func (c *Checker) channel(
	ctx context.Context, app string, ch pusher.Channel, again bool,
) (done bool, err error) {
	k, err := c.Markers.Marker(ctx, app, ch)
	switch {
	case err != nil:
		return false, err
	case !k.Exists:
		return true, nil
	case again && k.Announced == state.AnnouncedOccupied: // perhaps written and not sent
		return false, c.announceOccupied(ctx, app, ch)
	case k.Vacant != "":
		return c.vacant(ctx, app, ch, k)
	case k.Announced == state.AnnouncedVacated: // perhaps sent, and a subscriber has come since
		if err := c.announceVacated(ctx, app, ch, k); err != nil {
			return false, err
		}
		_, err := c.Markers.SetAnnounced(ctx, app, ch, state.AnnouncedNothing, "")
		return false, err
	}
	occupied, err := c.Markers.Occupied(ctx, app, ch)
	switch {
	case err != nil:
		return false, err
	case !occupied: // the function that removed the last subscription died before it set vac
		nonce := c.nonce()
		if ok, err := c.Markers.MarkVacant(ctx, app, ch, nonce); err != nil || !ok {
			return false, err
		}
		k.Vacant = nonce
		return c.vacant(ctx, app, ch, k)
	case k.Announced == state.AnnouncedNothing:
		ok, err := c.Markers.SetAnnounced(ctx, app, ch, state.AnnouncedOccupied, "")
		if err != nil || !ok {
			return false, err
		}
		return false, c.announceOccupied(ctx, app, ch)
	}
	return true, nil
}

// vacant does one round for a channel whose marker has vac: a function has found it empty.
func (c *Checker) vacant(
	ctx context.Context, app string, ch pusher.Channel, k state.Marker,
) (done bool, err error) {
	occupied, err := c.Markers.Occupied(ctx, app, ch)
	switch {
	case err != nil:
		return false, err
	case occupied:
		_, err := c.Markers.Reopen(ctx, app, ch, k.Vacant)
		return false, err
	case k.Announced == state.AnnouncedNothing: // so channel_vacated need not be sent either
		return c.Markers.TakeMarker(ctx, app, ch, k.Vacant)
	}
	ok, err := c.Markers.SetAnnounced(ctx, app, ch, state.AnnouncedVacated, k.Vacant)
	if err != nil || !ok {
		return false, err
	}
	if err := c.announceVacated(ctx, app, ch, k); err != nil {
		return false, err
	}
	if taken, err := c.Markers.TakeMarker(ctx, app, ch, k.Vacant); err != nil || taken {
		return taken, err
	}
	// A subscriber has come: the next round announces the channel anew.
	_, err = c.Markers.SetAnnounced(ctx, app, ch, state.AnnouncedNothing, "")
	return false, err
}

func (c *Checker) announceOccupied(ctx context.Context, app string, ch pusher.Channel) error {
	return c.announce(ctx, app, state.Delivery{
		Event: pusher.WebhookEvent{Name: pusher.WebhookChannelOccupied, Channel: ch},
	})
}

func (c *Checker) announceVacated(
	ctx context.Context, app string, ch pusher.Channel, k state.Marker,
) error {
	return c.announce(ctx, app, state.Delivery{
		Event:  pusher.WebhookEvent{Name: pusher.WebhookChannelVacated, Channel: ch},
		Lasted: c.since(k.At),
	})
}

// announce queues a webhook event. An app that was removed is sent nothing, but its rows are still
// put in order.
func (c *Checker) announce(ctx context.Context, id string, d state.Delivery) error {
	app, err := c.Apps.ByID(ctx, id)
	if errors.Is(err, pusher.ErrNoApp) {
		return nil
	}
	if err != nil {
		return err
	}
	return c.Notifier.Announce(ctx, app, d)
}

func (c *Checker) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

// since returns the milliseconds since t.
func (c *Checker) since(t time.Time) int64 { return max(c.now().Sub(t).Milliseconds(), 0) }

func (c *Checker) nonce() string {
	if c.Nonce != nil {
		return c.Nonce()
	}
	return rand.Text()
}
