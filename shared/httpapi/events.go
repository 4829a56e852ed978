package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"hark/shared/pusher"
)

// What one publish may hold (protocol.md §5.3, §5.11).
const (
	maxData      = 10 << 10 // bytes
	maxChannels  = 100
	maxEventName = 200 // characters
)

// trigger is the body of POST /apps/{id}/events.
type trigger struct {
	Name     string           `json:"name"`
	Data     *string          `json:"data"`
	Channel  pusher.Channel   `json:"channel"`
	Channels []pusher.Channel `json:"channels"`
	SocketID pusher.SocketID  `json:"socket_id"`
	Info     string           `json:"info"`
}

// events publishes one event to up to 100 channels (protocol.md §5.3). Everything that can fail is done before anything is
// queued: a publisher that is told of a failure may try again.
func (a *API) events(ctx context.Context, app pusher.App, body []byte) (any, error) {
	var t trigger
	if err := json.Unmarshal(body, &t); err != nil {
		return nil, badJSON(err)
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	channels := t.unique()
	answer, err := a.info(ctx, app, channels, t.Info)
	if err != nil {
		return nil, err
	}
	broadcasts := make([]pusher.Broadcast, len(channels))
	for i, ch := range channels {
		broadcasts[i] = pusher.Broadcast{App: app.ID, Channel: ch, Except: t.SocketID, Frame: pusher.EventFrame(t.Name, ch, *t.Data)}
	}
	if err := a.Publisher.Publish(ctx, broadcasts...); err != nil {
		return nil, err
	}
	return answer, nil
}

// badJSON says what is wrong with a body without showing any of it.
func badJSON(err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Field != "" {
		return refuse(http.StatusBadRequest, "The %s field must not be a JSON %s", wrong.Field, wrong.Value)
	}
	return refuse(http.StatusBadRequest, "The body is not a JSON object")
}

func (t trigger) check() error {
	switch {
	case t.Name == "":
		return refuse(http.StatusBadRequest, "The name field is required")
	case utf8.RuneCountInString(t.Name) > maxEventName:
		return refuse(http.StatusBadRequest, "Event name too long: the limit is %d characters", maxEventName)
	case strings.HasPrefix(t.Name, "pusher:"), strings.HasPrefix(t.Name, "pusher_internal:"):
		return refuse(http.StatusBadRequest, "Event names that begin with pusher: or pusher_internal: are reserved: %.60s", t.Name)
	case t.Data == nil:
		return refuse(http.StatusBadRequest, "The data field is required")
	case len(*t.Data) > maxData:
		return refuse(http.StatusRequestEntityTooLarge,
			"The data content of this event exceeds the allowed maximum (%d bytes): it has %d", maxData, len(*t.Data))
	case t.SocketID != "" && !t.SocketID.Valid():
		return refuse(http.StatusBadRequest, "Invalid socket_id: %.60q is not two numbers and a dot", t.SocketID)
	}
	return t.checkChannels()
}

func (t trigger) checkChannels() error {
	all := t.all()
	switch {
	case len(all) == 0:
		return refuse(http.StatusBadRequest, "The channel or channels field is required")
	case len(all) > maxChannels:
		return refuse(http.StatusBadRequest, "Cannot broadcast to more than %d channels at once: there are %d", maxChannels, len(all))
	}
	for _, ch := range all {
		var no *pusher.Error
		if errors.As(ch.Validate(), &no) {
			return refuse(http.StatusBadRequest, "%s", no.Message)
		}
	}
	return nil
}

// all are the channels as given; channels wins over channel.
func (t trigger) all() []pusher.Channel {
	if len(t.Channels) == 0 && t.Channel != "" {
		return []pusher.Channel{t.Channel}
	}
	return t.Channels
}

// unique are the channels in their order, each once.
func (t trigger) unique() []pusher.Channel {
	seen := make(map[pusher.Channel]bool)
	var out []pusher.Channel
	for _, ch := range t.all() {
		if !seen[ch] {
			seen[ch] = true
			out = append(out, ch)
		}
	}
	return out
}

// attributes are what info may ask of one channel.
type attributes struct {
	Subscriptions *int `json:"subscription_count,omitempty"`
}

// info answers what the publisher asked about the channels: {} if nothing. An attribute that a channel does not have is
// left out (protocol.md §5.3).
func (a *API) info(ctx context.Context, app pusher.App, channels []pusher.Channel, asked string) (any, error) {
	if asked == "" {
		return struct{}{}, nil
	}
	out := make(map[pusher.Channel]attributes, len(channels))
	for _, ch := range channels {
		var about attributes
		if wants(asked, "subscription_count") && !ch.Presence() {
			n, err := a.Counter.Count(ctx, app.ID, ch, a.now())
			if err != nil {
				return nil, err
			}
			about.Subscriptions = &n
		}
		out[ch] = about
	}
	return map[string]any{"channels": out}, nil
}

func wants(info, attribute string) bool {
	for name := range strings.SplitSeq(info, ",") {
		if strings.TrimSpace(name) == attribute {
			return true
		}
	}
	return false
}
