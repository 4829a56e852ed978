package sqs

import (
	"container/heap"
	"time"
)

// agenda is a heap of all messages of a queue, by the time at which they are due.
type agenda []*message

// due is when the message next changes by itself: its delay or its visibility timeout ends, or it
// expires.
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

// advance applies all changes that are due.
func (q *queue) advance(now time.Time) {
	for len(q.agenda) > 0 && !q.agenda[0].due().After(now) {
		m := q.agenda[0]
		if m.expires.After(now) {
			q.setState(m, visible)
			heap.Fix(&q.agenda, m.index)
		} else {
			q.remove(m)
		}
		q.updateReady(m.group)
	}
}

// arm sets the timer to the time of the agenda's first message. Only waiting receives need the
// timer: every other call brings the queue up to date itself.
func (q *queue) arm(now time.Time) {
	var due time.Time
	if q.waiters.Len() > 0 && len(q.agenda) > 0 {
		due = q.agenda[0].due()
	}
	switch {
	case due.Equal(q.timerAt):
		return
	case due.IsZero():
		q.timer.Stop()
	case q.timer == nil:
		q.timer = time.AfterFunc(due.Sub(now), q.tick)
	default:
		q.timer.Reset(due.Sub(now))
	}
	q.timerAt = due
}

func (q *queue) tick() {
	q.do(func(time.Time) { q.timerAt = time.Time{} })
}
