package state

import (
	"encoding/json"
	"time"

	"hark/shared/pusher"
)

// Marker lists a channel as occupied: row K of docs/steps.md §3. The zero value says that there is
// none.
type Marker struct {
	Exists    bool
	Vacant    string    // the nonce of the function that found the channel empty; "" if none did
	At        time.Time // when the marker was written
	Announced Announced // by the app's webhooks
}

// Announced is the last webhook event that an app was sent about a channel.
type Announced int

// The values of Announced, in the order in which a marker takes them.
const (
	AnnouncedNothing Announced = iota
	AnnouncedOccupied
	AnnouncedVacated // being sent: the marker is removed afterwards
)

// Listed is a channel in the list of an app's occupied channels, with its marker.
type Listed struct {
	Channel pusher.Channel
	Marker  Marker
}

// Cached is the newest event of a cache channel. The zero value says that there is none.
type Cached struct {
	Frame   json.RawMessage
	Version string        // differs between any two events
	Left    time.Duration // until it expires
}
