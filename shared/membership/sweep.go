package membership

import (
	"context"
	"errors"
	"time"

	"hark/shared/pusher"
)

// presenceLease is how often a connection is looked at that others can see: a ghost among the members lives a minute longer at most.
const presenceLease = 10 * time.Minute

// lookAgain is when Sweep looks at a connection next: in a minute that depends on when it came, so that the leases of one
// connection are one.
func (m *Membership) lookAgain(connectedAt time.Time) time.Time {
	running := m.now().Truncate(time.Minute)
	due := connectedAt.Truncate(time.Minute)
	for !due.After(running) {
		due = due.Add(presenceLease)
	}
	return due
}

// Sweep forgets for good the connections that have come due and are dead or gone.
func (m *Membership) Sweep(ctx context.Context) (forgotten int, err error) {
	minute, err := m.sweepFrom(ctx)
	if err != nil {
		return 0, err
	}
	var failed error
	for ; minute.Add(5 * time.Second).Before(m.now()); minute = minute.Add(time.Minute) {
		due, err := m.Store.Due(ctx, minute)
		if err != nil {
			return forgotten, err
		}
		for _, l := range due {
			if one := m.look(ctx, l); one != nil {
				failed = errors.Join(failed, one)
			} else {
				forgotten++
			}
			if err := m.Store.DeleteLease(ctx, l); err != nil {
				return forgotten, errors.Join(failed, err)
			}
		}
		if err := m.Store.SetSwept(ctx, minute); err != nil {
			return forgotten, err
		}
	}
	return forgotten, failed
}

func (m *Membership) look(ctx context.Context, l pusher.Lease) error {
	if l.Connection == "" {
		return m.Queue.Publish(ctx, pusher.Broadcast{Kind: pusher.KindCount, App: l.App, Channel: l.Channel})
	}
	c, err := m.Store.Connection(ctx, l.Connection)
	if errors.Is(err, pusher.ErrGone) {
		return nil
	}
	if err != nil {
		return err
	}
	if !c.Dead {
		alive, err := m.Sockets.Alive(ctx, l.Connection)
		if err != nil {
			return err
		}
		if alive {
			return m.Store.PutLease(ctx, l.Connection, m.lookAgain(c.ConnectedAt))
		}
	}
	return m.forget(ctx, l.Connection, nil, overdue)
}

// sweepFrom is the first minute that has not been swept. Nothing is due in a stack's first two minutes, and what was due
// longer ago than a row lives has expired.
func (m *Membership) sweepFrom(ctx context.Context) (time.Time, error) {
	last, err := m.Store.Swept(ctx)
	if err != nil {
		return time.Time{}, err
	}
	oldest := m.now().Add(-pusher.RowLife)
	if last.IsZero() {
		oldest = m.now().Add(-again)
	}
	if last.Before(oldest) {
		last = oldest
	}
	return last.Truncate(time.Minute).Add(time.Minute), nil
}
