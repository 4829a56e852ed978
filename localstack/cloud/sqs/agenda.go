package sqs

import (
	"container/heap"
	"time"
)

// agenda is a heap of all messages of a queue, the one whose time comes first on top.
type agenda []*message

// due is when something happens to the message by itself: its delay or visibility timeout ends, or it expires.
func (m *message) due() time.Time {
	if m.state != visible && m.until.Before(m.expires) {
		return m.until
	}
	return m.expires
}

func (a agenda) Len() int { return len(a) }

func (a agenda) Less(i, j int) bool {
	if c := a[i].due().Compare(a[j].due()); c != 0 {
		return c < 0
	}
	return a[i].order < a[j].order
}

func (a agenda) Swap(i, j int) {
	a[i], a[j] = a[j], a[i]
	a[i].index, a[j].index = i, j
}

// Push is for container/heap only.
func (a *agenda) Push(x any) {
	m := x.(*message)
	m.index = len(*a)
	*a = append(*a, m)
}

// Pop is for container/heap only.
func (a *agenda) Pop() any {
	last := len(*a) - 1
	m := (*a)[last]
	(*a)[last] = nil
	*a = (*a)[:last]
	return m
}

// advance does all that has come due.
func (q *queue) advance(now time.Time) {
	for len(q.agenda) > 0 && !q.agenda[0].due().After(now) {
		m := q.agenda[0]
		if m.expires.After(now) {
			q.enter(m, visible)
			heap.Fix(&q.agenda, m.index)
		} else {
			q.remove(m)
		}
		q.settle(m.group)
	}
}

// arm sets the timer for the next entry of the agenda. Only those who wait need it: everybody else finds the queue
// brought up to date when they come.
func (q *queue) arm(now time.Time) {
	var due time.Time
	if q.waiters.Len() > 0 && len(q.agenda) > 0 {
		due = q.agenda[0].due()
	}
	switch {
	case due.Equal(q.armed):
		return
	case due.IsZero():
		q.timer.Stop()
	case q.timer == nil:
		q.timer = time.AfterFunc(due.Sub(now), q.tick)
	default:
		q.timer.Reset(due.Sub(now))
	}
	q.armed = due
}

func (q *queue) tick() {
	q.do(func(time.Time) { q.armed = time.Time{} })
}
