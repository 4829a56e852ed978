package wire

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// frameTimeout is how long the rest of a message may take once its first byte has arrived.
const frameTimeout = 10 * time.Second

// ErrQuiet is returned if nothing arrived in the given time.
var ErrQuiet = errors.New("nothing arrived")

// ClosedError is returned if the server ended the connection. It has the code and the reason of its
// close frame; the code is 1006 if the connection ended without one.
type ClosedError struct {
	Code   int
	Reason string
}

func (e *ClosedError) Error() string { return fmt.Sprintf("closed with %d %q", e.Code, e.Reason) }

// Conn is a WebSocket connection on which the caller writes and reads frames one by one. One
// goroutine may read while others write.
type Conn struct {
	SocketID string // of the greeting; empty until Greeting returned

	net net.Conn
	buf *bufio.Reader
	msg wsutil.Reader
	mu  sync.Mutex // held while a frame is written, so that a pong does not split a message
}

// Dial opens a WebSocket at base (http, https, ws or wss) plus path, which may hold a query. It
// does not wait for any frame. An answer other than 101 is an error that names the status.
func Dial(ctx context.Context, base, path string) (*Conn, error) {
	return dial(ctx, ws.Dialer{}, base, path)
}

// DialFrom is Dial with an Origin header, which browsers send and other clients do not.
func DialFrom(ctx context.Context, origin, base, path string) (*Conn, error) {
	return dial(ctx, ws.Dialer{Header: ws.HandshakeHeaderHTTP{"Origin": {origin}}}, base, path)
}

func dial(ctx context.Context, d ws.Dialer, base, path string) (*Conn, error) {
	host := strings.TrimPrefix(strings.TrimPrefix(strings.TrimSuffix(base, "/"), "http"), "ws")
	url := "ws" + host + path
	nc, buf, _, err := d.Dial(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", url, err)
	}
	if buf == nil {
		buf = bufio.NewReader(nc)
	}
	c := &Conn{net: nc, buf: buf}
	c.msg = wsutil.Reader{
		Source: buf, State: ws.StateClientSide, CheckUTF8: true, OnIntermediate: c.control,
	}
	return c, nil
}

// Greeting reads the first frame, which must be connection_established within the timeout
// (docs/protocol.md §1.2).
func (c *Conn) Greeting(within time.Duration) (activityTimeout int, err error) {
	f, err := c.Next(within)
	if err != nil {
		return 0, fmt.Errorf("greeting: %w", err)
	}
	if f.Event != Established {
		return 0, fmt.Errorf("greeting: got %s", f.Raw)
	}
	var d struct {
		SocketID        string `json:"socket_id"`
		ActivityTimeout int    `json:"activity_timeout"`
	}
	if err := json.Unmarshal([]byte(f.Data), &d); err != nil {
		return 0, fmt.Errorf("greeting %s: %w", f.Raw, err)
	}
	c.SocketID = d.SocketID
	return d.ActivityTimeout, nil
}

// Send writes one text message.
func (c *Conn) Send(text string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return wsutil.WriteClientText(c.net, []byte(text))
}

// SendBinary writes one binary message, which the protocol does not have.
func (c *Conn) SendBinary(b []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return wsutil.WriteClientBinary(c.net, b)
}

// SendEvent writes a frame with the event and, unless it is nil, its data as an object.
func (c *Conn) SendEvent(event string, data any) error {
	b, err := json.Marshal(struct {
		Event string `json:"event"`
		Data  any    `json:"data,omitempty"`
	}{event, data})
	if err != nil {
		return err
	}
	return c.Send(string(b))
}

// Subscribe sends a subscribe as pusher-js does: with auth, which is empty for public channels
// (docs/protocol.md §3.3).
func (c *Conn) Subscribe(channel, auth string) error {
	return c.SendEvent("pusher:subscribe", map[string]string{"auth": auth, "channel": channel})
}

// Unsubscribe sends an unsubscribe, which the server does not answer (docs/protocol.md §3.9).
func (c *Conn) Unsubscribe(channel string) error {
	return c.SendEvent("pusher:unsubscribe", map[string]string{"channel": channel})
}

// Next returns the next frame. It returns ErrQuiet if none begins within the time, *ClosedError at
// the end of the connection, and ParseFrame's error for a frame that no client could read.
func (c *Conn) Next(within time.Duration) (Frame, error) {
	raw, err := c.Message(within)
	if err != nil {
		return Frame{}, err
	}
	return ParseFrame(raw)
}

// Message returns the next text message as it came. It answers WebSocket pings meanwhile.
func (c *Conn) Message(within time.Duration) ([]byte, error) {
	deadline := time.Now().Add(within)
	for {
		if err := c.await(deadline); err != nil {
			return nil, err
		}
		h, err := c.msg.NextFrame()
		if err != nil {
			return nil, closed(err)
		}
		if h.OpCode.IsControl() {
			if err := c.control(h, &c.msg); err != nil {
				return nil, closed(err)
			}
			continue
		}
		b, err := io.ReadAll(&c.msg)
		if err != nil {
			return nil, closed(err)
		}
		if h.OpCode != ws.OpText {
			return nil, fmt.Errorf("message of %d bytes is not text", len(b))
		}
		return b, nil
	}
}

// await waits until a frame begins, so that a deadline never expires in the middle of one.
func (c *Conn) await(deadline time.Time) error {
	if err := c.net.SetReadDeadline(deadline); err != nil {
		return err
	}
	if _, err := c.buf.Peek(1); errors.Is(err, os.ErrDeadlineExceeded) {
		return ErrQuiet
	} else if err != nil {
		return closed(err)
	}
	return c.net.SetReadDeadline(time.Now().Add(frameTimeout))
}

func (c *Conn) control(h ws.Header, r io.Reader) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return wsutil.ControlHandler{Src: r, Dst: c.net, State: ws.StateClientSide}.Handle(h)
}

func closed(err error) error {
	if end, ok := errors.AsType[wsutil.ClosedError](err); ok {
		return &ClosedError{int(end.Code), end.Reason}
	}
	if errors.Is(err, net.ErrClosed) {
		return err // closed by this side
	}
	return &ClosedError{1006, err.Error()}
}

// Close ends the connection as a browser does: it sends a close frame 1000 and closes the socket,
// without waiting for an answer.
func (c *Conn) Close() error {
	c.mu.Lock()
	err := ws.WriteFrame(c.net,
		ws.MaskFrameInPlace(ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusNormalClosure, ""))))
	c.mu.Unlock()
	return errors.Join(err, c.net.Close())
}

// Drop ends the connection without a close frame, as a lost network does.
func (c *Conn) Drop() error { return c.net.Close() }
