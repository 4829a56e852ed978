package state

import (
	"time"

	"hark/shared/pusher"
)

// Lease makes sweep check something in a given minute (docs/steps.md §3.12): a connection, or, if
// Connection is "", a channel whose subscription count is to be sent.
type Lease struct {
	Minute     time.Time
	Connection pusher.ConnectionID
	App        string // of the channel
	Channel    pusher.Channel
}

// AuditPlace is how far the audit has come (docs/steps.md §3.13): it has checked every app that
// sorts before App, the parts of App's channel list before Part, and in that part the channels up
// to After. The zero value is the start of the first round.
type AuditPlace struct {
	Round time.Time // when the round began, to the minute
	App   string
	Part  int
	After pusher.Channel
}
