package e2e_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	bustypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// What apps publish without HTTP: through the queue and the event bus.

// publishMessage is the text of a message to the publish queue.
func publishMessage(t *testing.T, fields map[string]any) string {
	t.Helper()
	all := map[string]any{"app_id": hark.App.ID, "name": "test"}
	for name, value := range fields {
		all[name] = value
	}
	return string(body(t, all))
}

// mixed returns ten numbered events for the channel with some between them that are refused.
// refused has the status and the beginning of the reason of each, by its text.
func mixed(t *testing.T, ch string) (texts []string, refused map[string]string) {
	t.Helper()
	bad := []struct{ text, reason string }{
		{
			publishMessage(t, map[string]any{"channel": ch, "data": strings.Repeat("x", 10241)}),
			"413 The data content of this event exceeds",
		},
		{publishMessage(t, map[string]any{"channel": "#no", "data": "{}"}), "400 "},
		{
			publishMessage(
				t, map[string]any{"channel": ch, "data": "{}", "app_id": unique("nobody-")},
			),
			"404 ",
		},
	}
	refused = map[string]string{}
	for i := range 10 {
		if i > 0 && i%3 == 0 {
			b := bad[i/3-1]
			texts = append(texts, b.text)
			refused[b.text] = b.reason
		}
		texts = append(texts,
			publishMessage(t, map[string]any{"channel": ch, "data": fmt.Sprint(i)}))
	}
	return texts, refused
}

// refusedMessages waits for that many refused messages and returns their reasons, by their texts.
func refusedMessages(t *testing.T, count int) map[string]string {
	t.Helper()
	reasons := map[string]string{}
	within(t, hookPatience, func() bool {
		out, err := queues().ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: aws.String(hark.Queues["DeadPublish"]), MaxNumberOfMessages: 10,
			WaitTimeSeconds: 2, MessageAttributeNames: []string{"All"},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range out.Messages {
			reasons[*m.Body] = *m.MessageAttributes["Status"].StringValue + " " +
				*m.MessageAttributes["Reason"].StringValue
			_, err := queues().DeleteMessage(t.Context(), &sqs.DeleteMessageInput{
				QueueUrl: aws.String(hark.Queues["DeadPublish"]), ReceiptHandle: m.ReceiptHandle,
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		return len(reasons) >= count
	}, fmt.Sprintf("%d refused messages", count))
	return reasons
}

// Events that are sent to the queue or put on the bus reach subscribers, those of one message group
// in order. An event that the HTTP API would refuse delays no other: it goes to the refused queue,
// with its reason.
func TestEventsArePublishedWithoutHTTP(t *testing.T) {
	local(t)
	if hark.Queues["Publish"] == "" {
		t.Skip("this form of the stack has neither queue nor bus")
	}
	type send func(ctx context.Context, group string, texts []string) error
	for name, send := range map[string]send{"queue": sendAll, "bus": putAll} {
		t.Run(name, func(t *testing.T) {
			ch := unique("orders-")
			c := subscriber(t, ch)
			texts, refused := mixed(t, ch)
			if err := send(t.Context(), ch, texts); err != nil {
				t.Fatal(err)
			}
			for i := range 10 { // the local bus keeps the order; EventBridge does not promise that
				if f := c.next("test", ch); f.Data != fmt.Sprint(i) {
					t.Errorf("got %s, want number %d", f.Raw, i)
				}
			}
			c.quiet()
			for text, got := range refusedMessages(t, len(refused)) {
				for bad, reason := range refused {
					if strings.Contains(text, bad) { // EventBridge puts an envelope around it
						if !strings.HasPrefix(got, reason) || len(got) == len(reason) {
							t.Errorf("refused: %q, want %q", got, reason)
						}
						delete(refused, bad)
					}
				}
			}
			if len(refused) > 0 {
				t.Errorf("%d are not in the refused queue", len(refused))
			}
		})
	}
	t.Run("two messages with one deduplication ID are one event", func(t *testing.T) {
		ch := unique("orders-")
		c := subscriber(t, ch)
		text := publishMessage(t, map[string]any{"channel": ch, "data": "{}"})
		for _, id := range []string{"row-7", "row-7", "row-8"} {
			_, err := queues().SendMessage(t.Context(), &sqs.SendMessageInput{
				QueueUrl: aws.String(hark.Queues["Publish"]), MessageBody: &text,
				MessageGroupId: &ch, MessageDeduplicationId: aws.String(id),
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		c.next("test", ch)
		c.next("test", ch)
		c.quiet()
	})
}

// A refused message can be moved back and tried again. If its reason is not gone, it is refused
// again.
func TestARefusedMessageCanBeTriedAgain(t *testing.T) {
	local(t)
	if hark.Queues["Publish"] == "" {
		t.Skip("this form of the stack has neither queue nor bus")
	}
	text := publishMessage(t, map[string]any{"channel": "#no", "data": "{}"})
	if err := sendAll(t.Context(), unique("orders-"), []string{text}); err != nil {
		t.Fatal(err)
	}
	within(t, hookPatience, func() bool { return waiting(t, "DeadPublish") == 1 },
		"a refused message")
	output := redrives(t, "DeadPublish")
	if output != "1 messages moved to "+hark.Queues["Publish"]+"\n" {
		t.Errorf("scripts/redrive printed %q", output)
	}
	if reason := refusedMessages(t, 1)[text]; !strings.HasPrefix(reason, "400 ") {
		t.Errorf("refused again: %q", reason)
	}
}

// sendAll sends texts to the publish queue, as one group.
func sendAll(ctx context.Context, group string, texts []string) error {
	for i, text := range texts {
		_, err := queues().SendMessage(ctx, &sqs.SendMessageInput{
			QueueUrl: aws.String(hark.Queues["Publish"]), MessageBody: aws.String(text),
			MessageGroupId:         aws.String(group),
			MessageDeduplicationId: aws.String(fmt.Sprint("row-", i)),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// putAll puts texts on the bus.
func putAll(ctx context.Context, _ string, texts []string) error {
	bus := eventbridge.New(eventbridge.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(hark.AWS), Credentials: admin(),
	})
	for len(texts) > 0 {
		n := min(len(texts), 10)
		var entries []bustypes.PutEventsRequestEntry
		for _, text := range texts[:n] {
			entries = append(entries, bustypes.PutEventsRequestEntry{
				EventBusName: aws.String("Hark"), Source: aws.String("shop"),
				DetailType: aws.String("hark.publish"), Detail: aws.String(text),
			})
		}
		out, err := bus.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: entries})
		if err != nil {
			return err
		}
		if out.FailedEntryCount > 0 {
			return fmt.Errorf("%d of %d were refused", out.FailedEntryCount, n)
		}
		texts = texts[n:]
	}
	return nil
}
