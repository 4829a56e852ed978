package queue_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
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

// testQueue is the broadcasts queue, as the template has it, in the local SQS engine.
type testQueue struct {
	*queue.Broadcasts
	engine   *sqs.Service
	arn      string
	requests atomic.Int64
}

func newQueue(t *testing.T) *testQueue {
	t.Helper()
	q := &testQueue{arn: "arn:aws:sqs:us-east-1:" + account + ":broadcasts.fifo"}
	serve := func(w http.ResponseWriter, r *http.Request) {
		q.requests.Add(1)
		q.engine.ServeHTTP(w, r)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(serve))
	endpoint := "http://" + server.Listener.Addr().String()
	q.engine = sqs.New(sqs.Options{Region: "us-east-1", Account: account, Endpoint: endpoint})
	err := q.engine.Create(sqs.QueueSpec{
		QueueName: "broadcasts.fifo", FifoQueue: true,
		DeduplicationScope: "messageGroup", FifoThroughputLimit: "perMessageGroupId",
	})
	if err != nil {
		t.Fatal(err)
	}
	server.Start()
	t.Cleanup(server.Close)
	q.Broadcasts = &queue.Broadcasts{
		Client: newClient(endpoint), URL: endpoint + "/" + account + "/broadcasts.fifo",
	}
	return q
}

func newClient(endpoint string) *awssqs.Client {
	return awssqs.New(awssqs.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint, RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
		}),
	})
}

// all receives and deletes every message, in the order in which a function is handed them.
func (q *testQueue) all(t *testing.T) []sqs.Message {
	t.Helper()
	var all []sqs.Message
	for {
		got, err := q.engine.Receive(t.Context(), q.arn, 10, 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == 0 {
			return all
		}
		for _, m := range got {
			if err := q.engine.Delete(t.Context(), q.arn, m.ReceiptHandle); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, got...)
	}
}

// read returns the broadcast that the consumer of a message is given.
func read(t *testing.T, m sqs.Message) (b state.Broadcast) {
	t.Helper()
	keep := func(_ context.Context, got []state.Broadcast) (int, error) {
		b = got[0]
		return len(got), nil
	}
	h := queue.ConsumeBroadcasts(consumer(keep), slog.New(slog.DiscardHandler))
	e := events.SQSEvent{Records: []events.SQSMessage{{MessageId: m.ID, Body: m.Body}}}
	if _, err := h(t.Context(), e); err != nil || b == nil {
		t.Fatalf("%s cannot be read: %v", m.Body, err)
	}
	return b
}

func readEvent(t *testing.T, m sqs.Message) state.Event {
	t.Helper()
	e, ok := read(t, m).(state.Event)
	if !ok {
		t.Fatalf("got %s, which is not an event", m.Body)
	}
	return e
}

func event(app string, ch pusher.Channel, data string) state.Event {
	return state.Event{App: app, Channel: ch, Frame: pusher.EventFrame("e", ch, data)}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
