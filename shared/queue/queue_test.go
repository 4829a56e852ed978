package queue_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"hark/localstack/cloud/sqs"
	"hark/shared/pusher"
	"hark/shared/queue"
	"hark/shared/state"
)

const account = "000000000000"

// line is the broadcasts queue as the template has it, in the local SQS engine.
type line struct {
	*queue.Broadcasts
	engine   *sqs.Service
	arn      string
	requests atomic.Int64
}

func newLine(t *testing.T) *line {
	t.Helper()
	l := &line{arn: "arn:aws:sqs:us-east-1:" + account + ":broadcasts.fifo"}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.requests.Add(1)
		l.engine.ServeHTTP(w, r)
	}))
	endpoint := "http://" + server.Listener.Addr().String()
	l.engine = sqs.New(sqs.Options{Region: "us-east-1", Account: account, Endpoint: endpoint})
	err := l.engine.Create(sqs.QueueSpec{
		QueueName: "broadcasts.fifo", FifoQueue: true,
		DeduplicationScope: "messageGroup", FifoThroughputLimit: "perMessageGroupId",
	})
	if err != nil {
		t.Fatal(err)
	}
	server.Start()
	t.Cleanup(server.Close)
	l.Broadcasts = &queue.Broadcasts{Client: newClient(endpoint), URL: endpoint + "/" + account + "/broadcasts.fifo"}
	return l
}

func newClient(endpoint string) *awssqs.Client {
	return awssqs.New(awssqs.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint, RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
		}),
	})
}

// all takes every message out of the queue, in the order in which a mapping gets them.
func (l *line) all(t *testing.T) []sqs.Message {
	t.Helper()
	var all []sqs.Message
	for {
		got, err := l.engine.Receive(t.Context(), l.arn, 10, 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == 0 {
			return all
		}
		for _, m := range got {
			if err := l.engine.Delete(t.Context(), l.arn, m.ReceiptHandle); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, got...)
	}
}

// read returns the broadcast that a message's consumer is given.
func read(t *testing.T, m sqs.Message) (b state.Broadcast) {
	t.Helper()
	h := queue.ConsumeBroadcasts(consumer(func(_ context.Context, got []state.Broadcast) (int, error) {
		b = got[0]
		return len(got), nil
	}), slog.New(slog.DiscardHandler))
	if _, err := h(t.Context(), events.SQSEvent{Records: []events.SQSMessage{{MessageId: m.ID, Body: m.Body}}}); err != nil || b == nil {
		t.Fatalf("%s cannot be read: %v", m.Body, err)
	}
	return b
}

func readEvent(t *testing.T, m sqs.Message) state.Event {
	t.Helper()
	e, ok := read(t, m).(state.Event)
	if !ok {
		t.Fatalf("got %s, which is no event", m.Body)
	}
	return e
}

func event(app string, ch pusher.Channel, data string) state.Event {
	return state.Event{App: app, Channel: ch, Frame: pusher.EventFrame("e", ch, data)}
}

func TestPublishKeepsAMessageAsItIs(t *testing.T) {
	l := newLine(t)
	want := event("local", "orders", "<b>&\u2028\ufffe\uffff\x00\U0001f600")
	want.Except = "1.2"
	if err := l.Publish(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	got := l.all(t)
	if len(got) != 1 {
		t.Fatalf("%d messages", len(got))
	}
	b := readEvent(t, got[0])
	if b.App != want.App || b.Channel != want.Channel || b.Except != want.Except || string(b.Frame) != string(want.Frame) {
		t.Errorf("got %s\nwant frame %s", got[0].Body, want.Frame)
	}
}

// A channel's events stay in order because they share a group, and no other channel shares it.
func TestGroups(t *testing.T) {
	l := newLine(t)
	long := pusher.Channel(strings.Repeat("x", pusher.MaxChannelName))
	groups := map[string]string{}
	for _, c := range []state.Event{
		event("one", "a", "1"), event("one", "b", "1"), event("two", "a", "1"), event("one", long, "1"), event("one", long[1:], "1"),
		event("one", "a", "2"),
	} {
		if err := l.Publish(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		m := l.all(t)[0]
		group, channel := m.Attributes["MessageGroupId"], c.App+" "+string(c.Channel)
		if len(group) > 128 || group == "" {
			t.Errorf("group %q of %s", group, channel)
		}
		if was, ok := groups[group]; ok && was != channel {
			t.Errorf("%s and %s share a group", was, channel)
		}
		groups[group] = channel
	}
	if len(groups) != 5 {
		t.Errorf("%d groups for 5 channels", len(groups))
	}
}

func TestPublishKeepsTheOrderOfAChannel(t *testing.T) {
	l := newLine(t)
	var want []string
	var burst []state.Broadcast
	for i := range 25 { // three requests
		b := event("local", "orders", fmt.Sprint(i))
		want, burst = append(want, string(b.Frame)), append(burst, b)
	}
	if err := l.Publish(t.Context(), burst...); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range l.all(t) {
		got = append(got, string(readEvent(t, m).Frame))
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestPublishToAHundredChannelsTakesTenRequests(t *testing.T) {
	l := newLine(t)
	var all []state.Broadcast
	for i := range 100 {
		all = append(all, event("local", pusher.Channel(fmt.Sprintf("c%d", i)), "{}"))
	}
	if err := l.Publish(t.Context(), all...); err != nil {
		t.Fatal(err)
	}
	if n := l.requests.Load(); n != 10 {
		t.Errorf("%d requests", n)
	}
	channels := map[pusher.Channel]bool{}
	for _, m := range l.all(t) {
		channels[readEvent(t, m).Channel] = true
	}
	if len(channels) != 100 {
		t.Errorf("%d channels", len(channels))
	}
}

// Ten of the largest events, all of whose bytes need six on the wire, are within what one request may carry.
func TestPublishTheLargestEvents(t *testing.T) {
	l := newLine(t)
	b := event("local", "orders", strings.Repeat("\x01", 10<<10))
	if err := l.Publish(t.Context(), slices.Repeat([]state.Broadcast{b}, 10)...); err != nil || l.requests.Load() != 1 {
		t.Errorf("%v, %d requests", err, l.requests.Load())
	}
}

func TestTwoEqualEventsAreTwoMessages(t *testing.T) {
	l := newLine(t)
	b := event("local", "orders", "same")
	for range 2 {
		if err := l.Publish(t.Context(), b, b); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(l.all(t)); n != 4 {
		t.Errorf("%d messages, want 4", n)
	}
}

// A repeat has the app, the channel and the repeat key of an event that was queued before.
func TestRepeatOfAnEventIsNotQueued(t *testing.T) {
	l := newLine(t)
	keyed := func(app string, ch pusher.Channel, key string) state.Broadcast {
		b := event(app, ch, "data")
		b.RepeatKey = key
		return b
	}
	first := []state.Broadcast{keyed("local", "a", "1"), keyed("local", "a", "2"), keyed("local", "b", "1"), keyed("other", "a", "1")}
	for range 3 {
		if err := l.Publish(t.Context(), append(first, keyed("local", "c", "1"))...); err != nil {
			t.Fatal(err)
		}
		first = first[1:] // as if the rest had been queued before
	}
	all := l.all(t)
	if len(all) != 5 {
		t.Errorf("%d messages, want 5", len(all))
	}
	for _, m := range all {
		if body := strings.ToLower(m.Body); strings.Contains(body, "once") || strings.Contains(body, "key") {
			t.Errorf("the consumer reads %s", m.Body)
		}
	}
}

func TestPublishNothing(t *testing.T) {
	l := newLine(t)
	if err := l.Publish(t.Context()); err != nil || l.requests.Load() != 0 {
		t.Errorf("%v, %d requests", err, l.requests.Load())
	}
}

func TestPublishFails(t *testing.T) {
	for _, c := range []struct {
		name, answer string
		status       int
		says         string
	}{
		{
			"when one message of a batch is refused",
			`{"Successful":[{"Id":"0","MessageId":"m","MD5OfMessageBody":"` + "x" + `"}],` +
				`"Failed":[{"Id":"1","Code":"InternalError","Message":"try again","SenderFault":false}]}`, 200, "InternalError",
		},
		{"when all are", `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no such queue"}`, 400, "QueueDoesNotExist"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/x-amz-json-1.0")
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.answer)
			}))
			t.Cleanup(server.Close)
			client := awssqs.New(newClient(server.URL).Options(), func(o *awssqs.Options) { o.DisableMessageChecksumValidation = true })
			b := &queue.Broadcasts{Client: client, URL: server.URL + "/0/q"}
			err := b.Publish(t.Context(), event("local", "a", "1"), event("local", "b", "1"))
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want an error that says %s", err, c.says)
			}
		})
	}
	t.Run("and sends nothing after a request that failed", func(t *testing.T) {
		l := newLine(t)
		l.URL += "-of-another-name"
		b := event("local", "a", "1")
		if err := l.Publish(t.Context(), slices.Repeat([]state.Broadcast{b}, 25)...); err == nil || l.requests.Load() != 1 {
			t.Errorf("%v, %d requests", err, l.requests.Load())
		}
	})
}
