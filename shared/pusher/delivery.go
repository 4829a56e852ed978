package pusher

import "time"

// Check asks whether an app has been told how things are: model.md §3, "Check".
type Check struct {
	App     string  `json:"app"`
	Channel Channel `json:"channel"`
	User    string  `json:"user,omitempty"` // of a presence channel: is that user there? Else: is the channel occupied?
	Missed  bool    `json:"miss,omitempty"` // somebody found no event on the cache channel

	Again bool `json:"-"` // it was handed out before, to somebody who may have died over it
}

// Delivery is a notice on its way to one of those who are told.
type Delivery struct {
	App    string `json:"app"`
	URL    string `json:"url,omitempty"` // of the webhook; empty for the stack's event bus
	Notice Notice `json:"notice"`
	At     int64  `json:"time_ms"` // when it came to be, in Unix milliseconds

	// For the bus alone; webhooks are not told more than Pusher tells them.
	SocketID SocketID `json:"socket_id,omitempty"`   // of the connection that a member came by
	Lasted   int64    `json:"duration_ms,omitempty"` // of what has ended: for how long the app believed in it

	Receives int `json:"-"` // how often it has been handed out, this time included
}

// ToldMember is that an app has been told that a user is on a presence channel. The zero value stands for nobody told.
type ToldMember struct {
	At         time.Time    // when it was told
	Connection ConnectionID // one of the user's
}
