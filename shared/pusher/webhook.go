package pusher

import (
	"slices"
	"strings"
)

// The names of webhook events (docs/protocol.md §6.2).
const (
	WebhookChannelOccupied   = "channel_occupied"
	WebhookChannelVacated    = "channel_vacated"
	WebhookMemberAdded       = "member_added"
	WebhookMemberRemoved     = "member_removed"
	WebhookClientEvent       = "client_event"
	WebhookCacheMiss         = "cache_miss"
	WebhookSubscriptionCount = "subscription_count"
)

// WebhookEvents returns the names of all webhook events, which a webhook's event_types may list.
func WebhookEvents() []string {
	return []string{
		WebhookChannelOccupied, WebhookChannelVacated, WebhookMemberAdded, WebhookMemberRemoved,
		WebhookClientEvent, WebhookCacheMiss, WebhookSubscriptionCount,
	}
}

// WebhookEvent is one event that an app's webhooks are sent, in Pusher's form (docs/protocol.md
// §6.2). Fields that do not belong to the event are empty.
type WebhookEvent struct {
	Name     string   `json:"name"`
	Channel  Channel  `json:"channel"`
	Event    string   `json:"event,omitempty"`
	Data     *string  `json:"data,omitempty"` // of a client event, whose data may be ""
	SocketID SocketID `json:"socket_id,omitempty"`
	UserID   string   `json:"user_id,omitempty"`
	Count    *int     `json:"subscription_count,omitempty"`
}

// Webhook is an endpoint of an app, with the webhook events that it wants.
type Webhook struct {
	URL     string            `json:"url"`
	Events  []string          `json:"event_types,omitempty"` // names of events; all if empty
	Prefix  string            `json:"channel_name_starts_with,omitempty"`
	Suffix  string            `json:"channel_name_ends_with,omitempty"`
	Headers map[string]string `json:"headers,omitempty"` // sent in addition to Pusher's own
}

// Wants reports whether the webhook is sent the event.
func (w Webhook) Wants(e WebhookEvent) bool {
	return (len(w.Events) == 0 || slices.Contains(w.Events, e.Name)) &&
		strings.HasPrefix(string(e.Channel), w.Prefix) &&
		strings.HasSuffix(string(e.Channel), w.Suffix)
}
