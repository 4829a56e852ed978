package membership

import (
	"context"
	"errors"
	"time"

	"hark/shared/pusher"
)

// Sweep forgets for good the dead connections that have come due since it last ran; functions that may have been at work
// on them have ended by then. It notes each minute that it has finished, so that a run which dies is taken up by the next.
func (m *Membership) Sweep(ctx context.Context) (forgotten int, err error) {
	minute, err := m.sweepFrom(ctx)
	if err != nil {
		return 0, err
	}
	var failed error
	for ; minute.Add(time.Minute).Before(m.now()); minute = minute.Add(time.Minute) {
		ids, err := m.Store.Due(ctx, minute)
		if err != nil {
			return forgotten, err
		}
		for _, id := range ids {
			if one := m.forget(ctx, id, nil, overdue); one != nil {
				failed = errors.Join(failed, one) // it has a new lease, and must not hold up the others
			} else {
				forgotten++
			}
			if err := m.Store.DeleteLease(ctx, id, minute); err != nil {
				return forgotten, errors.Join(failed, err)
			}
		}
		if err := m.Store.SetSwept(ctx, minute); err != nil {
			return forgotten, err
		}
	}
	return forgotten, failed
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
