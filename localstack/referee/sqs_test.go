package referee_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// message is one to a FIFO queue; its deduplication id is its body if it has none.
func message(queue, group, body, dedup string) *sqs.SendMessageInput {
	if dedup == "" {
		dedup = strings.Map(func(r rune) rune {
			if r == '"' || r == '{' || r == '}' || r == ' ' {
				return '-'
			}
			return r
		}, body)
	}
	return &sqs.SendMessageInput{
		QueueUrl: &queue, MessageBody: &body, MessageGroupId: aws.String(group),
		MessageDeduplicationId: &dedup,
	}
}

func TestSQSFIFO(t *testing.T) {
	compare(t, func(t *testing.T, c *cloud) facts {
		f := facts{}
		queue := c.outputs["Fifo"]
		receive := func(most int32) []types.Message {
			out, err := c.queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
				QueueUrl: &queue, MaxNumberOfMessages: most, WaitTimeSeconds: 1,
				MessageSystemAttributeNames: []types.MessageSystemAttributeName{
					types.MessageSystemAttributeNameAll,
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			return out.Messages
		}
		bodies := func(messages []types.Message) string {
			var all []string
			for _, m := range messages {
				all = append(all, *m.Body)
			}
			return strings.Join(all, " ")
		}
		send := func(fact string, in *sqs.SendMessageInput) {
			_, err := c.queues.SendMessage(t.Context(), in)
			f[fact] = call(err)
		}
		for _, body := range []string{"a1", "a2", "a3"} {
			send("send", message(queue, "a", body, ""))
		}
		send("send again", message(queue, "a", "a1", ""))
		first := receive(2)
		f["the first two"] = bodies(first)
		f["while the group is in flight"] = bodies(receive(10))
		send("the same id in another group", message(queue, "b", "b1", "a1"))
		beside := receive(10)
		f["another group, meanwhile"] = bodies(beside)
		hide := func(m types.Message, seconds int32) {
			_, err := c.queues.ChangeMessageVisibility(t.Context(), &sqs.ChangeMessageVisibilityInput{
				QueueUrl: &queue, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: seconds,
			})
			f["change of visibility"] = call(err)
		}
		for _, m := range slices.Backward(first) {
			hide(m, 0)
		}
		again := receive(10)
		f["given back, in order"] = bodies(again)
		for _, m := range again {
			f["received, "+*m.Body] = m.Attributes["ApproximateReceiveCount"]
			f["group, "+*m.Body] = m.Attributes["MessageGroupId"]
			f["digits of the sequence number, "+*m.Body] = fmt.Sprint(
				len(m.Attributes["SequenceNumber"]),
			)
			var names []string
			for name := range m.Attributes {
				names = append(names, name)
			}
			slices.Sort(names)
			f["attributes"] = strings.Join(names, " ")
		}
		remove := func(handle *string) string {
			_, err := c.queues.DeleteMessage(t.Context(),
				&sqs.DeleteMessageInput{QueueUrl: &queue, ReceiptHandle: handle})
			return call(err)
		}
		if len(again) > 0 {
			f["delete"] = remove(again[0].ReceiptHandle)
			f["delete again"] = remove(again[0].ReceiptHandle)
		}
		f["delete by what is no handle"] = remove(aws.String("no handle"))
		for _, m := range slices.Concat(again, beside, receive(10)) {
			remove(m.ReceiptHandle)
		}
		for _, body := range []string{"c1", "d1", "c2"} {
			send("send", message(queue, body[:1], body, ""))
		}
		mixed := receive(2)
		f["two of two groups"] = bodies(mixed)
		for _, m := range mixed {
			remove(m.ReceiptHandle)
		}
		for _, m := range receive(10) {
			remove(m.ReceiptHandle)
		}
		send("deleted, and sent again within five minutes", message(queue, "a", "a1", ""))
		f["it does not come"] = bodies(receive(10))

		none := message(queue, "a", "x", "")
		none.MessageGroupId = nil
		send("without a group", none)
		none = message(queue, "a", "x", "")
		none.MessageDeduplicationId = nil
		send("without a deduplication id", none)
		send("a group of 129 characters", message(queue, strings.Repeat("g", 129), "x", ""))
		send("a deduplication id with a space", message(queue, "a", "x", "x x"))
		send("a group with a space", message(queue, "g g", "x", ""))
		send("an empty body", message(queue, "a", "", "x"))
		send("a body with a control character", message(queue, "a", "\x01", "y"))
		send("a body of 1 MiB", message(queue, "big", strings.Repeat("x", 1<<20), "big"))
		send("a body over 1 MiB", message(queue, "big", strings.Repeat("x", 1<<20+1), "bigger"))
		late := message(queue, "a", "late", "")
		late.DelaySeconds = 5
		send("a delay of one message", late)
		send("a queue that is not there", message(queue+"-not.fifo", "a", "x", ""))
		batch := func(fact string, ids ...string) {
			var entries []types.SendMessageBatchRequestEntry
			for _, id := range ids {
				entries = append(entries, types.SendMessageBatchRequestEntry{
					Id: aws.String(id), MessageBody: aws.String("batch"),
					MessageGroupId:         aws.String("batch"),
					MessageDeduplicationId: aws.String(strings.ReplaceAll(fact+id, " ", "-")),
				})
			}
			out, err := c.queues.SendMessageBatch(t.Context(),
				&sqs.SendMessageBatchInput{QueueUrl: &queue, Entries: entries})
			f[fact] = call(err)
			if out != nil {
				f[fact] += fmt.Sprintf(" %d sent, %d not", len(out.Successful), len(out.Failed))
			}
		}
		batch("a batch of ten", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10")
		batch("a batch of eleven", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11")
		batch("an empty batch")
		batch("an id twice", "1", "1")
		batch("an id with a space", "1 1")
		return f
	})
}

func TestSQSFeedsAFunction(t *testing.T) {
	volatile := []string{
		"messageId", "receiptHandle", "SentTimestamp", "ApproximateFirstReceiveTimestamp",
		"SenderId", "SequenceNumber", "eventSourceARN",
		"MessageDeduplicationId", "body", "md5OfBody", "MessageGroupId",
	}
	compare(t, func(t *testing.T, c *cloud) facts {
		f := facts{}
		mark := fmt.Sprintf("mark-%d", time.Now().UnixNano())
		queue := c.outputs["Feed"]
		send := func(group, name string, failUpTo int) {
			body := fmt.Sprintf(`{"mark":"%s","name":"%s","failUpTo":%d}`, mark, name, failUpTo)
			_, err := c.queues.SendMessage(t.Context(), message(queue, group+mark, body, mark+name))
			if err != nil {
				t.Fatal(err)
			}
		}
		send("one", "alone", 0)
		event := c.recorded(t, mark, 1)[0]
		f.add("event", event, volatile...)

		for i := range 6 {
			send("order", fmt.Sprint("order", i), 0)
		}
		// seen collects what the function gets, as name/received, until enough of it has come.
		seen := func(enough func(order []string) bool, names ...string) []string {
			var order []string
			for deadline := time.Now().Add(patience); time.Now().Before(deadline) && !enough(order); {
				for _, event := range c.take(t, mark, time.Second) {
					records, _ := event["Records"].([]any)
					for _, record := range records {
						body, _ := at(record, "body").(string)
						count, _ := at(record, "attributes", "ApproximateReceiveCount").(string)
						for _, name := range names {
							if strings.Contains(body, `"`+name+`"`) {
								order = append(order, name+"/"+count)
							}
						}
					}
				}
			}
			return order
		}
		in := func(order []string) bool { return len(order) == 6 }
		f["order of a group"] = strings.Join(
			seen(in, "order0", "order1", "order2", "order3", "order4", "order5"), " ",
		)

		// The first fails once: the one behind it waits for it, another group does not.
		send("failing", "fails", 1)
		send("failing", "behind", 0)
		send("other", "beside", 0)
		behind := func(s string) bool { return strings.HasPrefix(s, "behind/") }
		order := seen(func(order []string) bool {
			again := slices.Index(order, "fails/2")
			return again >= 0 && slices.ContainsFunc(order[again:], behind) &&
				slices.Contains(order, "beside/1")
		}, "fails", "behind", "beside")
		again := slices.Index(order, "fails/2")
		f["redelivered"] = fmt.Sprint(again >= 0)
		f["in order behind it"] = fmt.Sprint(again >= 0 && slices.ContainsFunc(
			order[again:], behind,
		))
		f["beside it, received once"] = fmt.Sprint(slices.Contains(
			order, "beside/1",
		) && !slices.Contains(order, "beside/2"))

		send("dead", "dies", 9)
		send("dead", "after", 0)
		f["tries"] = strings.Join(
			seen(func(order []string) bool { return len(order) == 2 }, "dies"), " ",
		)
		dead := c.outputs["Dead"]
		var letter types.Message
		for deadline := time.Now().Add(patience); letter.Body == nil && time.Now().Before(deadline); {
			out, err := c.queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
				QueueUrl: &dead, WaitTimeSeconds: 2,
				MessageSystemAttributeNames: []types.MessageSystemAttributeName{
					types.MessageSystemAttributeNameAll,
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			if len(out.Messages) > 0 && strings.Contains(*out.Messages[0].Body, mark) {
				letter = out.Messages[0]
			}
		}
		f["dead letter"] = fmt.Sprint(letter.Body != nil)
		if letter.Body != nil {
			f["dead letter: received"] = letter.Attributes["ApproximateReceiveCount"]
			f["dead letter: its group"] = fmt.Sprint(
				letter.Attributes["MessageGroupId"] == "dead"+mark,
			)
			f["dead letter: where it was"] = fmt.Sprint(
				letter.Attributes["DeadLetterQueueSourceArn"] != "",
			)
		}
		return f
	})
}
