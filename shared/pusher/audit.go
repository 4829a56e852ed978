package pusher

import "time"

// Listed is a channel in the list of an app's occupied channels, with its marker.
type Listed struct {
	Channel Channel
	Marker  Marker
}

// AuditPlace is how far the audit has come: it has been through every app that sorts before this one, through the parts before
// this one of this app's list, and in this part through the channels up to After. The zero value is the start of a first round.
type AuditPlace struct {
	Round time.Time // when the round began, to the minute
	App   string
	Part  int
	After Channel
}
