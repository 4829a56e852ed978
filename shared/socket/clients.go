package socket

import (
	"errors"
	"sync"
	"time"

	"hark/shared/pusher"
	"hark/shared/state"
)

// generation is how many connections are remembered before the oldest are forgotten. Two generations are kept: about 2 MB.
const generation = 4096

// clients is what a process remembers of the connections whose frames it has lately answered. Who is forgotten starts anew, which
// does no harm: whoever has been silent for some seconds stands as at the start anyway. The zero value remembers nobody.
type clients struct {
	mu         sync.Mutex
	young, old map[pusher.ConnectionID]*client
}

// client is one of them.
type client struct {
	frames, errors, closes bucket
	app                    string // if it limits the frames of its connections; "" if not, or if that is not known
}

// admit takes note of a frame. It refuses one of a connection that sends far too many, which has to be closed.
func (c *clients) admit(id pusher.ConnectionID, t state.Stamp) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.get(id).frames.take(t, frameEvery, frameBurst) {
		return nil
	}
	return errors.Join(pusher.Errorf(pusher.CodeRejected, "Too many frames: the limit is %d within a second", time.Second/frameEvery), errEnd)
}

// mayHear reports whether the client is told of one more mistake.
func (c *clients) mayHear(id pusher.ConnectionID, t state.Stamp) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.get(id).errors.take(t, errorEvery, errorBurst)
}

// mayClose reports whether closing the connection has not just been tried.
func (c *clients) mayClose(id pusher.ConnectionID, t state.Stamp) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.get(id).closes.take(t, closeEvery, closeBurst)
}

// setLimited notes that the connection's frames are limited by that app; by none if it is "".
func (c *clients) setLimited(id pusher.ConnectionID, app string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.get(id).app = app
}

// limited returns the app that limits the connection's frames, as far as is known.
func (c *clients) limited(id pusher.ConnectionID) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.get(id).app
}

// get returns what is remembered of a connection, and makes it the youngest. c is locked.
func (c *clients) get(id pusher.ConnectionID) *client {
	if k, ok := c.young[id]; ok {
		return k
	}
	k := c.old[id]
	if k == nil {
		k = &client{}
	}
	if c.young == nil || len(c.young) >= generation {
		c.old, c.young = c.young, make(map[pusher.ConnectionID]*client)
	}
	c.young[id] = k
	return k
}

// bucket holds tokens that come back with time: it is when all of them will be back, in Unix microseconds. The zero value is full.
type bucket int64

// take takes a token at t out of a bucket that holds burst of them and gets one back every so often; it reports whether there was one.
func (b *bucket) take(t state.Stamp, every time.Duration, burst int64) bool {
	now, one := int64(t)*1000, every.Microseconds()
	full := max(int64(*b), now) + one
	if full > now+burst*one {
		return false
	}
	*b = bucket(full)
	return true
}
