package socket

import (
	"errors"
	"sync"
	"time"

	"hark/shared/pusher"
	"hark/shared/state"
)

// generationSize is how many connections are remembered before the older generation is dropped. The
// two generations take about 2 MB.
const generationSize = 4096

// clients is what a process remembers of the connections whose frames it answered lately. A
// connection that is dropped starts anew. That does no harm: its buckets are full again after some
// seconds of silence anyway. The zero value remembers nothing.
type clients struct {
	mu         sync.Mutex
	young, old map[pusher.ConnectionID]*client
}

// client is what is remembered of one connection.
type client struct {
	frames, refusals, closes bucket
	limitingApp              string // ID of the app that limits its frames; "" if none or unknown
}

// admit counts a frame. It refuses one of a connection that sends far too many; the connection must
// be closed then.
func (c *clients) admit(id pusher.ConnectionID, t state.Stamp) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.get(id).frames.take(t, frameEvery, frameBurst) {
		return nil
	}
	refusal := pusher.Errorf(pusher.CodeRejected,
		"Too many frames: the limit is %d within a second", time.Second/frameEvery)
	return errors.Join(refusal, errClose)
}

// mayRefuse reports whether the client may be sent one more refusal.
func (c *clients) mayRefuse(id pusher.ConnectionID, t state.Stamp) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.get(id).refusals.take(t, refusalEvery, refusalBurst)
}

// mayClose reports whether closing the connection may be tried: it was not tried just before.
func (c *clients) mayClose(id pusher.ConnectionID, t state.Stamp) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.get(id).closes.take(t, closeEvery, closeBurst)
}

// setLimitingApp remembers the app that limits the connection's frames; "" if none does.
func (c *clients) setLimitingApp(id pusher.ConnectionID, app string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.get(id).limitingApp = app
}

// limitingApp returns the app that limits the connection's frames; "" if none does or it is
// unknown.
func (c *clients) limitingApp(id pusher.ConnectionID) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.get(id).limitingApp
}

// get returns what is remembered of a connection and moves it to the young generation. c must be
// locked.
func (c *clients) get(id pusher.ConnectionID) *client {
	if k, ok := c.young[id]; ok {
		return k
	}
	k := c.old[id]
	if k == nil {
		k = &client{}
	}
	if c.young == nil || len(c.young) >= generationSize {
		c.old, c.young = c.young, make(map[pusher.ConnectionID]*client)
	}
	c.young[id] = k
	return k
}

// bucket holds tokens that come back with time. Its value is when it will be full again, in Unix
// microseconds. The zero value is full.
type bucket int64

// take takes a token at t and reports whether there was one. The bucket holds burst tokens and gets
// one back every so often.
func (b *bucket) take(t state.Stamp, every time.Duration, burst int64) bool {
	now, one := int64(t)*1000, every.Microseconds()
	full := max(int64(*b), now) + one
	if full > now+burst*one {
		return false
	}
	*b = bucket(full)
	return true
}
