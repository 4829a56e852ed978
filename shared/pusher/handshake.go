package pusher

import "time"

// Handshake is a client's request to open a connection (docs/protocol.md §1.1).
type Handshake struct {
	Connection  ConnectionID
	Key         string // the app's, from the URL
	Secret      string // proves that the request came through the distribution
	Origin      string // of the page; "" for clients that are not browsers
	ConnectedAt time.Time
}
