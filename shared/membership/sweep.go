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
)

// SweepWidth is how many things Sweep and the audit look at at once.
const SweepWidth = 16

const (
	// lookEvery is how often somebody is looked at whom others see: on a presence channel, or signed in.
	lookEvery = 10 * time.Minute
	// grace is how late a lease may be written, before its minute and after it has begun.
	grace = 5 * time.Second
	// atWork is longer than any frame is, the start of its function included. A lease of doubt comes due later than that.
	atWork = time.Minute
)

// How much time must be left for one thing more to be begun. What Sweep leaves of an invocation is the audit's.
const (
	sweepMargin = 5 * time.Second
	auditMargin = 3 * time.Second
)

// Swept is what a run of Sweep has done.
type Swept struct {
	Looked    int  // at what had come due
	Forgotten int  // connections that had ended
	Behind    bool // not all of it was done; the next run goes on
}

// Sweep looks at what has come due since it last ran: at dead connections that a Forget left in doubt or failed on, at connections
// that others see and whose end may never have been told, and at numbers of subscribers that are still to be told.
//
// A minute is worked on once it has begun, so that a run each minute finds no lease more than 65 seconds late; with the leases of
// lookAgain, a connection that ends unnoticed is found within 11 minutes. What fails is put off by two minutes, and holds up nothing
// else. A minute that is done is never read again, so its leases are left to expire, which costs nothing.
func (m *Membership) Sweep(ctx context.Context) (Swept, error) {
	var r run
	minute, err := m.sweepFrom(ctx)
	finished := true
	for err == nil && finished && !m.now().Before(minute.Add(grace)) {
		finished, err = m.sweepMinute(ctx, minute, &r)
		minute = minute.Add(time.Minute)
	}
	done := Swept{Looked: int(r.looked.Load()), Forgotten: int(r.forgotten.Load()), Behind: !finished}
	return done, errors.Join(r.err(), err)
}

// sweepFrom is the first minute that has not been swept. What was due longer ago than a row lives has expired.
func (m *Membership) sweepFrom(ctx context.Context) (time.Time, error) {
	last, err := m.Store.Swept(ctx)
	if oldest := m.now().Add(-pusher.RowLife); last.Before(oldest) {
		last = oldest
	}
	return last.Truncate(time.Minute).Add(time.Minute), err
}

// sweepMinute looks at all that is due in a minute. Of one that it does not get through it deletes the leases that are done.
func (m *Membership) sweepMinute(ctx context.Context, minute time.Time, r *run) (finished bool, err error) {
	leases, err := m.Store.Due(ctx, minute)
	if err != nil {
		return false, err
	}
	done := atOnce(len(leases), func(i int) bool {
		return !late(ctx, sweepMargin) && m.tend(ctx, leases[i], r)
	})
	if !slices.Contains(done, false) {
		return true, m.Store.SetSwept(ctx, minute)
	}
	atOnce(len(leases), func(i int) bool {
		if done[i] {
			r.fail(m.Store.DeleteLease(ctx, leases[i]))
		}
		return true
	})
	return false, nil
}

// tend looks at what is due, or puts it off if that fails. It reports whether the lease has done its duty.
func (m *Membership) tend(ctx context.Context, l Lease, r *run) bool {
	forgotten, err := m.look(ctx, l)
	r.looked.Add(1)
	if err == nil {
		if forgotten {
			r.forgotten.Add(1)
		}
		return true
	}
	r.fail(err)
	due := m.now().Add(again)
	if l.Connection == "" {
		err = m.Store.PutCountLease(ctx, l.App, l.Channel, due)
	} else {
		err = m.Store.PutLease(ctx, l.Connection, due)
	}
	r.fail(err)
	return err == nil
}

// look looks at a connection: has it ended? Of a channel's subscribers it has the number told.
func (m *Membership) look(ctx context.Context, l Lease) (forgotten bool, err error) {
	if l.Connection == "" {
		return false, m.Queue.Publish(ctx, pusher.Broadcast{Kind: pusher.KindCount, App: l.App, Channel: l.Channel})
	}
	c, err := m.Store.Connection(ctx, l.Connection)
	if errors.Is(err, pusher.ErrGone) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if c.Dead {
		why := overdue
		if m.busy(c) { // the lease was for something else: what is in doubt stays so for two minutes
			why = gone
		}
		return true, m.forget(ctx, c.ID, nil, why)
	}
	alive := false
	if m.now().Before(c.ConnectedAt.Add(pusher.RowLife)) { // nobody needs to ask later: no socket gets so old
		if alive, err = m.Sockets.Alive(ctx, c.ID); err != nil {
			return false, fmt.Errorf("is %s there: %w", c.ID, err)
		}
	}
	if !alive {
		return true, m.forget(ctx, c.ID, nil, gone)
	}
	if !seen(c) {
		return false, nil
	}
	if c.User != "" { // a sign-in that died may have told nobody
		if err := m.userChanged(ctx, c.App, c.User); err != nil {
			return false, err
		}
	}
	return false, m.Store.PutLease(ctx, c.ID, m.lookAgain(c.ConnectedAt))
}

// busy reports whether a frame of a dead connection may still be at work: the connection notes each before anything else.
func (m *Membership) busy(c pusher.Connection) bool {
	young := m.before(atWork)
	for _, frames := range []map[pusher.Channel]pusher.Stamp{c.On, c.Off} {
		for _, t := range frames {
			if t > young {
				return true
			}
		}
	}
	return false
}

// seen reports whether others are told that the connection is there.
func seen(c pusher.Connection) bool {
	for ch := range c.On {
		if ch.Presence() {
			return true
		}
	}
	return c.User != ""
}

// lookAgain is when Sweep is to look at a connection that others see: every ten minutes from the one in which it connected, so that
// however often it asks, it has one lease. The minute is not so near that the lease could come too late for it. It begins at most
// 9 minutes 55 seconds from now, for which it may have to be one too early: once it has begun, 65 seconds may pass until Sweep comes.
func (m *Membership) lookAgain(connectedAt time.Time) time.Time {
	now := m.now()
	due := connectedAt.Truncate(time.Minute)
	if wait := now.Add(grace).Sub(due); wait > 0 {
		due = due.Add((wait + lookEvery - 1) / lookEvery * lookEvery)
	}
	if due.Sub(now) > lookEvery-grace {
		due = due.Add(-time.Minute)
	}
	return due
}

// run is what the things that are done at once have in common.
type run struct {
	looked, forgotten atomic.Int64

	mu       sync.Mutex
	failures int
	first    error // of the failures
}

// fail notes an error, if it is one. What failed must not hold up anything else.
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

// atOnce does n things, SweepWidth of them at once, and returns which were done.
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
	_ = group.Wait() // none of them fails
	return done
}

// late reports whether there is less time left than the margin.
func late(ctx context.Context, margin time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) < margin
}
