package membership

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"hark/shared/pusher"
	"hark/shared/state"
)

// Leases say what sweep looks at, and when. A lease is never put into the minute that is running,
// so that sweep may handle a minute as soon as it has begun.
type Leases interface {
	// PutLease makes a connection due in the minute of that time.
	PutLease(ctx context.Context, id pusher.ConnectionID, due time.Time) error
	// PutCountLease makes a channel's subscription count due in the minute of that time.
	PutCountLease(ctx context.Context, app string, ch pusher.Channel, due time.Time) error
	// Due returns the leases of a minute.
	Due(ctx context.Context, minute time.Time) ([]state.Lease, error)
	// DeleteLease removes a lease that has been handled.
	DeleteLease(ctx context.Context, l state.Lease) error
	// Swept returns the last minute that sweep has finished; the zero time if there is none.
	Swept(ctx context.Context) (time.Time, error)
	// SetSwept writes it.
	SetSwept(ctx context.Context, minute time.Time) error
}

// SweepWidth is how many leases or channels sweep and the audit handle at once.
const SweepWidth = 16

const (
	// leaseEvery is how often sweep asks for a connection that others see: one on a presence
	// channel, or signed in.
	leaseEvery = 10 * time.Minute
	// grace is how late a lease may be written: this long before its minute, or after it has begun.
	grace = 5 * time.Second
	// longestFrame is longer than any frame is at work, the start of its function included. A lease
	// of doubt is due later than that.
	longestFrame = time.Minute
)

// How much time must be left to begin another lease or channel. What sweep leaves of an invocation
// is the audit's.
const (
	sweepMargin = 5 * time.Second
	auditMargin = 3 * time.Second
)

// Swept is what a run of Sweep has done.
type Swept struct {
	Looked    int  // leases handled
	Forgotten int  // connections that had ended
	Behind    bool // leases are left; the next run goes on
}

// Sweep handles the leases that have come due since it last ran: dead connections that a forget
// left in doubt or failed on, connections that others see and whose $disconnect may have been lost,
// and subscription counts that are still to be sent.
//
// It handles a minute once the minute has begun, so that a run each minute finds no lease more than
// 65 seconds late. With the leases of nextLease, a connection that ends unnoticed is found within
// 11 minutes. A lease that fails is put off by two minutes and holds up nothing else. The leases of
// a finished minute are not read again; they are left to expire, which costs nothing.
func (m *Membership) Sweep(ctx context.Context) (Swept, error) {
	var r run
	minute, err := m.sweepFrom(ctx)
	finished := true
	for err == nil && finished && !m.now().Before(minute.Add(grace)) {
		finished, err = m.sweepMinute(ctx, minute, &r)
		minute = minute.Add(time.Minute)
	}
	done := Swept{
		Looked: int(r.looked.Load()), Forgotten: int(r.forgotten.Load()), Behind: !finished,
	}
	return done, errors.Join(r.err(), err)
}

// sweepFrom is the first minute that has not been swept. Leases older than a row's life have
// expired.
func (m *Membership) sweepFrom(ctx context.Context) (time.Time, error) {
	last, err := m.Leases.Swept(ctx)
	if oldest := m.now().Add(-state.RowLife); last.Before(oldest) {
		last = oldest
	}
	return last.Truncate(time.Minute).Add(time.Minute), err
}

// sweepMinute handles the leases of a minute. If it does not get through, it deletes those that are
// done.
func (m *Membership) sweepMinute(
	ctx context.Context, minute time.Time, r *run,
) (finished bool, err error) {
	leases, err := m.Leases.Due(ctx, minute)
	if err != nil {
		return false, err
	}
	done := atOnce(len(leases), func(i int) bool {
		return !late(ctx, sweepMargin) && m.handle(ctx, leases[i], r)
	})
	if !slices.Contains(done, false) {
		return true, m.Leases.SetSwept(ctx, minute)
	}
	atOnce(len(leases), func(i int) bool {
		if done[i] {
			r.fail(m.Leases.DeleteLease(ctx, leases[i]))
		}
		return true
	})
	return false, nil
}

// handle handles a lease, or puts it off if that fails. It reports whether the lease may go.
func (m *Membership) handle(ctx context.Context, l state.Lease, r *run) bool {
	forgotten, err := m.inspect(ctx, l)
	r.looked.Add(1)
	if err == nil {
		if forgotten {
			r.forgotten.Add(1)
		}
		return true
	}
	r.fail(err)
	due := m.now().Add(forgetAgain)
	if l.Connection == "" {
		err = m.Leases.PutCountLease(ctx, l.App, l.Channel, due)
	} else {
		err = m.Leases.PutLease(ctx, l.Connection, due)
	}
	r.fail(err)
	return err == nil
}

// inspect forgets the lease's connection if it has ended. For a channel it has the count sent.
func (m *Membership) inspect(ctx context.Context, l state.Lease) (forgotten bool, err error) {
	if l.Connection == "" {
		return false, m.Queue.Publish(ctx, state.Count{App: l.App, Channel: l.Channel})
	}
	c, err := m.Connections.Connection(ctx, l.Connection)
	if errors.Is(err, state.ErrGone) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if c.Dead {
		why := overdue
		if m.busy(c) { // the lease was not one of doubt, and doubt must last two minutes
			why = gone
		}
		return true, m.forget(ctx, c.ID, nil, why)
	}
	alive := false
	if m.now().Before(c.ConnectedAt.Add(state.RowLife)) { // no connection gets older than that
		if alive, err = m.Gateway.Alive(ctx, c.ID); err != nil {
			return false, fmt.Errorf("is %s there: %w", c.ID, err)
		}
	}
	if !alive {
		return true, m.forget(ctx, c.ID, nil, gone)
	}
	if !visible(c) {
		return false, nil
	}
	if c.User != "" { // a sign-in that died may not have sent the status
		if err := m.queueStatus(ctx, c.App, c.User); err != nil {
			return false, err
		}
	}
	return false, m.Leases.PutLease(ctx, c.ID, m.nextLease(c.ConnectedAt))
}

// busy reports whether a frame of a dead connection may still be at work. A frame that subscribes
// or unsubscribes writes its stamp to C before it touches any other row of the channel.
func (m *Membership) busy(c state.Connection) bool {
	young := m.before(longestFrame)
	for _, frames := range []map[pusher.Channel]state.Stamp{c.On, c.Off} {
		for _, t := range frames {
			if t > young {
				return true
			}
		}
	}
	return false
}

// visible reports whether other clients see the connection.
func visible(c state.Connection) bool {
	for ch := range c.On {
		if ch.Presence() {
			return true
		}
	}
	return c.User != ""
}

// nextLease is when sweep is to ask for a connection that others see: every ten minutes from the
// minute in which it connected, so that a connection has one lease however often one is written.
// The minute is not so near that the lease could be written too late. It begins at most 9 minutes
// 55 seconds from now, even if that is one minute earlier than the ten: once it has begun, 65
// seconds may pass until sweep comes.
func (m *Membership) nextLease(connectedAt time.Time) time.Time {
	now := m.now()
	due := connectedAt.Truncate(time.Minute)
	if wait := now.Add(grace).Sub(due); wait > 0 {
		due = due.Add((wait + leaseEvery - 1) / leaseEvery * leaseEvery)
	}
	if due.Sub(now) > leaseEvery-grace {
		due = due.Add(-time.Minute)
	}
	return due
}

// run collects the outcome of work that is done at once.
type run struct {
	looked, forgotten atomic.Int64

	mu       sync.Mutex
	failures int
	first    error // of the failures
}

// fail counts an error, if it is one. What failed must not hold up anything else.
func (r *run) fail(err error) {
	if err == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failures++; r.first == nil {
		r.first = err
	}
}

func (r *run) err() error {
	if r.failures == 0 {
		return nil
	}
	return fmt.Errorf("%d failed, the first: %w", r.failures, r.first)
}

// atOnce calls do for 0 to n-1, SweepWidth calls at once, and returns what each reported.
func atOnce(n int, do func(i int) bool) []bool {
	done := make([]bool, n)
	var group errgroup.Group
	group.SetLimit(SweepWidth)
	for i := range n {
		group.Go(func() error {
			done[i] = do(i)
			return nil
		})
	}
	_ = group.Wait() // no call fails
	return done
}

// late reports whether there is less time left than the margin.
func late(ctx context.Context, margin time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) < margin
}
