package membership

import (
	"context"

	"hark/shared/state"
)

// ConsumerSteps are the steps that only the consumer of a channel may run, one at a time: Join and
// Leave (presence.go), SendCount (count.go) and SendStatus (watch.go). After an error a step must
// run again before anything else of the channel.
type ConsumerSteps struct {
	*Membership
	Fanout Fanout
}

// Fanout posts one frame to many connections.
type Fanout interface {
	// Post posts the frame to all of the subscriptions and returns when all posts have ended. A
	// client that cannot be sent the frame is closed, or forgotten if its connection is gone. Post
	// fails if time ran out, or if a client could neither be sent the frame nor be closed; then it
	// must be called again.
	Post(ctx context.Context, to []state.Subscription, frame []byte) error
}
