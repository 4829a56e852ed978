package queue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// What one SendMessageBatch takes (docs/aws.md §C).
const (
	perRequest      = 10      // messages
	bytesPerRequest = 1 << 20 // of all their bodies
)

// letter is a message on its way to a FIFO queue.
type letter struct{ body, group, deduplication string }

// send queues the letters, those of one group in the order given. When it returns nil, all are queued; when it fails, some may be.
func send(ctx context.Context, client *sqs.Client, url string, letters []letter) error {
	for len(letters) > 0 {
		n := fitting(letters)
		if err := sendBatch(ctx, client, url, letters[:n]); err != nil {
			return err
		}
		letters = letters[n:]
	}
	return nil
}

// fitting is how many of the first letters go into one request: at least one, which is refused by the queue if it is too long.
func fitting(letters []letter) int {
	size := 0
	for i, l := range letters[:min(len(letters), perRequest)] {
		if size += len(l.body); size > bytesPerRequest && i > 0 {
			return i
		}
	}
	return min(len(letters), perRequest)
}

func sendBatch(ctx context.Context, client *sqs.Client, url string, letters []letter) error {
	entries := make([]types.SendMessageBatchRequestEntry, len(letters))
	for i, l := range letters {
		entries[i] = types.SendMessageBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), MessageBody: &l.body,
			MessageGroupId: &l.group, MessageDeduplicationId: &l.deduplication,
		}
	}
	out, err := client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &url, Entries: entries})
	if err != nil {
		return err
	}
	if len(out.Failed) > 0 {
		f := out.Failed[0]
		return fmt.Errorf("%d of %d refused, first %s: %s", len(out.Failed), len(letters), aws.ToString(f.Code), aws.ToString(f.Message))
	}
	return nil
}

// encode writes a message. It leaves texts as they are: json.Marshal would put HTML's escapes into them, which every subscriber
// would be sent. Only the two characters are escaped that JSON may hold but a message may not (docs/aws.md §C).
func encode(v any) (string, error) {
	var text strings.Builder
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return strings.NewReplacer("\ufffe", `\ufffe`, "\uffff", `\uffff`).Replace(strings.TrimSuffix(text.String(), "\n")), err
}

// hash makes a name of a group, or of a message, out of what may be longer than those may be.
func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}
