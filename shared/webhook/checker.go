package webhook

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"hark/shared/pusher"
	"hark/shared/state"
)

// Checker brings what an app has been told into line with what is. It keeps nothing between calls. At most one may be at work on a
// channel at a time; the queue sees to that.
type Checker struct {
	Markers  Markers
	Members  Members
	Misses   Misses
	Apps     Apps
	Notifier Announcer
	Now      func() time.Time // time.Now if nil
	Nonce    func() string    // unique; random if nil
}

// Markers are the rows that list occupied channels: K of docs/steps.md §3. Every read is strongly consistent, and a write on a condition
// reports whether the condition held.
type Markers interface {
	// Marker reads the row.
	Marker(ctx context.Context, app string, ch pusher.Channel) (state.Marker, error)
	// Occupied reports whether the channel has any subscription.
	Occupied(ctx context.Context, app string, ch pusher.Channel) (bool, error)
	// MarkVacant sets vac to the nonce if the row exists and has no vac.
	MarkVacant(ctx context.Context, app string, ch pusher.Channel, nonce string) (bool, error)
	// Reopen removes vac if it is the nonce.
	Reopen(ctx context.Context, app string, ch pusher.Channel, nonce string) (bool, error)
	// TakeMarker removes the row if vac is the nonce.
	TakeMarker(ctx context.Context, app string, ch pusher.Channel, nonce string) (bool, error)
	// SetAnnounced sets told, if the row exists and, unless the nonce is empty, vac is the nonce.
	SetAnnounced(ctx context.Context, app string, ch pusher.Channel, announced state.Announced, nonce string) (bool, error)
}

// Members are the users on presence channels, and what the app was told of them.
type Members interface {
	// Present reports whether the user has any subscription to the channel, and returns one of its connections.
	Present(ctx context.Context, app string, ch pusher.Channel, user string) (pusher.ConnectionID, bool, error)
	// AnnouncedMember returns what was told; the zero value if nothing was.
	AnnouncedMember(ctx context.Context, app string, ch pusher.Channel, user string) (state.AnnouncedMember, error)
	// SetAnnouncedMember notes that the app is told that the user is there.
	SetAnnouncedMember(ctx context.Context, app string, ch pusher.Channel, user string, announced state.AnnouncedMember) error
	// DropAnnouncedMember notes that the app has been told that the user has gone.
	DropAnnouncedMember(ctx context.Context, app string, ch pusher.Channel, user string) error
}

// Misses remember which cache misses were told.
type Misses interface {
	// SetAnnouncedMiss notes that a miss is told now, unless one was a few seconds ago.
	SetAnnouncedMiss(ctx context.Context, app string, ch pusher.Channel, now time.Time) (bool, error)
}

// Apps finds an app; it fails with pusher.ErrNoApp if there is none.
type Apps interface {
	ByID(ctx context.Context, id string) (pusher.App, error)
}

// Announcer is a Notifier.
type Announcer interface {
	// Announce queues the event in d, with its details, for every endpoint that wants it. Once it has
	// returned nil, the event will be delivered.
	Announce(ctx context.Context, app pusher.App, d state.Delivery) error
}

// Check does one check. After an error it must be done again, marked as such, before anything else of the channel.
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

// channel takes the channel one step on: "Check" of docs/steps.md §3. What is told is written down first if somebody came, and last if
// everybody left, so that whoever checks again after a death finds out what may not have been told.
func (c *Checker) channel(ctx context.Context, app string, ch pusher.Channel, again bool) (done bool, err error) {
	k, err := c.Markers.Marker(ctx, app, ch)
	switch {
	case err != nil:
		return false, err
	case !k.Exists:
		return true, nil
	case again && k.Announced == state.AnnouncedOccupied: // perhaps written down and not told
		return false, c.announceOccupied(ctx, app, ch)
	case k.Vacant != "":
		return c.vacant(ctx, app, ch, k)
	case k.Announced == state.AnnouncedVacated: // perhaps told, but somebody has come since
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
	case !occupied: // whoever left has died before it could say so
		nonce := c.nonce()
		if ok, err := c.Markers.MarkVacant(ctx, app, ch, nonce); err != nil || !ok {
			return false, err
		}
		k.Vacant = nonce
		return c.vacant(ctx, app, ch, k)
	case k.Announced == state.AnnouncedNothing:
		if ok, err := c.Markers.SetAnnounced(ctx, app, ch, state.AnnouncedOccupied, ""); err != nil || !ok {
			return false, err
		}
		return false, c.announceOccupied(ctx, app, ch)
	}
	return true, nil
}

// vacant takes a channel on that somebody has found empty, and flagged.
func (c *Checker) vacant(ctx context.Context, app string, ch pusher.Channel, k state.Marker) (done bool, err error) {
	occupied, err := c.Markers.Occupied(ctx, app, ch)
	switch {
	case err != nil:
		return false, err
	case occupied:
		_, err := c.Markers.Reopen(ctx, app, ch, k.Vacant)
		return false, err
	case k.Announced == state.AnnouncedNothing: // and nothing need be
		return c.Markers.TakeMarker(ctx, app, ch, k.Vacant)
	}
	if ok, err := c.Markers.SetAnnounced(ctx, app, ch, state.AnnouncedVacated, k.Vacant); err != nil || !ok {
		return false, err
	}
	if err := c.announceVacated(ctx, app, ch, k); err != nil {
		return false, err
	}
	if taken, err := c.Markers.TakeMarker(ctx, app, ch, k.Vacant); err != nil || taken {
		return taken, err
	}
	_, err = c.Markers.SetAnnounced(ctx, app, ch, state.AnnouncedNothing, "") // somebody has come: it must be told anew
	return false, err
}

func (c *Checker) announceOccupied(ctx context.Context, app string, ch pusher.Channel) error {
	return c.announce(ctx, app, state.Delivery{Event: pusher.WebhookEvent{Name: pusher.WebhookChannelOccupied, Channel: ch}})
}

func (c *Checker) announceVacated(ctx context.Context, app string, ch pusher.Channel, k state.Marker) error {
	return c.announce(ctx, app, state.Delivery{
		Event: pusher.WebhookEvent{Name: pusher.WebhookChannelVacated, Channel: ch}, Lasted: c.since(k.At),
	})
}

// announce queues a webhook event. An app that was removed is sent nothing, but its rows are still
// put in order.
func (c *Checker) announce(ctx context.Context, app string, d state.Delivery) error {
	tenant, err := c.Apps.ByID(ctx, app)
	if errors.Is(err, pusher.ErrNoApp) {
		return nil
	}
	if err != nil {
		return err
	}
	return c.Notifier.Announce(ctx, tenant, d)
}

func (c *Checker) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

// since is how long ago that was, in milliseconds.
func (c *Checker) since(t time.Time) int64 { return max(c.now().Sub(t).Milliseconds(), 0) }

func (c *Checker) nonce() string {
	if c.Nonce != nil {
		return c.Nonce()
	}
	return rand.Text()
}
