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
	closeWait  = time.Second // for a client to take the close frame and close its side
	keepBuffer = 16 << 10    // larger write buffers are given back after use
	goingAway  = "Going away"
)

// conn is a client's connection. One goroutine reads its socket, one writes; posts only append to
// the queue.
type conn struct {
	api         *api
	id          string
	connectedAt time.Time
	identity    identity

	socket   net.Conn
	in       *bufio.Reader
	inFlight chan struct{} // a token for each running invocation of a message
	active   atomic.Int64  // Unix milliseconds of the last message either way
	wake     chan struct{} // tells the writer to look at the queue
	done     chan struct{} // closed when the connection has ended

	mu      sync.Mutex
	stamped time.Time // of the newest event
	queue   []byte    // what the writer has not taken yet
	writing int       // bytes that it has taken and not written yet
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

// open starts the connection on its socket. The 101 goes out in front of whatever is posted from
// now on.
func (c *conn) open(socket net.Conn, in *bufio.Reader, response []byte) {
	c.socket, c.in = socket, in
	c.queue = response
	// the server may have left one; a dead socket shows itself on reading
	_ = socket.SetDeadline(time.Time{})
	if !c.api.begin() {
		_ = socket.Close() // the service is closing
		return
	}
	c.mu.Lock()
	c.timer = time.AfterFunc(min(c.api.opts.Idle, c.api.opts.Life), c.expire)
	c.api.conns.Store(c.id, c) // not before there is a timer to stop
	c.mu.Unlock()
	if c.api.isClosed() { // since begin: Close may have missed this connection
		c.close(ws.StatusGoingAway, goingAway)
	}
	go c.run()
}

// run owns the socket: it closes it when both directions are done.
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
	_ = c.socket.Close() // nothing is left that an error could tell
}

// outcome is what became of a message for a client.
type outcome int

const (
	accepted outcome = iota
	gone             // the connection has ended
	full             // the client does not read fast enough
)

// send queues a message for the client and bills it. It never blocks.
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

// pong answers a ping, unless the client does not read.
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
	default: // it has been told already
	}
}

// write writes the queue until the connection has ended and nothing is left. All that gathered
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

// closeWrite tells the client that nothing follows, where the transport can.
func (c *conn) closeWrite() {
	if half, ok := c.socket.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // the socket is closed next in any case
	}
}

// close ends the connection with a close frame of ours.
func (c *conn) close(code ws.StatusCode, reason string) {
	c.end(code, reason, appendFrame(nil, ws.OpClose, true, ws.NewCloseFrameBody(code, reason)))
}

// end ends the connection, once: nothing can be posted any more, the last frame (nil for none) is
// queued, and $disconnect is invoked with the code and the reason. The socket gets closeWait to
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
	// on a dead socket there is nothing to wait for
	_ = c.socket.SetDeadline(time.Now().Add(closeWait))
	c.signal()

	minutes := math.Ceil(c.api.opts.Now().Sub(c.connectedAt).Minutes())
	c.api.opts.Meter.Add(meter.SocketMinutes, meter.By{Operation: routeConnect}, max(1, minutes))
	c.disconnected(code, reason)
}

// expire ends the connection when it is idle or old, and otherwise looks again when it could be.
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

// appendMessage appends a text message in frames of at most maxFrame.
func appendMessage(b, message []byte) []byte {
	op := ws.OpText
	for len(message) > maxFrame {
		b = appendFrame(b, op, false, message[:maxFrame])
		op, message = ws.OpContinuation, message[maxFrame:]
	}
	return appendFrame(b, op, true, message)
}

// appendFrame appends an unmasked frame of at most maxFrame (RFC 6455 §5.2).
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
