package pusher

import (
	"bytes"
	"encoding/json"
	"time"
)

// Frame is what a client sends: one JSON object (protocol.md §0). Data is kept as it came.
type Frame struct {
	Event   string          `json:"event"`
	Channel Channel         `json:"channel"`
	Data    json.RawMessage `json:"data"`
}

// ParseFrame reads a client's frame. It fails with an *Error if the text is not a JSON object with an event name.
func ParseFrame(text []byte) (Frame, error) {
	var f Frame
	if err := json.Unmarshal(text, &f); err != nil || f.Event == "" {
		return Frame{}, Errorf(CodeInvalid, "Invalid message format: a frame is a JSON object with an event")
	}
	return f, nil
}

// SubscribeData is the data of a pusher:subscribe frame (protocol.md §3.3); of a pusher:unsubscribe frame it is the channel alone.
type SubscribeData struct {
	Channel     Channel `json:"channel"`
	Auth        string  `json:"auth"`
	ChannelData string  `json:"channel_data"`
}

// SubscribeData decodes the frame's data, an object or a string that holds one.
func (f Frame) SubscribeData() (SubscribeData, error) {
	raw := f.Data
	var inner string
	if json.Unmarshal(raw, &inner) == nil {
		raw = json.RawMessage(inner)
	}
	var d SubscribeData
	if err := json.Unmarshal(raw, &d); err != nil {
		return SubscribeData{}, Errorf(CodeInvalid, "Invalid message format: the data of %s is an object with a channel", f.Event)
	}
	return d, nil
}

// message is every frame but the two that tell of an error: its data is a string (protocol.md §0, encoding rule).
type message struct {
	Event   string  `json:"event"`
	Channel Channel `json:"channel,omitempty"`
	Data    string  `json:"data"`
}

// Established is the first frame of every connection that is let in (protocol.md §1.2).
func Established(id SocketID, activity time.Duration) []byte {
	return encode(message{Event: "pusher:connection_established", Data: string(encode(struct {
		SocketID SocketID `json:"socket_id"`
		Activity int      `json:"activity_timeout"`
	}{id, int(activity / time.Second)}))})
}

// Pong answers pusher:ping (protocol.md §1.4).
func Pong() []byte { return encode(message{Event: "pusher:pong", Data: "{}"}) }

// Succeeded tells a client that it is subscribed to a channel without presence (protocol.md §3.4).
func Succeeded(ch Channel) []byte {
	return encode(message{Event: "pusher_internal:subscription_succeeded", Channel: ch, Data: "{}"})
}

// Frame is the pusher:error frame. Its data is an object, which is what clients take for an error (protocol.md §2).
func (e *Error) Frame() []byte {
	return encode(struct {
		Event string `json:"event"`
		Data  any    `json:"data"`
	}{"pusher:error", struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}{e.Code, e.Message}})
}

// SubscriptionError is the frame that Echo's .error() hears, sent beside the error's own. It has soketi's shape, whose data is
// an object too (protocol.md §3.5).
func (e *Error) SubscriptionError(ch Channel) []byte {
	return encode(struct {
		Event   string  `json:"event"`
		Channel Channel `json:"channel"`
		Data    any     `json:"data"`
	}{"pusher:subscription_error", ch, struct {
		Type   string `json:"type"`
		Error  string `json:"error"`
		Status int    `json:"status"`
	}{"AuthError", e.Message, 401}})
}

// EventFrame is an event as its subscribers read it; data passes unchanged (protocol.md §5.3). Its text holds only
// characters that SQS takes, because it travels in a message as it is (aws-facts.md §C).
func EventFrame(name string, ch Channel, data string) []byte {
	return encode(message{Event: name, Channel: ch, Data: data})
}

// encode writes JSON without HTML's escapes, which would only make frames longer, and with the two characters that
// JSON may hold but an SQS message may not.
func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil // strings and numbers always encode
	}
	text := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	text = bytes.ReplaceAll(text, []byte("\ufffe"), []byte(`\ufffe`))
	return bytes.ReplaceAll(text, []byte("\uffff"), []byte(`\uffff`))
}
