package gateway

import (
	"errors"
	"io"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// read reads the socket to its end. It dispatches messages and answers control frames. A client
// that breaks a rule is disconnected with the code that docs/aws.md §A1 and §A4 or RFC 6455 §7.4.1
// give.
func (c *conn) read() {
	r := reader{conn: c, state: ws.StateServerSide}
	for {
		v := r.frame()
		switch {
		case v.code == 0:
		case v.code == ws.StatusAbnormalClosure:
			c.end(v.code, "", nil)
			return
		case v.echo != nil:
			c.end(v.code, v.reason, v.echo)
			return
		default:
			c.close(v.code, v.reason)
			// Unread input would make the system reset the connection, and the client might lose
			// the close frame.
			_, _ = io.Copy(io.Discard, c.in) // until its end or the deadline
			return
		}
	}
}

// frameResult is what a frame does to the connection: nothing if the code is 0. On 1006 no close
// frame can be sent.
type frameResult struct {
	code   ws.StatusCode
	reason string
	echo   []byte // the answer to a close frame
}

// lost means that the socket cannot be read: the client has hung up, or the time to close is over.
func lost() frameResult { return frameResult{code: ws.StatusAbnormalClosure} }

// reader assembles messages from frames.
type reader struct {
	*conn
	state   ws.State
	header  [ws.MaxHeaderSize]byte
	message []byte // of the current message, so far
	control [ws.MaxControlFramePayloadSize]byte
}

// frame reads one frame.
func (r *reader) frame() frameResult {
	h, err := ws.ReadHeaderBuffer(r.in, r.header[:0])
	switch {
	case errors.Is(err, ws.ErrHeaderLengthMSB), errors.Is(err, ws.ErrHeaderLengthUnexpected):
		return frameResult{code: ws.StatusProtocolError, reason: err.Error()}
	case err != nil:
		return lost()
	}
	if err := ws.CheckHeader(h, r.state); err != nil {
		return frameResult{code: ws.StatusProtocolError, reason: err.Error()}
	}
	switch {
	case h.OpCode.IsControl():
		return r.controlFrame(h)
	case h.OpCode == ws.OpBinary:
		reason := "Binary frames are not supported"
		return frameResult{code: ws.StatusUnsupportedData, reason: reason}
	case h.Length > maxFrame:
		return frameResult{code: ws.StatusMessageTooBig, reason: "Frame is longer than 32 KB"}
	case int64(len(r.message))+h.Length > maxMessage:
		return frameResult{code: ws.StatusMessageTooBig, reason: "Message is longer than 128 KB"}
	}
	return r.dataFrame(h)
}

func (r *reader) dataFrame(h ws.Header) frameResult {
	start := len(r.message)
	r.message = append(r.message, make([]byte, h.Length)...)
	if _, err := io.ReadFull(r.in, r.message[start:]); err != nil {
		return lost()
	}
	ws.Cipher(r.message[start:], h.Mask, 0)
	if !h.Fin {
		r.state = r.state.Set(ws.StateFragmented)
		return frameResult{}
	}
	r.state = r.state.Clear(ws.StateFragmented)
	message := r.message
	r.message = nil
	if !utf8.Valid(message) {
		return frameResult{code: ws.StatusInvalidFramePayloadData, reason: "Text is not UTF-8"}
	}
	r.dispatch(message)
	return frameResult{}
}

func (r *reader) controlFrame(h ws.Header) frameResult {
	payload := r.control[:h.Length]
	if _, err := io.ReadFull(r.in, payload); err != nil {
		return lost()
	}
	ws.Cipher(payload, h.Mask, 0)
	switch h.OpCode {
	case ws.OpPing:
		r.pong(payload)
		return frameResult{}
	case ws.OpClose:
		return closeResult(payload)
	default: // a pong; the gateway sends no pings
		return frameResult{}
	}
}

// closeResult reads a close frame. The reason that $disconnect gets for a frame without a code is
// API Gateway's, as recorded in public logs.
func closeResult(payload []byte) frameResult {
	if len(payload) == 0 {
		return frameResult{
			code:   ws.StatusNoStatusRcvd,
			reason: "Client-side close frame status not set",
			echo:   appendFrame(nil, ws.OpClose, true, nil),
		}
	}
	code, reason := ws.ParseCloseFrameData(payload)
	if err := ws.CheckCloseFrameData(code, reason); err != nil {
		return frameResult{code: ws.StatusProtocolError, reason: err.Error()}
	}
	return frameResult{
		code: code, reason: reason, echo: appendFrame(nil, ws.OpClose, true, payload[:2]),
	}
}
