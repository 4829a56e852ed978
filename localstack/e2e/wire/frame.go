package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// The events of the protocol that tests wait for (docs/protocol.md §1 to §3).
const (
	Established           = "pusher:connection_established"
	Pong                  = "pusher:pong"
	Error                 = "pusher:error"
	SubscriptionSucceeded = "pusher_internal:subscription_succeeded"
	SubscriptionError     = "pusher:subscription_error"
	SubscriptionCount     = "pusher_internal:subscription_count"
	MemberAdded           = "pusher_internal:member_added"
	MemberRemoved         = "pusher_internal:member_removed"
	CacheMiss             = "pusher:cache_miss"
	SignedIn              = "pusher:signin_success"
	WatchlistEvents       = "pusher_internal:watchlist_events"
)

// Frame is one message from the server.
type Frame struct {
	Event   string
	Channel string
	// the text in the string; for pusher:error and pusher:subscription_error the object's JSON
	Data   string
	UserID string // the sender of a client event on a presence channel
	Raw    []byte // the message as it came
}

// ParseFrame reads a message and checks what holds for every frame (docs/protocol.md §9): an object
// with a string event (20), string data (25), but object data in pusher:error (24), and no key that
// the protocol does not have. pusher:subscription_error has object data too, soketi's shape
// (docs/protocol.md §3.5).
func ParseFrame(raw []byte) (Frame, error) {
	var f struct {
		Event   *string         `json:"event"`
		Channel string          `json:"channel"`
		Data    json.RawMessage `json:"data"`
		UserID  string          `json:"user_id"`
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		return Frame{}, fmt.Errorf("frame %s: %w", raw, err)
	}
	if f.Event == nil || *f.Event == "" {
		return Frame{}, fmt.Errorf("frame %s: no event", raw)
	}
	data, err := frameData(*f.Event, f.Data)
	if err != nil {
		return Frame{}, fmt.Errorf("frame %s: %w", raw, err)
	}
	return Frame{Event: *f.Event, Channel: f.Channel, Data: data, UserID: f.UserID, Raw: raw}, nil
}

func frameData(event string, data json.RawMessage) (string, error) {
	if event == Error || event == SubscriptionError {
		var object map[string]any
		if err := json.Unmarshal(data, &object); err != nil {
			return "", fmt.Errorf("data is not an object: %w", err)
		}
		return string(data), nil
	}
	if len(data) == 0 || data[0] != '"' {
		return "", errors.New("data is not a string")
	}
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return "", err
	}
	return s, nil
}

// ErrorData is the data of a pusher:error.
type ErrorData struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// ErrorData reads the data of a pusher:error. It fails if the code is not a number or the message
// is missing.
func (f Frame) ErrorData() (ErrorData, error) {
	var d struct {
		Code    *int    `json:"code"`
		Message *string `json:"message"`
	}
	if err := json.Unmarshal([]byte(f.Data), &d); err != nil {
		return ErrorData{}, fmt.Errorf("data of %s: %w", f.Raw, err)
	}
	if d.Code == nil || d.Message == nil || *d.Message == "" {
		return ErrorData{}, fmt.Errorf("data of %s: code or message missing", f.Raw)
	}
	return ErrorData{*d.Code, *d.Message}, nil
}
