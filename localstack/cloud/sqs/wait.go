package sqs

import (
	"container/list"
	"context"
	"time"

	"hark/localstack/cloud/iam"
)

// waiter is a receive that has found nothing so far.
type waiter struct {
	function   string // the receiving Lambda function; empty if there is none
	limit      int
	visibility time.Duration
	got        chan []delivery // buffers the only answer
}

// receive returns up to limit messages: at once if there are any, otherwise as soon as there are,
// and none when the wait or the context ends. Waiting receives are served in the order in which
// they came.
func (q *queue) receive(ctx context.Context, limit int, visibility, wait time.Duration) []delivery {
	if ctx.Err() != nil {
		return nil
	}
	var got []delivery
	var place *list.Element
	w := &waiter{function: iam.Caller(ctx), limit: limit, visibility: visibility}
	q.do(func(now time.Time) {
		got = q.take(w.function, limit, visibility, now)
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
	case got = <-w.got: // came just before it was removed
	default:
	}
	return got
}

// serveWaiters gives ready messages to the waiting receives. It advances the queue in between,
// because a receive with a visibility timeout of zero makes its messages visible again at once.
func (q *queue) serveWaiters(now time.Time) {
	for {
		q.advance(now)
		first := q.waiters.Front()
		if first == nil || q.ready.Len() == 0 {
			return
		}
		w := first.Value.(*waiter)
		if got := q.take(w.function, w.limit, w.visibility, now); len(got) > 0 {
			q.waiters.Remove(first)
			w.got <- got
		}
	}
}
