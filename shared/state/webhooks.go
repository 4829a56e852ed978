package state

import (
	"time"

	"hark/shared/pusher"
)

// Check is a message of the checks queue: compare what is with what was announced (docs/steps.md
// §3.5). It is about a channel unless User or Missed says otherwise.
type Check struct {
	App     string         `json:"app"`
	Channel pusher.Channel `json:"channel"`
	User    string         `json:"user,omitempty"` // is this user on the presence channel?
	Missed  bool           `json:"miss,omitempty"` // a subscriber found no cached event

	Again bool `json:"-"` // it was received before, by a function that may have died meanwhile
}

// Delivery is a message of the deliveries queue: a webhook event on its way to one endpoint.
type Delivery struct {
	App   string              `json:"app"`
	URL   string              `json:"url,omitempty"` // of the webhook; "" is the stack's event bus
	Event pusher.WebhookEvent `json:"notice"`
	At    int64               `json:"time_ms"` // when the event happened, in Unix milliseconds

	// For the event bus only: webhooks are sent what Pusher sends and nothing more.
	SocketID pusher.SocketID `json:"socket_id,omitempty"`   // of the connection that joined
	Lasted   int64           `json:"duration_ms,omitempty"` // how long what ended was announced

	Receives int `json:"-"` // how often it was received, this time included
}

// AnnouncedMember says that an app's webhooks announced a user on a presence channel. The zero
// value says that they did not.
type AnnouncedMember struct {
	At         time.Time           // when it was announced
	Connection pusher.ConnectionID // one of the user's
}
