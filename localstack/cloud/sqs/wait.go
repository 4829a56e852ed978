package sqs

import (
	"container/list"
	"context"
	"time"

	"hark/localstack/cloud/iam"
)

// waiter is a receive that found nothing yet.
type waiter struct {
	function   string // who receives, if it is one
	most       int
	visibility time.Duration
	got        chan []delivery // has room for the one answer
}

// receive returns up to most messages, at once if there are any, else as soon as there are, else nothing after the wait
// or when the context ends. Those who wait are served in the order they came.
func (q *queue) receive(ctx context.Context, most int, visibility, wait time.Duration) []delivery {
	if ctx.Err() != nil {
		return nil
	}
	var got []delivery
	var place *list.Element
	w := &waiter{function: iam.Caller(ctx), most: most, visibility: visibility}
	q.do(func(now time.Time) {
		got = q.take(w.function, most, visibility, now)
		if len(got) == 0 && wait > 0 {
			w.got = make(chan []delivery, 1)
			place = q.waiters.PushBack(w)
		}
	})
	if place == nil {
		return got
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case got = <-w.got:
		return got
	case <-timer.C:
	case <-ctx.Done():
	}
	q.do(func(time.Time) { q.waiters.Remove(place) })
	select {
	case got = <-w.got: // served at the last moment
	default:
	}
	return got
}

// serve hands out what is ready to those who wait. It advances in between, for a receive with a visibility timeout of
// zero gives its messages back at once.
func (q *queue) serve(now time.Time) {
	for {
		q.advance(now)
		first := q.waiters.Front()
		if first == nil || q.ready.Len() == 0 {
			return
		}
		w := first.Value.(*waiter)
		if got := q.take(w.function, w.most, w.visibility, now); len(got) > 0 {
			q.waiters.Remove(first)
			w.got <- got
		}
	}
}
