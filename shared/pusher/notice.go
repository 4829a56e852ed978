package pusher

import (
	"slices"
	"strings"
)

// The names of what an app can be told by its webhooks (protocol.md §6.2).
const (
	ChannelOccupied = "channel_occupied"
	ChannelVacated  = "channel_vacated"
	NoticeMember    = "member_added"
	NoticeLeft      = "member_removed"
	NoticeClient    = "client_event"
	NoticeMiss      = "cache_miss"
	NoticeCount     = "subscription_count"
)

// Notice is one thing that an app is told, as its webhooks read it: fields that do not belong to it are empty.
type Notice struct {
	Name     string   `json:"name"`
	Channel  Channel  `json:"channel"`
	Event    string   `json:"event,omitempty"`
	Data     *string  `json:"data,omitempty"` // of a client event, which may have an empty text
	SocketID SocketID `json:"socket_id,omitempty"`
	UserID   string   `json:"user_id,omitempty"`
	Count    *int     `json:"subscription_count,omitempty"`
}

// Webhook is an address that an app wants to be told at, and what of.
type Webhook struct {
	URL     string            `json:"url"`
	Events  []string          `json:"event_types,omitempty"` // names of notices; all if empty
	Prefix  string            `json:"channel_name_starts_with,omitempty"`
	Suffix  string            `json:"channel_name_ends_with,omitempty"`
	Headers map[string]string `json:"headers,omitempty"` // sent beside Pusher's own
}

// Wants reports whether the webhook is to be told of the notice.
func (w Webhook) Wants(n Notice) bool {
	return (len(w.Events) == 0 || slices.Contains(w.Events, n.Name)) &&
		strings.HasPrefix(string(n.Channel), w.Prefix) && strings.HasSuffix(string(n.Channel), w.Suffix)
}
