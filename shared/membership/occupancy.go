package membership

import (
	"context"
	"time"

	"hark/shared/pusher"
	"hark/shared/state"
)

// Markers are the rows that list occupied channels: K of docs/steps.md §3. vac is the nonce of a
// Vacate that found the channel empty.
type Markers interface {
	// ConnectionAndMarker reads both rows at once. A connection without a row is returned as dead.
	ConnectionAndMarker(
		ctx context.Context, c state.Connection, ch pusher.Channel,
	) (state.Connection, state.Marker, error)
	// Marker reads the row.
	Marker(ctx context.Context, app string, ch pusher.Channel) (state.Marker, error)
	// PutMarker writes the row, as of now, if there is none.
	PutMarker(ctx context.Context, app string, ch pusher.Channel, now time.Time) (bool, error)
	// MarkVacant sets vac to the nonce, if the row exists and has no vac or this one: a write whose
	// answer was lost is repeated.
	MarkVacant(ctx context.Context, app string, ch pusher.Channel, nonce string) (bool, error)
	// Reopen removes vac if it is the nonce.
	Reopen(ctx context.Context, app string, ch pusher.Channel, nonce string) (bool, error)
	// DeleteMarker removes the row if vac is the nonce.
	DeleteMarker(ctx context.Context, app string, ch pusher.Channel, nonce string) error
	// Occupied reports whether the channel has any S row, expired ones included.
	Occupied(ctx context.Context, app string, ch pusher.Channel) (bool, error)
}

const (
	// announceWithin is longer than a check waits in its queue. A channel that is occupied for
	// longer and was not announced has lost its check.
	announceWithin = 10 * time.Second
	// checkDelay is a little less than a check waits in its queue.
	checkDelay = 2 * time.Second
)

// occupy lists an occupied channel. k is its marker, read after the subscription was written.
func (m *Membership) occupy(
	ctx context.Context, app string, ch pusher.Channel, k state.Marker,
) error {
	asked, tried := time.Time{}, false
	for {
		if !k.Exists || k.Vacant != "" || m.unannounced(k) {
			// Before the marker is written: if this function dies in between, the check finds out.
			asked = m.now()
			if err := m.check(ctx, app, ch); err != nil {
				return err
			}
		}
		var done bool
		var err error
		switch {
		case !k.Exists:
			done, err = m.Markers.PutMarker(ctx, app, ch, m.now())
		case k.Vacant != "":
			done, err = m.Markers.Reopen(ctx, app, ch, k.Vacant)
		case tried && m.Checks == nil:
			// The write that was refused may have been this one, repeated after its answer was
			// lost.
			return m.Vacate(ctx, app, ch)
		default:
			return nil
		}
		if err != nil {
			return err
		}
		if done && m.Checks != nil {
			return m.checkAgain(ctx, app, ch, asked)
		}
		if done {
			// The subscriber that listed the channel may have left meanwhile
			// (docs/decisions/0014-markers-without-webhooks.md).
			return m.Vacate(ctx, app, ch)
		}
		tried = true
		if k, err = m.Markers.Marker(ctx, app, ch); err != nil {
			return err
		}
	}
}

// unannounced reports whether the channel's check was lost: the webhooks should have announced the
// channel by now and did not.
func (m *Membership) unannounced(k state.Marker) bool {
	return m.Checks != nil && k.Announced == state.AnnouncedNothing &&
		m.now().Sub(k.At) > announceWithin
}

// check queues a check of the channel, if the stack has webhooks.
func (m *Membership) check(ctx context.Context, app string, ch pusher.Channel) error {
	if m.Checks == nil {
		return nil
	}
	return m.Checks.Check(ctx, app, ch, "")
}

// checkAgain queues a second check after a write that took so long that the first check, queued at
// asked, may have run before it.
func (m *Membership) checkAgain(
	ctx context.Context, app string, ch pusher.Channel, asked time.Time,
) error {
	if m.now().Sub(asked) < checkDelay {
		return nil
	}
	return m.check(ctx, app, ch)
}

// Vacate removes the marker of a channel that has no subscriber. It flags the marker and then looks
// for subscribers a second time: a subscriber that comes in between is either seen here or sees the
// flag.
func (m *Membership) Vacate(ctx context.Context, app string, ch pusher.Channel) error {
	occupied, err := m.Markers.Occupied(ctx, app, ch)
	if err != nil || occupied {
		return err
	}
	asked := m.now()
	if err := m.check(ctx, app, ch); err != nil {
		return err
	}
	nonce := m.nonce()
	ok, err := m.Markers.MarkVacant(ctx, app, ch, nonce)
	if err != nil || !ok {
		return err // it is not listed, or another function vacates it
	}
	if err := m.checkAgain(ctx, app, ch, asked); err != nil {
		return err
	}
	return m.finishVacate(ctx, app, ch, nonce)
}

// finishVacate does what is left of a Vacate that has set the flag, whether that one died or is
// still at work: every write here is on the condition that the flag is still its. In a stack with
// webhooks the queued check removes the marker.
func (m *Membership) finishVacate(
	ctx context.Context, app string, ch pusher.Channel, nonce string,
) error {
	occupied, err := m.Markers.Occupied(ctx, app, ch)
	switch {
	case err != nil:
		return err
	case !occupied && m.Checks != nil:
		return nil
	case !occupied:
		return m.Markers.DeleteMarker(ctx, app, ch, nonce)
	}
	ok, err := m.Markers.Reopen(ctx, app, ch, nonce)
	if err != nil || !ok || m.Checks != nil {
		return err
	}
	// The new subscriber may have left already and found the flag set
	// (docs/decisions/0014-markers-without-webhooks.md).
	return m.Vacate(ctx, app, ch)
}

// unlist removes the marker of an empty channel, also if a Vacate died over it.
func (m *Membership) unlist(ctx context.Context, app string, ch pusher.Channel) error {
	k, err := m.Markers.Marker(ctx, app, ch)
	switch {
	case err != nil || !k.Exists:
		return err
	case k.Vacant == "":
		return m.Vacate(ctx, app, ch)
	}
	if err := m.check(ctx, app, ch); err != nil {
		return err
	}
	return m.finishVacate(ctx, app, ch, k.Vacant)
}
