// Command redrive moves dead letters back to the queue that they came from. Run it as
// scripts/redrive; docs/webhooks.md describes it.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "scripts/redrive:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) < 1 || len(args) > 2 {
		return errors.New("usage: scripts/redrive DEAD [TO], both URLs of queues")
	}
	cfg, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return fmt.Errorf("load AWS config: %w", err)
	}
	r := redrive{client: sqs.NewFromConfig(cfg), from: args[0]}
	if len(args) == 2 {
		r.to = args[1]
	} else if r.to, err = r.source(ctx); err != nil {
		return err
	}
	moved, err := r.run(ctx)
	_, printErr := fmt.Fprintf(out, "%d messages moved to %s\n", moved, r.to)
	return cmp.Or(err, printErr)
}

// redrive moves messages between two queues.
type redrive struct {
	client   *sqs.Client
	from, to string // URLs
}

// source is the queue whose dead-letter queue is the one to move from.
func (r redrive) source(ctx context.Context) (string, error) {
	in := &sqs.ListDeadLetterSourceQueuesInput{QueueUrl: &r.from}
	out, err := r.client.ListDeadLetterSourceQueues(ctx, in)
	if err != nil {
		return "", fmt.Errorf("find out whose dead letters these are: %w", err)
	}
	if len(out.QueueUrls) != 1 {
		return "", fmt.Errorf("%s has the dead letters of %d queues: say which one they go to",
			r.from, len(out.QueueUrls))
	}
	return out.QueueUrls[0], nil
}

// waitSeconds makes a receive a long poll. A short poll asks only some of SQS's servers and may
// overlook messages.
const waitSeconds = 2

// run moves as many messages as there were when it began, since a message that fails again may be
// back at once. It returns how many it moved.
func (r redrive) run(ctx context.Context) (moved int, err error) {
	count, err := r.count(ctx)
	if err != nil {
		return 0, err
	}
	const group = types.MessageSystemAttributeNameMessageGroupId
	for moved < count {
		out, err := r.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl:                    &r.from,
			MaxNumberOfMessages:         int32(min(count-moved, 10)),
			WaitTimeSeconds:             waitSeconds,
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{group},
		})
		if err != nil {
			return moved, fmt.Errorf("receive dead letters: %w", err)
		}
		if len(out.Messages) == 0 {
			break
		}
		for _, m := range out.Messages {
			if err := r.move(ctx, m); err != nil {
				return moved, err
			}
			moved++
		}
	}
	return moved, nil
}

// count is approximately how many messages there are. If it is too low, the rest are left for
// another run.
func (r redrive) count(ctx context.Context) (int, error) {
	const name = types.QueueAttributeNameApproximateNumberOfMessages
	out, err := r.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &r.from, AttributeNames: []types.QueueAttributeName{name},
	})
	if err != nil {
		return 0, fmt.Errorf("count dead letters: %w", err)
	}
	return strconv.Atoi(out.Attributes[string(name)])
}

// move sends the message and then deletes it. If it dies between the two, the message is still
// there. Moving it again within five minutes does not send it twice: its ID is the deduplication
// ID. Its attributes, such as the reason of a refusal, are not kept.
func (r redrive) move(ctx context.Context, m types.Message) error {
	in := &sqs.SendMessageInput{QueueUrl: &r.to, MessageBody: m.Body}
	if group := m.Attributes["MessageGroupId"]; group != "" {
		in.MessageGroupId, in.MessageDeduplicationId = aws.String(group), m.MessageId
	}
	if _, err := r.client.SendMessage(ctx, in); err != nil {
		return fmt.Errorf("send message %s: %w", *m.MessageId, err)
	}
	_, err := r.client.DeleteMessage(ctx, &sqs.DeleteMessageInput{
		QueueUrl: &r.from, ReceiptHandle: m.ReceiptHandle,
	})
	if err != nil {
		return fmt.Errorf("delete message %s, which was sent: %w", *m.MessageId, err)
	}
	return nil
}
