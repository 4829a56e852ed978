package events_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hark/localstack/cloud/events"
	"hark/localstack/cloud/faults"
	"hark/localstack/cloud/meter"
	"hark/localstack/cloud/sqs"
)

// rig is a bus named Hark with a rule, and the queue that the rule sends to.
type rig struct {
	testing.TB
	*events.Service
	queues *sqs.Service
	meter  *meter.Meter
	faults *faults.Set
}

func newRig(t testing.TB, pattern string) rig {
	t.Helper()
	r := rig{TB: t, meter: new(meter.Meter), faults: new(faults.Set)}
	r.queues = sqs.New(sqs.Options{Region: "us-east-1", Account: account, Meter: r.meter})
	if err := r.queues.Create(sqs.QueueSpec{
		QueueName: "q.fifo", FifoQueue: true, ContentBasedDeduplication: true,
	}); err != nil {
		t.Fatal(err)
	}
	r.Service = events.New(events.Options{
		Region: "us-east-1", Account: account, Queues: r.queues, Meter: r.meter, Faults: r.faults,
		Now: func() time.Time { return time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC) },
	})
	if err := r.CreateBus(events.BusSpec{Name: "Hark"}); err != nil {
		t.Fatal(err)
	}
	if err := r.CreateRule(ruleSpec(pattern)); err != nil {
		t.Fatal(err)
	}
	return r
}

func ruleSpec(pattern string) events.RuleSpec {
	spec := events.RuleSpec{
		Name: "rule", EventBusName: "Hark", EventPattern: json.RawMessage(pattern),
	}
	spec.Targets = []events.Target{{ID: "q", ARN: queueARN}}
	spec.Targets[0].SQSParameters.MessageGroupID = "bus"
	return spec
}

// put calls PutEvents with entries in JSON.
func (r rig) put(ctx context.Context, entries ...string) (status int, answer string) {
	r.Helper()
	return r.call(ctx, "AWSEvents.PutEvents", `{"Entries":[`+strings.Join(entries, ",")+`]}`)
}

func (r rig) call(ctx context.Context, target, body string) (status int, answer string) {
	r.Helper()
	req := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", strings.NewReader(body))
	req.Header.Set("X-Amz-Target", target)
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	return w.Code, w.Body.String()
}

// sent removes what the rule has sent to the queue, and returns it.
func (r rig) sent() []sqs.Message {
	r.Helper()
	got, err := r.queues.Receive(r.Context(), queueARN, 10, 0)
	if err != nil {
		r.Fatal(err)
	}
	return got
}

// entry is an event for the bus, with the detail.
func entry(detail string) string {
	return fmt.Sprintf(
		`{"EventBusName":"Hark","Source":"shop","DetailType":"hark.publish","Detail":%q}`, detail,
	)
}
