package gateway

import (
	"errors"
	"io"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// read reads the socket until there is nothing more to read, dispatching messages and answering
// control frames. Whatever a client does wrong ends the connection with the code that docs/aws.md
// §A1 and §A4 or RFC 6455 §7.4.1 give.
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
			// our close frame.
			_, _ = io.Copy(io.Discard, c.in) // to its end, or to the deadline
			return
		}
	}
}

// verdict is what a frame did to the connection: nothing if the code is 0, and no close frame can
// answer 1006.
type verdict struct {
	code   ws.StatusCode
	reason string
	echo   []byte // the answer to a close frame, which is the last word
}

// lost means that the socket cannot be read: the client has hung up, or the time to close is over.
func lost() verdict { return verdict{code: ws.StatusAbnormalClosure} }

// reader puts messages together.
type reader struct {
	*conn
	state   ws.State
	header  [ws.MaxHeaderSize]byte
	message []byte // the frames of the current message
	control [ws.MaxControlFramePayloadSize]byte
}

// frame reads one frame.
func (r *reader) frame() verdict {
	h, err := ws.ReadHeaderBuffer(r.in, r.header[:0])
	switch {
	case errors.Is(err, ws.ErrHeaderLengthMSB), errors.Is(err, ws.ErrHeaderLengthUnexpected):
		return verdict{code: ws.StatusProtocolError, reason: err.Error()}
	case err != nil:
		return lost()
	}
	if err := ws.CheckHeader(h, r.state); err != nil {
		return verdict{code: ws.StatusProtocolError, reason: err.Error()}
	}
	switch {
	case h.OpCode.IsControl():
		return r.controlFrame(h)
	case h.OpCode == ws.OpBinary:
		return verdict{code: ws.StatusUnsupportedData, reason: "Binary frames are not supported"}
	case h.Length > maxFrame:
		return verdict{code: ws.StatusMessageTooBig, reason: "Frame is longer than 32 KB"}
	case int64(len(r.message))+h.Length > maxMessage:
		return verdict{code: ws.StatusMessageTooBig, reason: "Message is longer than 128 KB"}
	}
	return r.dataFrame(h)
}

func (r *reader) dataFrame(h ws.Header) verdict {
	start := len(r.message)
	r.message = append(r.message, make([]byte, h.Length)...)
	if _, err := io.ReadFull(r.in, r.message[start:]); err != nil {
		return lost()
	}
	ws.Cipher(r.message[start:], h.Mask, 0)
	if !h.Fin {
		r.state = r.state.Set(ws.StateFragmented)
		return verdict{}
	}
	r.state = r.state.Clear(ws.StateFragmented)
	message := r.message
	r.message = nil
	if !utf8.Valid(message) {
		return verdict{code: ws.StatusInvalidFramePayloadData, reason: "Text is not UTF-8"}
	}
	r.dispatch(message)
	return verdict{}
}

func (r *reader) controlFrame(h ws.Header) verdict {
	payload := r.control[:h.Length]
	if _, err := io.ReadFull(r.in, payload); err != nil {
		return lost()
	}
	ws.Cipher(payload, h.Mask, 0)
	switch h.OpCode {
	case ws.OpPing:
		r.pong(payload)
		return verdict{}
	case ws.OpClose:
		return closeVerdict(payload)
	default: // a pong, to nobody's ping
		return verdict{}
	}
}

// closeVerdict reads a close frame. The reason that $disconnect gets for one without a code is what
// API Gateway gives, as recorded in public logs.
func closeVerdict(payload []byte) verdict {
	if len(payload) == 0 {
		return verdict{
			code:   ws.StatusNoStatusRcvd,
			reason: "Client-side close frame status not set",
			echo:   appendFrame(nil, ws.OpClose, true, nil),
		}
	}
	code, reason := ws.ParseCloseFrameData(payload)
	if err := ws.CheckCloseFrameData(code, reason); err != nil {
		return verdict{code: ws.StatusProtocolError, reason: err.Error()}
	}
	return verdict{
		code: code, reason: reason, echo: appendFrame(nil, ws.OpClose, true, payload[:2]),
	}
}
