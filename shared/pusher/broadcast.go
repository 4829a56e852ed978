package pusher

import "encoding/json"

// Kind says what is to be done with a Broadcast.
type Kind string

// What the one consumer of a channel's group does.
const (
	KindEvent Kind = ""      // posts the frame to all subscribers
	KindJoin  Kind = "join"  // takes a connection into a presence channel
	KindLeave Kind = "leave" // takes one out
	KindCount Kind = "count" // tells the subscribers how many they are
	KindWatch Kind = "watch" // of a user's channel: tells who watches the user whether it is online
)

// Broadcast is an event for one channel on its way to the subscribers, or something else that must keep its place between the
// channel's events.
type Broadcast struct {
	Kind    Kind            `json:"kind,omitempty"`
	App     string          `json:"app"`
	Channel Channel         `json:"channel"`
	Except  SocketID        `json:"except,omitempty"` // who caused the event and does not hear it back
	Frame   json.RawMessage `json:"frame,omitempty"`  // what each subscriber reads, encoded once
	Cache   bool            `json:"cache,omitempty"`  // the frame is kept for those who subscribe later
	Once    string          `json:"-"`                // by which the queue knows a repeat within OnceFor; "" has none

	// Of a join and a leave; of a watch, who asked for it, if it was a new watcher.
	Connection  ConnectionID `json:"connection,omitempty"`
	Stamp       Stamp        `json:"stamp,omitempty"`
	ConnectedAt int64        `json:"connected,omitempty"` // Unix milliseconds
	Member      *Member      `json:"member,omitempty"`    // of a join
	Online      bool         `json:"online,omitempty"`    // of a watch: what the new watcher was told
}
