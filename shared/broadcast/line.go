package broadcast

import (
	"sync"
	"sync/atomic"

	"hark/shared/pusher"
)

// delivery is one frame for one subscriber.
type delivery struct {
	to    pusher.Subscription
	frame []byte
	left  *atomic.Int64 // counts it until it has ended
}

// line is what one subscriber is still to get, in order. One goroutine at a time serves it, so that a slow client takes up
// one of the parallel posts, however much waits behind it.
type line struct {
	mu      sync.Mutex
	waiting []delivery
	served  bool

	lost error // why the client is given up; only whoever serves looks at it
}

// add puts a delivery at the end. It reports whether the caller must see to it that the line is served.
func (l *line) add(d delivery) (unserved bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, d)
	unserved, l.served = !l.served, true
	return unserved
}

// next takes the first delivery. When there is none, the line is served no more.
func (l *line) next() (d delivery, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		l.served = false
		return delivery{}, false
	}
	d, l.waiting = l.waiting[0], l.waiting[1:]
	return d, true
}
