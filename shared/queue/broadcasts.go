package queue

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"hark/shared/pusher"
)

// Broadcasts sends events to the queue of events to deliver.
type Broadcasts struct {
	Client *sqs.Client
	URL    string
}

// Publish queues the broadcasts, those of one channel in the order given. When it returns nil, all are queued; when it
// fails, some may be. Two equal events are two messages: nothing is deduplicated by content. But one that has a name for it (Once) is
// queued once within five minutes (aws-facts.md §C), and its repeats succeed.
func (b *Broadcasts) Publish(ctx context.Context, broadcasts ...pusher.Broadcast) error {
	letters := make([]letter, len(broadcasts))
	for i, e := range broadcasts {
		body, err := encode(e)
		if err != nil {
			return fmt.Errorf("encode broadcast: %w", err)
		}
		letters[i] = letter{body, channelGroup(e.App, e.Channel), deduplication(e)}
	}
	if err := send(ctx, b.Client, b.URL, letters); err != nil {
		return fmt.Errorf("queue broadcasts: %w", err)
	}
	return nil
}

// deduplication tells equal messages apart, or not: every event is one of its own unless its publisher says which one it is; a
// connection joins and leaves a channel once for each frame, however often a function says so (decisions.md 8).
func deduplication(e pusher.Broadcast) string {
	switch {
	case e.Once != "":
		return hash(fmt.Sprintf("%s#%s#once#%s", e.App, e.Channel, e.Once))
	case e.Kind == pusher.KindJoin, e.Kind == pusher.KindLeave:
		return hash(fmt.Sprintf("%s#%s#%s#%s#%d", e.App, e.Channel, e.Connection, e.Kind, e.Stamp))
	}
	return rand.Text()
}

// channelGroup is what keeps the messages about a channel in order. A channel's name may be longer than a group's may, so it is hashed.
func channelGroup(app string, ch pusher.Channel) string {
	return hash(app + "#" + string(ch))
}
