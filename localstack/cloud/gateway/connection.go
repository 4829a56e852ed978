package gateway

import (
	"bufio"
	"encoding/binary"
	"math"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"

	"hark/localstack/cloud/meter"
)

const (
	closeWait  = time.Second // how long the client has to close its side
	keepBuffer = 16 << 10    // larger write buffers are not reused
	goingAway  = "Going away"
)

// conn is a client's connection. One goroutine reads its socket and another one writes. Posts only
// append to the queue.
type conn struct {
	api         *api
	id          string
	connectedAt time.Time
	identity    identity

	socket   net.Conn
	in       *bufio.Reader
	inFlight chan struct{} // a token for each running invocation of a message
	active   atomic.Int64  // Unix milliseconds of the last message either way
	wake     chan struct{} // wakes the writer
	done     chan struct{} // closed when the connection has ended

	mu      sync.Mutex
	stamped time.Time // of the newest event
	queue   []byte    // bytes that the writer has not taken yet
	writing int       // how many bytes the writer has taken and not written yet
	ended   bool
	timer   *time.Timer // idle and life
}

func newConn(a *api, r *http.Request) *conn {
	c := &conn{
		api:         a,
		id:          a.opts.NewID(),
		connectedAt: a.opts.Now(),
		identity:    identity{SourceIP: peerIP(r), UserAgent: r.UserAgent()},
		inFlight:    make(chan struct{}, maxInFlight),
		wake:        make(chan struct{}, 1),
		done:        make(chan struct{}),
	}
	c.stamped = c.connectedAt
	c.active.Store(c.connectedAt.UnixMilli())
	return c
}

// open starts the connection on its socket. The 101 response goes out before anything that is
// posted.
func (c *conn) open(socket net.Conn, in *bufio.Reader, response []byte) {
	c.socket, c.in = socket, in
	c.queue = response
	// The server may have set a deadline. A dead socket is found by reading.
	_ = socket.SetDeadline(time.Time{})
	if !c.api.begin() {
		_ = socket.Close() // the service is closing
		return
	}
	c.mu.Lock()
	c.timer = time.AfterFunc(min(c.api.opts.Idle, c.api.opts.Life), c.expire)
	c.api.conns.Store(c.id, c) // only now: end stops the timer
	c.mu.Unlock()
	if c.api.isClosed() { // after begin; Close may have missed this connection
		c.close(ws.StatusGoingAway, goingAway)
	}
	go c.run()
}

// run runs both directions of the connection, and closes the socket when both are done.
func (c *conn) run() {
	defer c.api.running.Done()
	written := make(chan struct{})
	c.signal()
	go func() {
		defer close(written)
		c.write()
	}()
	c.read()
	<-written
	_ = c.socket.Close() // both directions are done
}

// outcome is the outcome of a message for a client.
type outcome int

const (
	accepted outcome = iota
	gone             // the connection has ended
	full             // the client does not read fast enough
)

// send queues a message for the client and counts it. It never blocks.
func (c *conn) send(message []byte, by meter.By) outcome {
	c.mu.Lock()
	switch {
	case c.ended:
		c.mu.Unlock()
		return gone
	case len(c.queue)+c.writing+len(message) > c.api.opts.SendBuffer:
		c.mu.Unlock()
		return full
	}
	before := len(c.queue)
	c.queue = appendMessage(c.queue, message)
	framed := len(c.queue) - before
	c.mu.Unlock()
	c.active.Store(c.api.opts.Now().UnixMilli())
	c.api.count(len(message), by)
	c.api.opts.Meter.Add(meter.SocketBytes, by, float64(framed))
	c.signal()
	return accepted
}

// pong answers a ping, unless the buffer is full.
func (c *conn) pong(payload []byte) {
	c.mu.Lock()
	if !c.ended && len(c.queue)+c.writing <= c.api.opts.SendBuffer {
		c.queue = appendFrame(c.queue, ws.OpPong, true, payload)
	}
	c.mu.Unlock()
	c.signal()
}

func (c *conn) signal() {
	select {
	case c.wake <- struct{}{}:
	default: // it is being woken already
	}
}

// write writes the queue until the connection has ended and the queue is empty. Whatever is queued
// during a write goes out with the next one.
func (c *conn) write() {
	var spare []byte
	for range c.wake {
		for {
			c.mu.Lock()
			batch, ended := c.queue, c.ended
			c.queue, c.writing = spare[:0], len(batch)
			c.mu.Unlock()
			if len(batch) == 0 {
				if ended {
					c.closeWrite()
					return
				}
				spare = batch
				break
			}
			if _, err := c.socket.Write(batch); err != nil {
				c.end(ws.StatusAbnormalClosure, "", nil)
				_ = c.socket.Close() // wakes the reader
				return
			}
			spare = batch
			if cap(spare) > keepBuffer {
				spare = nil
			}
		}
	}
}

// closeWrite closes the sending direction, if the transport can.
func (c *conn) closeWrite() {
	if half, ok := c.socket.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // the socket is closed next in any case
	}
}

// close ends the connection with a close frame from the gateway.
func (c *conn) close(code ws.StatusCode, reason string) {
	c.end(code, reason, appendFrame(nil, ws.OpClose, true, ws.NewCloseFrameBody(code, reason)))
}

// end ends the connection, once: it can no longer be posted to, the last frame (nil for none) is
// queued, and $disconnect is invoked with the code and the reason. The socket has closeWait to
// finish.
func (c *conn) end(code ws.StatusCode, reason string, last []byte) {
	c.mu.Lock()
	if c.ended {
		c.mu.Unlock()
		return
	}
	c.ended = true
	c.queue = append(c.queue, last...)
	c.timer.Stop()
	c.mu.Unlock()

	c.api.conns.Delete(c.id)
	close(c.done)
	// An error means that the socket is dead: there is nothing to wait for.
	_ = c.socket.SetDeadline(time.Now().Add(closeWait))
	c.signal()

	minutes := math.Ceil(c.api.opts.Now().Sub(c.connectedAt).Minutes())
	c.api.opts.Meter.Add(meter.SocketMinutes, meter.By{Operation: routeConnect}, max(1, minutes))
	c.disconnected(code, reason)
}

// expire closes the connection if it is idle or too old. Otherwise it runs again when that may be
// so.
func (c *conn) expire() {
	now := c.api.opts.Now()
	idle := c.api.opts.Idle - now.Sub(time.UnixMilli(c.active.Load()))
	left := min(idle, c.api.opts.Life-now.Sub(c.connectedAt))
	if left <= 0 {
		c.close(ws.StatusGoingAway, goingAway)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.timer.Reset(left)
	}
}

// appendMessage appends a text message in frames of at most maxFrame bytes.
func appendMessage(b, message []byte) []byte {
	op := ws.OpText
	for len(message) > maxFrame {
		b = appendFrame(b, op, false, message[:maxFrame])
		op, message = ws.OpContinuation, message[maxFrame:]
	}
	return appendFrame(b, op, true, message)
}

// appendFrame appends an unmasked frame of at most maxFrame bytes (RFC 6455 §5.2).
func appendFrame(b []byte, op ws.OpCode, fin bool, payload []byte) []byte {
	first := byte(op)
	if fin {
		first |= 0x80
	}
	if len(payload) < 126 {
		b = append(b, first, byte(len(payload)))
	} else {
		b = append(b, first, 126)
		b = binary.BigEndian.AppendUint16(b, uint16(len(payload)))
	}
	return append(b, payload...)
}
