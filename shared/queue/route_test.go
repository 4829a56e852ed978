package queue_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"hark/shared/queue"
	"hark/shared/state"
)

// A function that two queues feed distinguishes their events by the ARN in them.
func TestRoute(t *testing.T) {
	var got []string
	log := slog.New(slog.DiscardHandler)
	checks := queue.ConsumeChecks(checker(func(k state.Check) error {
		got = append(got, fmt.Sprintf("check %+v", k))
		return nil
	}), log)
	deliveries := (&queue.Deliveries{}).Consume(deliverer(func(d state.Delivery) error {
		got = append(got, fmt.Sprintf("delivery %+v", d))
		return nil
	}), log)
	h := queue.Route(map[string]queue.Handler{
		"https://sqs.us-east-1.amazonaws.com/000000000000/Hark-checks.fifo": checks,
		"http://localhost:4566/000000000000/Hark-deliveries.fifo":           deliveries,
	})
	for _, c := range []struct{ file, want string }{
		{"checks.json", "check {App:local Channel:news User: Missed:false Again:false}"},
		{
			"deliveries.json", "delivery {App:local URL:https://example.com/hook" +
				" Event:{Name:channel_occupied Channel:news Event: Data:<nil> SocketID: UserID:" +
				" Count:<nil>} At:1795521603000 SocketID: Lasted:0 Receives:2}",
		},
	} {
		got = nil
		text, err := os.ReadFile(filepath.Join("..", "..", "events", c.file))
		must(t, err)
		out, err := lambda.NewHandler(h).Invoke(t.Context(), text)
		if err != nil || string(out) != `{"batchItemFailures":[]}` ||
			!slices.Equal(got, []string{c.want}) {
			t.Errorf("%s: got %q, %s, %v", c.file, got, out, err)
		}
	}
	if out, err := h(t.Context(), events.SQSEvent{}); err != nil || out.BatchItemFailures == nil {
		t.Errorf("nothing: %v, %v", out, err)
	}
	other := events.SQSMessage{EventSourceARN: "arn:aws:sqs:us-east-1:0:Other"}
	_, err := h(t.Context(), events.SQSEvent{Records: []events.SQSMessage{other}})
	if err == nil {
		t.Error("a message of another queue is handled")
	}
}
