package pusher

import "encoding/json"

// Broadcast is one event for one channel, on its way to the subscribers.
type Broadcast struct {
	App     string          `json:"app"`
	Channel Channel         `json:"channel"`
	Except  SocketID        `json:"except,omitempty"` // who caused the event and does not hear it back
	Frame   json.RawMessage `json:"frame"`            // what each subscriber reads, encoded once
}
