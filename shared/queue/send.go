package queue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"hark/shared/pusher"
)

// What one SendMessageBatch takes (docs/aws.md §C).
const (
	maxMessages = 10
	maxBytes    = 1 << 20 // of all bodies together
)

// message is a message on its way to a FIFO queue.
type message struct{ body, group, deduplication string }

// send queues the messages, those of one group in the order given. When it returns nil, all are
// queued; when it fails, some may be.
func send(ctx context.Context, client *sqs.Client, url string, messages []message) error {
	for len(messages) > 0 {
		n := fitting(messages)
		if err := sendBatch(ctx, client, url, messages[:n]); err != nil {
			return err
		}
		messages = messages[n:]
	}
	return nil
}

// fitting returns how many of the first messages go into one request: at least one. SQS refuses
// that one if it is too long by itself.
func fitting(messages []message) int {
	most := min(len(messages), maxMessages)
	size := 0
	for i, m := range messages[:most] {
		if size += len(m.body); size > maxBytes && i > 0 {
			return i
		}
	}
	return most
}

func sendBatch(ctx context.Context, client *sqs.Client, url string, messages []message) error {
	entries := make([]types.SendMessageBatchRequestEntry, len(messages))
	for i, m := range messages {
		entries[i] = types.SendMessageBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), MessageBody: &m.body,
			MessageGroupId: &m.group, MessageDeduplicationId: &m.deduplication,
		}
	}
	out, err := client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{
		QueueUrl: &url, Entries: entries,
	})
	if err != nil {
		return err
	}
	if len(out.Failed) > 0 {
		f := out.Failed[0]
		return fmt.Errorf("%d of %d refused, first %s: %s",
			len(out.Failed), len(messages), aws.ToString(f.Code), aws.ToString(f.Message))
	}
	return nil
}

// encode returns the body of a message. json.Marshal would escape characters in frames for HTML,
// and every subscriber would be sent the escapes.
func encode(v any) (string, error) {
	text, err := pusher.EncodeMessage(v)
	return string(text), err
}

// hash returns a name for a message group or a deduplication ID. SQS limits those to 128
// characters, and what they are made of may be longer.
func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}
