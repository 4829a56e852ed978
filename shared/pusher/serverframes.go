package pusher

import (
	"encoding/json"
	"net/http"
	"time"
)

// MaxFrame is the largest frame that API Gateway posts to a client, in bytes (docs/aws.md §A4).
const MaxFrame = 128 << 10

// serverFrame is every frame that clients are sent, except the two that report errors. Its data is
// a string (docs/protocol.md §0, encoding rule).
type serverFrame struct {
	Event   string  `json:"event"`
	Channel Channel `json:"channel,omitempty"`
	Data    string  `json:"data"`
	UserID  string  `json:"user_id,omitempty"`
}

// Established is the first frame on every connection that is accepted (docs/protocol.md §1.2).
func Established(id SocketID, activity time.Duration) []byte {
	return encode(serverFrame{
		Event: "pusher:connection_established",
		Data: encodeText(struct {
			SocketID SocketID `json:"socket_id"`
			Activity int      `json:"activity_timeout"`
		}{id, int(activity / time.Second)}),
	})
}

// Pong answers pusher:ping (docs/protocol.md §1.4).
func Pong() []byte { return encode(serverFrame{Event: "pusher:pong", Data: "{}"}) }

const succeeded = "pusher_internal:subscription_succeeded"

// Succeeded answers a subscribe to a channel without presence (docs/protocol.md §3.4).
func Succeeded(ch Channel) []byte {
	return encode(serverFrame{Event: succeeded, Channel: ch, Data: "{}"})
}

// Welcomed answers a subscribe to a presence channel with its members: each user once, in the order
// given (docs/protocol.md §3.4).
func Welcomed(ch Channel, members []Member) []byte {
	ids := make([]string, 0, len(members))
	hash := make(map[string]json.RawMessage, len(members))
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
	data := map[string]any{
		"presence": map[string]any{"count": len(ids), "ids": ids, "hash": hash},
	}
	return encode(serverFrame{Event: succeeded, Channel: ch, Data: encodeText(data)})
}

// MemberAdded reports a user's first connection on a presence channel (docs/protocol.md §3.6).
func MemberAdded(ch Channel, m Member) []byte {
	return encode(serverFrame{
		Event: "pusher_internal:member_added", Channel: ch, Data: encodeText(m),
	})
}

// MemberRemoved reports that the last of a user's connections left a presence channel
// (docs/protocol.md §3.6).
func MemberRemoved(ch Channel, id string) []byte {
	return encode(serverFrame{
		Event: "pusher_internal:member_removed", Channel: ch, Data: encodeText(Member{UserID: id}),
	})
}

// CacheMiss reports to a new subscriber that there is no cached event (docs/protocol.md §3.7).
func CacheMiss(ch Channel) []byte {
	return encode(serverFrame{Event: "pusher:cache_miss", Channel: ch, Data: "{}"})
}

// SubscriptionCount reports how many subscribers the channel has (docs/protocol.md §3.8).
func SubscriptionCount(ch Channel, n int) []byte {
	return encode(serverFrame{
		Event: "pusher_internal:subscription_count", Channel: ch,
		Data: encodeText(map[string]int{"subscription_count": n}),
	})
}

// SignedIn answers a sign-in. The user data goes back as it came (docs/protocol.md §3.11).
func SignedIn(userData string) []byte {
	return encode(serverFrame{
		Event: "pusher:signin_success", Data: encodeText(map[string]string{"user_data": userData}),
	})
}

// WatchlistEvents reports which of the users on a client's watchlist are online and which are
// offline. An empty list is left out (docs/protocol.md §3.12).
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
	return encode(serverFrame{
		Event: "pusher_internal:watchlist_events",
		Data:  encodeText(map[string]any{"events": events}),
	})
}

// EventFrame is an event as its subscribers are sent it. The data is unchanged (docs/protocol.md
// §5.3). The frame travels in an SQS message, so it has only characters that SQS accepts
// (docs/aws.md §C).
func EventFrame(name string, ch Channel, data string) []byte {
	return encode(serverFrame{Event: name, Channel: ch, Data: data})
}

// ClientEvent is a client event as the other subscribers are sent it. The user ID is the sender's
// on a presence channel, else "" (docs/protocol.md §4).
func ClientEvent(name string, ch Channel, data, userID string) []byte {
	return encode(serverFrame{Event: name, Channel: ch, Data: data, UserID: userID})
}

// Frame returns the pusher:error frame. Its data is an object, not a string: clients recognize
// errors by that (docs/protocol.md §2).
func (e *Error) Frame() []byte {
	return encode(struct {
		Event string `json:"event"`
		Data  any    `json:"data"`
	}{"pusher:error", struct {
		Code    Code   `json:"code"`
		Message string `json:"message"`
	}{e.Code, e.Message}})
}

// SubscriptionError returns the frame that makes Echo call .error(). A client whose subscribe is
// refused is sent it beside the pusher:error frame. It has soketi's shape, whose data is an object
// too (docs/protocol.md §3.5).
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

// encode writes a frame. It cannot fail: strings and numbers can always be encoded.
func encode(v any) []byte {
	text, _ := EncodeMessage(v)
	return text
}

// encodeText writes JSON as the text of a frame's data.
func encodeText(v any) string { return string(encode(v)) }
