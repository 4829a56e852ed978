package pusher

import (
	"encoding/json"
	"errors"
)

// Frame is what a client sends: one JSON object (docs/protocol.md §0). Data is kept as it came.
type Frame struct {
	Event   string
	Channel Channel
	Data    json.RawMessage
}

// ParseFrame reads a client's frame. It fails with an *Error if the text is not a JSON object with
// an event name. Keys must be in lower case, because API Gateway finds a frame's route by the key
// event. That is why the frame is not decoded into a struct: package json would accept Event too.
func ParseFrame(text []byte) (Frame, error) {
	var fields map[string]json.RawMessage
	var f Frame
	err := json.Unmarshal(text, &fields)
	if err == nil {
		f.Data = fields["data"]
		err = errors.Join(
			optionalField(fields, "event", &f.Event),
			optionalField(fields, "channel", &f.Channel),
		)
	}
	if err != nil || f.Event == "" {
		return Frame{}, Errorf(CodeReconnect,
			"Invalid message format: a frame is a JSON object with an event")
	}
	return f, nil
}

// optionalField decodes a field into v and leaves v alone if there is no such field.
func optionalField(fields map[string]json.RawMessage, name string, v any) error {
	raw, found := fields[name]
	if !found {
		return nil
	}
	return json.Unmarshal(raw, v)
}

// SubscribeData is the data of a pusher:subscribe frame (docs/protocol.md §3.3). That of a
// pusher:unsubscribe frame is the channel alone.
type SubscribeData struct {
	Channel     Channel `json:"channel"`
	Auth        Auth    `json:"auth"`
	ChannelData string  `json:"channel_data"`
}

// Auth is an auth string. A value that is not a string is read as "", because public channels need
// no auth and ignore what a client sends.
type Auth string

// UnmarshalJSON accepts any JSON value.
func (a *Auth) UnmarshalJSON(text []byte) error {
	var s string
	if json.Unmarshal(text, &s) == nil {
		*a = Auth(s)
	}
	return nil
}

// SubscribeData decodes the frame's data, an object or a string that holds one.
func (f Frame) SubscribeData() (SubscribeData, error) {
	var d SubscribeData
	if err := f.decodeObject(&d); err != nil {
		return SubscribeData{}, Errorf(CodeReconnect,
			"Invalid message format: the data of %s is an object with a channel", f.Event)
	}
	return d, nil
}

// SignInData is the data of a pusher:signin frame (docs/protocol.md §3.11).
type SignInData struct {
	Auth     string `json:"auth"`
	UserData string `json:"user_data"`
}

// SignInData decodes the frame's data, an object or a string that holds one.
func (f Frame) SignInData() (SignInData, error) {
	var d SignInData
	if err := f.decodeObject(&d); err != nil {
		return SignInData{}, Errorf(CodeReconnect,
			"Invalid message format: the data of %s is an object with auth and user_data", f.Event)
	}
	return d, nil
}

// decodeObject decodes the frame's data, an object or a string that holds one.
func (f Frame) decodeObject(v any) error {
	raw := f.Data
	var inner string
	if json.Unmarshal(raw, &inner) == nil {
		raw = json.RawMessage(inner)
	}
	return json.Unmarshal(raw, v)
}

// Text returns the frame's data as a client event relays it: a string unchanged, anything else as
// JSON without spaces, "" if there is none (docs/protocol.md §4).
func (f Frame) Text() string {
	var s string
	if json.Unmarshal(f.Data, &s) == nil {
		return s
	}
	return string(compact(f.Data))
}
