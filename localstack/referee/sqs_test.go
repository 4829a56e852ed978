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

// message is a message to a FIFO queue. Without a deduplication ID it uses its body.
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

// fifo is the stack's FIFO queue in one cloud, and the facts that its methods add.
type fifo struct {
	*testing.T
	*cloud
	url   string
	facts facts
}

func (q fifo) receive(most int32) []types.Message {
	out, err := q.queues.ReceiveMessage(q.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &q.url, MaxNumberOfMessages: most, WaitTimeSeconds: 1,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{
			types.MessageSystemAttributeNameAll,
		},
	})
	if err != nil {
		q.Fatal(err)
	}
	return out.Messages
}

func bodies(messages []types.Message) string {
	var all []string
	for _, m := range messages {
		all = append(all, *m.Body)
	}
	return strings.Join(all, " ")
}

// send sends a message and adds the outcome.
func (q fifo) send(fact string, in *sqs.SendMessageInput) {
	_, err := q.queues.SendMessage(q.Context(), in)
	q.facts[fact] = call(err)
}

func (q fifo) hide(m types.Message, seconds int32) {
	_, err := q.queues.ChangeMessageVisibility(q.Context(), &sqs.ChangeMessageVisibilityInput{
		QueueUrl: &q.url, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: seconds,
	})
	q.facts["change of visibility"] = call(err)
}

func (q fifo) remove(handle *string) string {
	_, err := q.queues.DeleteMessage(q.Context(),
		&sqs.DeleteMessageInput{QueueUrl: &q.url, ReceiptHandle: handle})
	return call(err)
}

// batch sends a message for each ID and adds the outcome.
func (q fifo) batch(fact string, ids ...string) {
	var entries []types.SendMessageBatchRequestEntry
	for _, id := range ids {
		entries = append(entries, types.SendMessageBatchRequestEntry{
			Id: aws.String(id), MessageBody: aws.String("batch"),
			MessageGroupId:         aws.String("batch"),
			MessageDeduplicationId: aws.String(strings.ReplaceAll(fact+id, " ", "-")),
		})
	}
	out, err := q.queues.SendMessageBatch(q.Context(),
		&sqs.SendMessageBatchInput{QueueUrl: &q.url, Entries: entries})
	q.facts[fact] = call(err)
	if out != nil {
		q.facts[fact] += fmt.Sprintf(" %d sent, %d not", len(out.Successful), len(out.Failed))
	}
}

func TestSQSFIFO(t *testing.T) {
	compare(t, func(t *testing.T, c *cloud) facts {
		q := fifo{t, c, c.outputs["Fifo"], facts{}}
		first, beside := q.groups()
		q.givenBack(first, beside)
		q.mixedGroups()
		q.limits()
		q.batches()
		return q.facts
	})
}

// groups sends to two groups. It returns the first two messages of one, and the messages of the
// other, which can be received while those are in flight.
func (q fifo) groups() (first, beside []types.Message) {
	for _, body := range []string{"a1", "a2", "a3"} {
		q.send("send", message(q.url, "a", body, ""))
	}
	q.send("send again", message(q.url, "a", "a1", ""))
	first = q.receive(2)
	q.facts["the first two"] = bodies(first)
	q.facts["while the group is in flight"] = bodies(q.receive(10))
	q.send("the same id in another group", message(q.url, "b", "b1", "a1"))
	beside = q.receive(10)
	q.facts["another group, meanwhile"] = bodies(beside)
	return first, beside
}

// givenBack makes the first messages visible again, receives them once more, and deletes all.
func (q fifo) givenBack(first, beside []types.Message) {
	for _, m := range slices.Backward(first) {
		q.hide(m, 0)
	}
	again := q.receive(10)
	q.facts["given back, in order"] = bodies(again)
	for _, m := range again {
		q.facts["received, "+*m.Body] = m.Attributes["ApproximateReceiveCount"]
		q.facts["group, "+*m.Body] = m.Attributes["MessageGroupId"]
		digits := len(m.Attributes["SequenceNumber"])
		q.facts["digits of the sequence number, "+*m.Body] = fmt.Sprint(digits)
		var names []string
		for name := range m.Attributes {
			names = append(names, name)
		}
		slices.Sort(names)
		q.facts["attributes"] = strings.Join(names, " ")
	}
	if len(again) > 0 {
		q.facts["delete"] = q.remove(again[0].ReceiptHandle)
		q.facts["delete again"] = q.remove(again[0].ReceiptHandle)
	}
	q.facts["delete by what is no handle"] = q.remove(aws.String("no handle"))
	for _, m := range slices.Concat(again, beside, q.receive(10)) {
		q.remove(m.ReceiptHandle)
	}
}

// mixedGroups receives from two groups, and sends a message that was sent and deleted before.
func (q fifo) mixedGroups() {
	for _, body := range []string{"c1", "d1", "c2"} {
		q.send("send", message(q.url, body[:1], body, ""))
	}
	mixed := q.receive(2)
	q.facts["two of two groups"] = bodies(mixed)
	for _, m := range mixed {
		q.remove(m.ReceiptHandle)
	}
	for _, m := range q.receive(10) {
		q.remove(m.ReceiptHandle)
	}
	q.send("deleted, and sent again within five minutes", message(q.url, "a", "a1", ""))
	q.facts["it does not come"] = bodies(q.receive(10))
}

// limits sends messages that are invalid, or just valid.
func (q fifo) limits() {
	none := message(q.url, "a", "x", "")
	none.MessageGroupId = nil
	q.send("without a group", none)
	none = message(q.url, "a", "x", "")
	none.MessageDeduplicationId = nil
	q.send("without a deduplication id", none)
	q.send("a group of 129 characters", message(q.url, strings.Repeat("g", 129), "x", ""))
	q.send("a deduplication id with a space", message(q.url, "a", "x", "x x"))
	q.send("a group with a space", message(q.url, "g g", "x", ""))
	q.send("an empty body", message(q.url, "a", "", "x"))
	q.send("a body with a control character", message(q.url, "a", "\x01", "y"))
	q.send("a body of 1 MiB", message(q.url, "big", strings.Repeat("x", 1<<20), "big"))
	q.send("a body over 1 MiB", message(q.url, "big", strings.Repeat("x", 1<<20+1), "bigger"))
	late := message(q.url, "a", "late", "")
	late.DelaySeconds = 5
	q.send("a delay of one message", late)
	q.send("a queue that is not there", message(q.url+"-not.fifo", "a", "x", ""))
}

// batches sends batches, valid and invalid ones.
func (q fifo) batches() {
	q.batch("a batch of ten", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10")
	q.batch("a batch of eleven", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11")
	q.batch("an empty batch")
	q.batch("an id twice", "1", "1")
	q.batch("an id with a space", "1 1")
}

// fed is a queue that feeds the function, in one cloud, and the facts that its methods add.
type fed struct {
	*testing.T
	*cloud
	mark  string // in the messages of this run
	facts facts
}

// send sends a message that fails until it has been received more than failUpTo times.
func (d fed) send(group, name string, failUpTo int) {
	body := fmt.Sprintf(`{"mark":"%s","name":"%s","failUpTo":%d}`, d.mark, name, failUpTo)
	_, err := d.queues.SendMessage(d.Context(),
		message(d.outputs["Feed"], group+d.mark, body, d.mark+name))
	if err != nil {
		d.Fatal(err)
	}
}

// seen collects what the function gets, as name/receive count, until enough has come.
func (d fed) seen(enough func(order []string) bool, names ...string) []string {
	var order []string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline) && !enough(order); {
		for _, event := range d.take(d.T, d.mark, time.Second) {
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

func TestSQSFeedsAFunction(t *testing.T) {
	compare(t, func(t *testing.T, c *cloud) facts {
		d := fed{t, c, fmt.Sprintf("mark-%d", time.Now().UnixNano()), facts{}}
		d.events()
		d.failsOnce()
		d.dies()
		return d.facts
	})
}

// events adds the event of a message, and the order of a group.
func (d fed) events() {
	volatile := []string{
		"messageId", "receiptHandle", "SentTimestamp", "ApproximateFirstReceiveTimestamp",
		"SenderId", "SequenceNumber", "eventSourceARN",
		"MessageDeduplicationId", "body", "md5OfBody", "MessageGroupId",
	}
	d.send("one", "alone", 0)
	event := d.recorded(d.T, d.mark, 1)[0]
	d.facts.add("event", event, volatile...)

	for i := range 6 {
		d.send("order", fmt.Sprint("order", i), 0)
	}
	six := func(order []string) bool { return len(order) == 6 }
	order := d.seen(six, "order0", "order1", "order2", "order3", "order4", "order5")
	d.facts["order of a group"] = strings.Join(order, " ")
}

// failsOnce adds what follows a message that fails once. The message behind it in its group must
// wait for it; another group must not.
func (d fed) failsOnce() {
	d.send("failing", "fails", 1)
	d.send("failing", "behind", 0)
	d.send("other", "beside", 0)
	behind := func(s string) bool { return strings.HasPrefix(s, "behind/") }
	order := d.seen(func(order []string) bool {
		again := slices.Index(order, "fails/2")
		return again >= 0 && slices.ContainsFunc(order[again:], behind) &&
			slices.Contains(order, "beside/1")
	}, "fails", "behind", "beside")
	again := slices.Index(order, "fails/2")
	d.facts["redelivered"] = fmt.Sprint(again >= 0)
	inOrder := again >= 0 && slices.ContainsFunc(order[again:], behind)
	d.facts["in order behind it"] = fmt.Sprint(inOrder)
	once := slices.Contains(order, "beside/1") && !slices.Contains(order, "beside/2")
	d.facts["beside it, received once"] = fmt.Sprint(once)
}

// dies adds the tries of a message that always fails, and its dead letter.
func (d fed) dies() {
	d.send("dead", "dies", 9)
	d.send("dead", "after", 0)
	two := func(order []string) bool { return len(order) == 2 }
	d.facts["tries"] = strings.Join(d.seen(two, "dies"), " ")
	letter := d.deadLetter()
	d.facts["dead letter"] = fmt.Sprint(letter.Body != nil)
	if letter.Body == nil {
		return
	}
	d.facts["dead letter: received"] = letter.Attributes["ApproximateReceiveCount"]
	group := letter.Attributes["MessageGroupId"]
	source := letter.Attributes["DeadLetterQueueSourceArn"]
	d.facts["dead letter: its group"] = fmt.Sprint(group == "dead"+d.mark)
	d.facts["dead letter: where it was"] = fmt.Sprint(source != "")
}

// deadLetter waits for this run's message in the queue of dead letters. Its body is nil if none
// comes.
func (d fed) deadLetter() (letter types.Message) {
	dead := d.outputs["Dead"]
	for deadline := time.Now().Add(patience); letter.Body == nil && time.Now().Before(deadline); {
		out, err := d.queues.ReceiveMessage(d.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &dead, WaitTimeSeconds: 2,
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{
				types.MessageSystemAttributeNameAll,
			},
		})
		if err != nil {
			d.Fatal(err)
		}
		if len(out.Messages) > 0 && strings.Contains(*out.Messages[0].Body, d.mark) {
			letter = out.Messages[0]
		}
	}
	return letter
}
