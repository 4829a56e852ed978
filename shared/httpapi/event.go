package httpapi

import (
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

// channels is the event's own channel, if it names one.
func (e event) channels() []pusher.Channel {
	if e.Channel == "" {
		return nil
	}
	return []pusher.Channel{e.Channel}
}

// queued is the event as it is queued for its channel.
func (e event) queued(app pusher.App) state.Event {
	return state.Event{
		App: app.ID, Channel: e.Channel, Except: e.SocketID, Frame: pusher.EventFrame(e.Name, e.Channel, *e.Data), Cache: e.Channel.Cache(),
	}
}

// check refuses an event that the app may not publish to the channels.
func (e event) check(limits pusher.Settings, channels ...pusher.Channel) error {
	switch {
	case e.Name == "":
		return pusher.HTTPErrorf(http.StatusBadRequest, "The name field is required")
	case utf8.RuneCountInString(e.Name) > limits.MaxEventName:
		return pusher.HTTPErrorf(http.StatusBadRequest, "Event name too long: %d characters, the limit is %d: %.60s...",
			utf8.RuneCountInString(e.Name), limits.MaxEventName, e.Name)
	case strings.HasPrefix(e.Name, "pusher:"), strings.HasPrefix(e.Name, "pusher_internal:"):
		return pusher.HTTPErrorf(http.StatusBadRequest, "Event names that begin with pusher: or pusher_internal: are reserved: %.60s", e.Name)
	case e.Data == nil:
		return pusher.HTTPErrorf(http.StatusBadRequest, "The data field is required")
	case e.SocketID != "" && !e.SocketID.Valid():
		return pusher.HTTPErrorf(http.StatusBadRequest, "Invalid socket_id: %.60q is not two numbers and a dot", e.SocketID)
	case len(channels) == 0:
		return pusher.HTTPErrorf(http.StatusBadRequest, "The channel or channels field is required")
	}
	for _, ch := range channels {
		if err := checkTarget(ch, limits); err != nil {
			return err
		}
	}
	if n := len(*e.Data); n > limits.MaxEventData { // the words of Pusher's, as far as they go
		return pusher.HTTPErrorf(http.StatusRequestEntityTooLarge,
			"The data content of this event exceeds the allowed maximum (%d bytes): %d bytes for channel %.200s", limits.MaxEventData, n, channels[0])
	}
	return e.checkFrames(channels)
}

// checkFrames refuses an event of which a frame would be longer than a post may be, which the limit of its data does not rule out if the
// app has raised that: escaped, data may be six times as long.
func (e event) checkFrames(channels []pusher.Channel) error {
	const escaped = 6
	if escaped*(len(*e.Data)+len(e.Name)+pusher.MaxChannelName) < pusher.MaxFrame {
		return nil
	}
	for _, ch := range channels {
		if n := len(pusher.EventFrame(e.Name, ch, *e.Data)); n > pusher.MaxFrame {
			return pusher.HTTPErrorf(http.StatusRequestEntityTooLarge,
				"The event is too long for channel %.200s: its frame has %d bytes, the limit is %d", ch, n, pusher.MaxFrame)
		}
	}
	return nil
}

// checkTarget refuses a channel that cannot be published to. A user is reached by the user's channel, which nobody subscribes to
// like others (docs/protocol.md §5.9).
func checkTarget(ch pusher.Channel, limits pusher.Settings) error {
	if user := ch.User(); user != "" {
		return badRequest(pusher.ValidateUserID(user))
	}
	return checkName(ch, limits)
}

// checkName refuses what is not the name of a channel.
func checkName(ch pusher.Channel, limits pusher.Settings) error {
	return badRequest(ch.Validate(limits.MaxChannelName))
}

// badRequest answers 400 where a client would be sent a pusher:error frame.
func badRequest(err error) error {
	var refusal *pusher.Error
	if errors.As(err, &refusal) {
		return pusher.HTTPErrorf(http.StatusBadRequest, "%s", refusal.Message)
	}
	return err
}
