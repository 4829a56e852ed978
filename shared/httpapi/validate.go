package httpapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"hark/shared/pusher"
	"hark/shared/state"
)

// event is one event as publishers write it (docs/protocol.md §5.3, §5.4).
type event struct {
	Name     string          `json:"name"`
	Data     *string         `json:"data"`
	Channel  pusher.Channel  `json:"channel"`
	SocketID pusher.SocketID `json:"socket_id"`
	Info     string          `json:"info"`
}

// channels returns the event's channel, or nothing if it names none.
func (e event) channels() []pusher.Channel {
	if e.Channel == "" {
		return nil
	}
	return []pusher.Channel{e.Channel}
}

// message returns the event as it is queued for its channel.
func (e event) message(app pusher.App) state.Event {
	return state.Event{
		App: app.ID, Channel: e.Channel, Except: e.SocketID,
		Frame: pusher.EventFrame(e.Name, e.Channel, *e.Data), Cache: e.Channel.Cache(),
	}
}

// check refuses an event that the app may not publish to the channels.
func (e event) check(limits pusher.Settings, channels ...pusher.Channel) error {
	nameLength := utf8.RuneCountInString(e.Name)
	switch {
	case e.Name == "":
		return badRequestf("The name field is required")
	case nameLength > limits.MaxEventName:
		return badRequestf("Event name too long: %d characters, the limit is %d: %.60s...",
			nameLength, limits.MaxEventName, e.Name)
	case strings.HasPrefix(e.Name, "pusher:"), strings.HasPrefix(e.Name, "pusher_internal:"):
		return badRequestf(
			"Event names that begin with pusher: or pusher_internal: are reserved: %.60s", e.Name)
	case e.Data == nil:
		return badRequestf("The data field is required")
	case e.SocketID != "" && !e.SocketID.Valid():
		return badRequestf("Invalid socket_id: %.60q is not two numbers and a dot", e.SocketID)
	case len(channels) == 0:
		return badRequestf("The channel or channels field is required")
	}
	for _, ch := range channels {
		if err := checkTarget(ch, limits); err != nil {
			return err
		}
	}
	if n := len(*e.Data); n > limits.MaxEventData { // the first half of the text is Pusher's
		return tooLargef("The data content of this event exceeds the allowed maximum (%d bytes): "+
			"%d bytes for channel %.200s", limits.MaxEventData, n, channels[0])
	}
	return e.checkFrames(channels)
}

func tooLargef(format string, args ...any) *pusher.HTTPError {
	return pusher.HTTPErrorf(http.StatusRequestEntityTooLarge, format, args...)
}

// checkFrames refuses an event if one of its frames is longer than a post may be. That can happen
// only if the app has raised the limit of data: escaped, data becomes up to six times as long.
func (e event) checkFrames(channels []pusher.Channel) error {
	const escaped = 6
	if escaped*(len(*e.Data)+len(e.Name)+pusher.MaxChannelName) < pusher.MaxFrame {
		return nil
	}
	for _, ch := range channels {
		if n := len(pusher.EventFrame(e.Name, ch, *e.Data)); n > pusher.MaxFrame {
			return tooLargef("The event is too long for channel %.200s: "+
				"its frame has %d bytes, the limit is %d", ch, n, pusher.MaxFrame)
		}
	}
	return nil
}

// checkTarget refuses a channel that nothing can be published to. A user's channel is a target,
// although clients cannot subscribe to it like to others (docs/protocol.md §5.9).
func checkTarget(ch pusher.Channel, limits pusher.Settings) error {
	if user := ch.User(); user != "" {
		return badRequest(pusher.ValidateUserID(user))
	}
	return checkName(ch, limits)
}

// checkName refuses an invalid name of a channel.
func checkName(ch pusher.Channel, limits pusher.Settings) error {
	return badRequest(ch.Validate(limits.MaxChannelName))
}

// badRequest turns a refusal that a client would be sent into an answer with status 400.
func badRequest(err error) error {
	var refusal *pusher.Error
	if errors.As(err, &refusal) {
		return badRequestf("%s", refusal.Message)
	}
	return err
}

// invalidJSON explains what is wrong with a body without quoting it.
func invalidJSON(err error) error {
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) && wrongType.Field != "" {
		return badRequestf("The %s field must not be a JSON %s", wrongType.Field, wrongType.Value)
	}
	return badRequestf("The body is not a JSON object")
}
