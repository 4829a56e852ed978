package state

import (
	"time"

	"hark/shared/pusher"
)

// Subscription is one connection on one channel: row S of docs/steps.md §3. On a user's channel it
// says that the connection is signed in as the user.
type Subscription struct {
	Connection  pusher.ConnectionID
	App         string
	Channel     pusher.Channel
	Stamp       Stamp // of the frame that subscribed
	ConnectedAt time.Time
	Pending     bool          // the success is not sent yet, so no event may be posted
	Cached      string        // on cache channels, the version of the event that was sent
	Member      pusher.Member // on presence channels
}
