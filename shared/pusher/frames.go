package pusher

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// MaxFrame is how many bytes API Gateway takes in one post to a client (docs/aws.md §A4).
const MaxFrame = 128 << 10

// Frame is what a client sends: one JSON object (docs/protocol.md §0). Data is kept as it came.
type Frame struct {
	Event   string
	Channel Channel
	Data    json.RawMessage
}

// ParseFrame reads a client's frame. It fails with an *Error if the text is not a JSON object with an event name. Names are those
// of the protocol to the letter, as they are to API Gateway, which finds a frame's route by its event: package json would take Event
// for event.
func ParseFrame(text []byte) (Frame, error) {
	var fields map[string]json.RawMessage
	var f Frame
	err := json.Unmarshal(text, &fields)
	if err == nil {
		f.Data = fields["data"]
		err = errors.Join(field(fields, "event", &f.Event), field(fields, "channel", &f.Channel))
	}
	if err != nil || f.Event == "" {
		return Frame{}, Errorf(CodeReconnect, "Invalid message format: a frame is a JSON object with an event")
	}
	return f, nil
}

// field decodes a field that need not be there.
func field(fields map[string]json.RawMessage, name string, into any) error {
	raw, found := fields[name]
	if !found {
		return nil
	}
	return json.Unmarshal(raw, into)
}

// SubscribeData is the data of a pusher:subscribe frame (docs/protocol.md §3.3); of a pusher:unsubscribe frame it is the channel alone.
type SubscribeData struct {
	Channel     Channel `json:"channel"`
	Auth        Auth    `json:"auth"`
	ChannelData string  `json:"channel_data"`
}

// Auth is an auth string. What is no string is as good as none: public channels need none, whatever a client sends.
type Auth string

// UnmarshalJSON takes any JSON value.
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
	if err := f.object(&d); err != nil {
		return SubscribeData{}, Errorf(CodeReconnect, "Invalid message format: the data of %s is an object with a channel", f.Event)
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
	if err := f.object(&d); err != nil {
		return SignInData{}, Errorf(CodeReconnect, "Invalid message format: the data of %s is an object with auth and user_data", f.Event)
	}
	return d, nil
}

// object decodes the frame's data, an object or a string that holds one.
func (f Frame) object(into any) error {
	raw := f.Data
	var inner string
	if json.Unmarshal(raw, &inner) == nil {
		raw = json.RawMessage(inner)
	}
	return json.Unmarshal(raw, into)
}

// Text is the frame's data as it is relayed: a string as it is, anything else as JSON; empty if there is none
// (docs/protocol.md §4).
func (f Frame) Text() string {
	var s string
	if json.Unmarshal(f.Data, &s) == nil {
		return s
	}
	return string(compact(f.Data))
}

// message is every frame but the two that tell of an error: its data is a string (docs/protocol.md §0, encoding rule).
type message struct {
	Event   string  `json:"event"`
	Channel Channel `json:"channel,omitempty"`
	Data    string  `json:"data"`
	UserID  string  `json:"user_id,omitempty"`
}

// Established is the first frame of every connection that is let in (docs/protocol.md §1.2).
func Established(id SocketID, activity time.Duration) []byte {
	return encode(message{Event: "pusher:connection_established", Data: string(encode(struct {
		SocketID SocketID `json:"socket_id"`
		Activity int      `json:"activity_timeout"`
	}{id, int(activity / time.Second)}))})
}

// Pong answers pusher:ping (docs/protocol.md §1.4).
func Pong() []byte { return encode(message{Event: "pusher:pong", Data: "{}"}) }

// Succeeded tells a client that it is subscribed to a channel without presence (docs/protocol.md §3.4).
func Succeeded(ch Channel) []byte {
	return encode(message{Event: "pusher_internal:subscription_succeeded", Channel: ch, Data: "{}"})
}

// Welcomed tells a client that it is on a presence channel, and who else is: each user once, in the order given
// (docs/protocol.md §3.4).
func Welcomed(ch Channel, members []Member) []byte {
	ids, hash := make([]string, 0, len(members)), make(map[string]json.RawMessage, len(members))
	for _, m := range members {
		if _, seen := hash[m.UserID]; seen {
			continue
		}
		ids = append(ids, m.UserID)
		hash[m.UserID] = m.Info
		if m.Info == nil {
			hash[m.UserID] = json.RawMessage("null")
		}
	}
	return encode(message{Event: "pusher_internal:subscription_succeeded", Channel: ch, Data: string(encode(map[string]any{
		"presence": map[string]any{"count": len(ids), "ids": ids, "hash": hash},
	}))})
}

// MemberAdded tells of a user who has come (docs/protocol.md §3.6).
func MemberAdded(ch Channel, m Member) []byte {
	return encode(message{Event: "pusher_internal:member_added", Channel: ch, Data: string(encode(m))})
}

// MemberRemoved tells of a user who has left with the last of its connections.
func MemberRemoved(ch Channel, id string) []byte {
	return encode(message{Event: "pusher_internal:member_removed", Channel: ch, Data: string(encode(Member{UserID: id}))})
}

// CacheMiss tells a new subscriber that there is no cached event (docs/protocol.md §3.7).
func CacheMiss(ch Channel) []byte {
	return encode(message{Event: "pusher:cache_miss", Channel: ch, Data: "{}"})
}

// SubscriptionCount tells the subscribers how many connections they are (docs/protocol.md §3.8).
func SubscriptionCount(ch Channel, n int) []byte {
	return encode(message{Event: "pusher_internal:subscription_count", Channel: ch, Data: string(encode(map[string]int{"subscription_count": n}))})
}

// SignedIn tells a client that it is signed in; the user data goes back as it came (docs/protocol.md §3.11).
func SignedIn(userData string) []byte {
	return encode(message{Event: "pusher:signin_success", Data: string(encode(map[string]string{"user_data": userData}))})
}

// WatchlistEvents tells a client which of the users whom it watches are online and offline; a list that is empty is left out
// (docs/protocol.md §3.12).
func WatchlistEvents(online, offline []string) []byte {
	type event struct {
		Name  string   `json:"name"`
		Users []string `json:"user_ids"`
	}
	events := make([]event, 0, 2)
	for _, e := range []event{{"online", online}, {"offline", offline}} {
		if len(e.Users) > 0 {
			events = append(events, e)
		}
	}
	return encode(message{Event: "pusher_internal:watchlist_events", Data: string(encode(map[string]any{"events": events}))})
}

// ClientEvent is a client's event as the others read it. The user ID is the sender's on a presence channel, else empty
// (docs/protocol.md §4).
func ClientEvent(name string, ch Channel, data, userID string) []byte {
	return encode(message{Event: name, Channel: ch, Data: data, UserID: userID})
}

// Frame is the pusher:error frame. Its data is an object, which is what clients take for an error (docs/protocol.md §2).
func (e *Error) Frame() []byte {
	return encode(struct {
		Event string `json:"event"`
		Data  any    `json:"data"`
	}{"pusher:error", struct {
		Code    Code   `json:"code"`
		Message string `json:"message"`
	}{e.Code, e.Message}})
}

// SubscriptionError is the frame that Echo's .error() hears, sent beside the error's own. It has soketi's shape, whose data is
// an object too (docs/protocol.md §3.5).
func (e *Error) SubscriptionError(ch Channel) []byte {
	kind, status := e.Type, e.Status
	if kind == "" {
		kind = AuthError
	}
	if status == 0 {
		status = http.StatusUnauthorized
	}
	return encode(struct {
		Event   string  `json:"event"`
		Channel Channel `json:"channel"`
		Data    any     `json:"data"`
	}{"pusher:subscription_error", ch, struct {
		Type   string `json:"type"`
		Error  string `json:"error"`
		Status int    `json:"status"`
	}{kind, e.Message, status}})
}

// EventFrame is an event as its subscribers read it; data passes unchanged (docs/protocol.md §5.3). Its text holds only
// characters that SQS takes, because it travels in a message as it is (docs/aws.md §C).
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
