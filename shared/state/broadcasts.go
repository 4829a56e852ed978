package state

import (
	"encoding/json"

	"hark/shared/pusher"
)

// Broadcast is a message of the broadcasts queue: an Event, a Join, a Leave, a Count or a Watch.
// All but the Event are changes that must keep their place between the channel's events. Package
// queue encodes messages; the JSON names here are those of the message's body.
type Broadcast interface {
	// Target is the channel whose consumer handles the message.
	Target() (app string, ch pusher.Channel)
}

// Event is posted to all subscribers of its channel.
type Event struct {
	App     string          `json:"app"`
	Channel pusher.Channel  `json:"channel"`
	Except  pusher.SocketID `json:"except,omitempty"` // of the connection that is not sent it
	Frame   json.RawMessage `json:"frame,omitempty"`  // the same for all subscribers
	Cache   bool            `json:"cache,omitempty"`  // the frame is kept for later subscribers

	// RepeatKey lets the queue recognize a repeat within IdempotencyWindow; "" if it never should.
	RepeatKey string `json:"-"`
}

// Join makes a connection a member of a presence channel.
type Join struct {
	App         string              `json:"app"`
	Channel     pusher.Channel      `json:"channel"`
	Connection  pusher.ConnectionID `json:"connection,omitempty"`
	Stamp       Stamp               `json:"stamp,omitempty"`
	ConnectedAt int64               `json:"connected,omitempty"` // Unix milliseconds
	Member      pusher.Member       `json:"member"`
}

// Leave ends a connection's membership of a presence channel.
type Leave struct {
	App        string              `json:"app"`
	Channel    pusher.Channel      `json:"channel"`
	Connection pusher.ConnectionID `json:"connection,omitempty"`
	Stamp      Stamp               `json:"stamp,omitempty"`
}

// Count sends a channel's subscribers their number.
type Count struct {
	App     string         `json:"app"`
	Channel pusher.Channel `json:"channel"`
}

// Watch sends the watchers of a user whether the user is online. Its channel is the user's.
type Watch struct {
	App        string              `json:"app"`
	Channel    pusher.Channel      `json:"channel"`
	Connection pusher.ConnectionID `json:"connection,omitempty"` // the new watcher that asked
	Online     bool                `json:"online,omitempty"`     // what the new watcher was sent
}

// Target implements Broadcast.
func (e Event) Target() (app string, ch pusher.Channel) { return e.App, e.Channel }

// Target implements Broadcast.
func (j Join) Target() (app string, ch pusher.Channel) { return j.App, j.Channel }

// Target implements Broadcast.
func (l Leave) Target() (app string, ch pusher.Channel) { return l.App, l.Channel }

// Target implements Broadcast.
func (c Count) Target() (app string, ch pusher.Channel) { return c.App, c.Channel }

// Target implements Broadcast.
func (w Watch) Target() (app string, ch pusher.Channel) { return w.App, w.Channel }
