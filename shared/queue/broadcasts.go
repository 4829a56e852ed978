package queue

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"hark/shared/pusher"
)

// Broadcasts sends events to the queue of events to deliver.
type Broadcasts struct {
	Client *sqs.Client
	URL    string
}

// perRequest is how many messages one SendMessageBatch takes.
const perRequest = 10

// Publish queues the broadcasts, those of one channel in the order given. When it returns nil, all are queued; when it
// fails, some may be. Two equal events are two messages: nothing is deduplicated by content.
func (b *Broadcasts) Publish(ctx context.Context, broadcasts ...pusher.Broadcast) error {
	for part := range slices.Chunk(broadcasts, perRequest) {
		if err := b.send(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

func (b *Broadcasts) send(ctx context.Context, part []pusher.Broadcast) error {
	entries := make([]types.SendMessageBatchRequestEntry, len(part))
	for i, e := range part {
		body, err := encode(e)
		if err != nil {
			return fmt.Errorf("encode broadcast: %w", err)
		}
		entries[i] = types.SendMessageBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), MessageBody: &body,
			MessageGroupId: aws.String(group(e)), MessageDeduplicationId: aws.String(deduplication(e)),
		}
	}
	out, err := b.Client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &b.URL, Entries: entries})
	if err != nil {
		return fmt.Errorf("queue broadcasts: %w", err)
	}
	if len(out.Failed) > 0 {
		f := out.Failed[0]
		return fmt.Errorf("queue broadcasts: %d of %d refused, first %s: %s",
			len(out.Failed), len(part), aws.ToString(f.Code), aws.ToString(f.Message))
	}
	return nil
}

// encode writes a message. It leaves the frame as it is: json.Marshal would put HTML's escapes into it, which every subscriber
// would be sent.
func encode(b pusher.Broadcast) (string, error) {
	var text strings.Builder
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	err := enc.Encode(b)
	return strings.TrimSuffix(text.String(), "\n"), err
}

// deduplication tells equal messages apart, or not: every event is one of its own, but a connection joins and leaves a channel once
// for each frame, however often a function says so (decisions.md 8).
func deduplication(e pusher.Broadcast) string {
	if e.Kind != pusher.KindJoin && e.Kind != pusher.KindLeave {
		return rand.Text()
	}
	return hash(fmt.Sprintf("%s#%s#%s#%s#%d", e.App, e.Channel, e.Connection, e.Kind, e.Stamp))
}

// group is what keeps a channel's broadcasts in order. A channel's name may be longer than a group's may, so it is hashed.
func group(e pusher.Broadcast) string {
	return hash(e.App + "#" + string(e.Channel))
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}
