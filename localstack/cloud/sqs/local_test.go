package sqs_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hark/localstack/cloud/iam"
	"hark/localstack/cloud/meter"
	"hark/localstack/cloud/sqs"
)

const arnPrefix = "arn:aws:sqs:us-east-1:" + account + ":"

// bench is a service with queues, called without a network, so that it can run in a synctest
// bubble.
type bench struct {
	testing.TB
	*sqs.Service
	meter *meter.Meter
}

func newBench(t testing.TB, specs ...sqs.QueueSpec) bench {
	t.Helper()
	b := bench{TB: t, meter: new(meter.Meter)}
	b.Service = sqs.New(sqs.Options{
		Region: "us-east-1", Account: account, Endpoint: "http://localhost:4566", Meter: b.meter,
	})
	for _, spec := range specs {
		if err := b.Create(spec); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// call posts the request with its QueueUrl added. It decodes the answer into out, unless out is
// nil.
func (b bench) call(
	ctx context.Context, operation, queue string, in map[string]any, out any,
) (status int, code string) {
	b.Helper()
	request := map[string]any{"QueueUrl": "http://localhost:4566/" + account + "/" + queue}
	for k, v := range in {
		request[k] = v
	}
	body, err := json.Marshal(request)
	if err != nil {
		b.Fatal(err)
	}
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", strings.NewReader(string(body)))
	r.Header.Set("X-Amz-Target", "AmazonSQS."+operation)
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	if out != nil {
		if err := json.Unmarshal(w.Body.Bytes(), out); err != nil {
			b.Fatal(err)
		}
	}
	code, _, _ = strings.Cut(w.Header().Get("X-Amzn-Query-Error"), ";")
	return w.Code, code
}

// send sends bodies; a FIFO queue gets them in group "g".
func (b bench) send(queue string, bodies ...string) {
	b.Helper()
	for _, body := range bodies {
		in := map[string]any{"MessageBody": body}
		if strings.HasSuffix(queue, ".fifo") {
			in["MessageGroupId"] = "g"
		}
		if status, code := b.call(
			b.Context(), "SendMessage", queue, in, nil,
		); status != http.StatusOK {
			b.Fatalf("send: %d %s", status, code)
		}
	}
}

func (b bench) receive(queue string, wait time.Duration) []sqs.Message {
	b.Helper()
	got, err := b.Receive(b.Context(), arnPrefix+queue, 10, wait)
	if err != nil {
		b.Fatal(err)
	}
	return got
}

// gets receives without waiting and compares the bodies, joined by spaces.
func (b bench) gets(queue, want string) []sqs.Message {
	b.Helper()
	got := b.receive(queue, 0)
	var bodies []string
	for _, m := range got {
		bodies = append(bodies, m.Body)
	}
	if text := strings.Join(bodies, " "); text != want {
		b.Fatalf("received %q, want %q", text, want)
	}
	return got
}

func (b bench) delete(queue string, messages ...sqs.Message) {
	b.Helper()
	for _, m := range messages {
		if err := b.Delete(b.Context(), arnPrefix+queue, m.ReceiptHandle); err != nil {
			b.Fatal(err)
		}
	}
}

func TestReceiveCarriesAllAttributes(t *testing.T) {
	t.Parallel()
	b := newBench(
		t, sqs.QueueSpec{QueueName: "q.fifo", FifoQueue: true, ContentBasedDeduplication: true},
	)
	b.call(t.Context(), "SendMessage", "q.fifo", map[string]any{
		"MessageBody": "x", "MessageGroupId": "g", "MessageDeduplicationId": "d",
		"MessageAttributes": map[string]any{"a": sqs.MessageAttribute{
			DataType: "Binary", BinaryValue: []byte("b"),
		}},
	}, nil)
	m := b.gets("q.fifo", "x")[0]
	const all = "ApproximateFirstReceiveTimestamp ApproximateReceiveCount MessageDeduplicationId " +
		"MessageGroupId SenderId SentTimestamp SequenceNumber"
	if got := strings.Join(sortedKeys(m.Attributes), " "); got != all {
		t.Errorf("attributes are %s", got)
	}
	if m.Attributes["MessageGroupId"] != "g" || m.Attributes["MessageDeduplicationId"] != "d" {
		t.Errorf("attributes are %v", m.Attributes)
	}
	if string(m.MessageAttributes["a"].BinaryValue) != "b" ||
		m.BodyMD5 != "9dd4e461268c8034f5c8564e155c67a6" {
		t.Errorf("message is %+v", m)
	}
}

func TestSendInProcess(t *testing.T) {
	t.Parallel()
	b := newBench(t, sqs.QueueSpec{QueueName: "q"}, sqs.QueueSpec{
		QueueName: "named.fifo", FifoQueue: true,
	},
		sqs.QueueSpec{QueueName: "content.fifo", FifoQueue: true, ContentBasedDeduplication: true})
	for _, tt := range []struct{ queue, group, refused string }{
		{"q", "", ""},
		{"content.fifo", "g", ""},
		{"content.fifo", "g", ""}, // a duplicate is accepted
		{"content.fifo", "", "MissingParameter"},
		{"named.fifo", "g", "InvalidParameterValue"}, // no deduplication ID
		{"absent", "", "AWS.SimpleQueueService.NonExistentQueue"},
	} {
		err := b.Send(t.Context(), arnPrefix+tt.queue, tt.group, "x")
		var refusal *sqs.Error
		if errors.As(err, &refusal) != (tt.refused != "") ||
			refusal != nil && refusal.Code != tt.refused {
			t.Errorf("%s, group %q: %v", tt.queue, tt.group, err)
		}
	}
	b.gets("q", "x")
	if m := b.gets("content.fifo", "x")[0]; m.Attributes["MessageGroupId"] != "g" {
		t.Errorf("attributes are %v", m.Attributes)
	}
	if got := b.meter.Snapshot()[meter.QueueRequests]; got != 8 {
		t.Errorf("counted %v requests", got)
	}
}

func TestDeleteTriesAllHandles(t *testing.T) {
	t.Parallel()
	b := newBench(t, sqs.QueueSpec{QueueName: "q"})
	b.send("q", "x")
	m := b.gets("q", "x")[0]
	err := b.Delete(t.Context(), arnPrefix+"q", "nonsense", m.ReceiptHandle)
	var refusal *sqs.Error
	if !errors.As(err, &refusal) || refusal.Code != "ReceiptHandleIsInvalid" {
		t.Errorf("error is %v", err)
	}
	if err := b.ChangeVisibility(t.Context(), arnPrefix+"q", m.ReceiptHandle, 0); err == nil {
		t.Error("the message was not deleted")
	}
}

func TestTheRequestsTraceTravelsWithTheMessage(t *testing.T) {
	t.Parallel()
	b := newBench(t, sqs.QueueSpec{QueueName: "q"})
	const body = `{"QueueUrl":"https://sqs.us-east-1.amazonaws.com/` + account +
		`/q","MessageBody":"x"}`
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "AmazonSQS.SendMessage")
	r.Header.Set("X-Amzn-Trace-Id", "Root=1-2-3")
	b.ServeHTTP(httptest.NewRecorder(), r)
	if got := b.gets("q", "x")[0].Attributes["AWSTraceHeader"]; got != "Root=1-2-3" {
		t.Errorf("AWSTraceHeader is %q", got)
	}
}

func TestOperationsOfTheTemplateAreRefusedByName(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, operation := range []string{
		"CreateQueue", "DeleteQueue", "SetQueueAttributes", "StartMessageMoveTask",
	} {
		var answer struct{ Message string }
		status, code := b.call(t.Context(), operation, "q", nil, &answer)
		if status != http.StatusBadRequest || code != "InvalidAction" ||
			!strings.Contains(answer.Message, operation) ||
			!strings.Contains(answer.Message, "scripts/localstack") {
			t.Errorf("%s: %d %s %q", operation, status, code, answer.Message)
		}
	}
}

func TestADeadLetterQueueNamesItsSources(t *testing.T) {
	t.Parallel()
	to := &sqs.RedrivePolicy{DeadLetterTargetARN: arnPrefix + "dead", MaxReceiveCount: 1}
	b := newBench(t, sqs.QueueSpec{QueueName: "dead"}, sqs.QueueSpec{
		QueueName: "a", RedrivePolicy: to,
	},
		sqs.QueueSpec{QueueName: "b", RedrivePolicy: to}, sqs.QueueSpec{QueueName: "c"})
	for queue, want := range map[string]string{
		"dead": `["http://localhost:4566/` + account + `/a","http://localhost:4566/` + account +
			`/b"]`, "a": "[]",
	} {
		var answer map[string]json.RawMessage // a struct would take the key in any case of letters
		if status, code := b.call(
			t.Context(), "ListDeadLetterSourceQueues", queue, nil, &answer,
		); string(answer["queueUrls"]) != want {
			t.Errorf("%s: %d %s %s, want %s", queue, status, code, answer, want)
		}
	}
}

func TestTheQueryProtocolIsRefused(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	newBench(t).ServeHTTP(
		w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/?Action=ListQueues", nil),
	)
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "AWS JSON 1.0") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestRolesMayDoWhatTheirPoliciesSay(t *testing.T) {
	t.Parallel()
	b := newBench(t, sqs.QueueSpec{QueueName: "q"})
	for operation, action := range map[string]string{
		"SendMessage": "SendMessage", "SendMessageBatch": "SendMessage",
		"ReceiveMessage": "ReceiveMessage",
		"DeleteMessage":  "DeleteMessage", "DeleteMessageBatch": "DeleteMessage",
		"ChangeMessageVisibility":      "ChangeMessageVisibility",
		"ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
		"GetQueueAttributes":           "GetQueueAttributes", "GetQueueUrl": "GetQueueUrl",
		"PurgeQueue":                 "PurgeQueue",
		"ListDeadLetterSourceQueues": "ListDeadLetterSourceQueues",
	} {
		role := func(resource string) context.Context {
			return iam.WithRole(t.Context(), &iam.Role{
				Name: "fn", Session: "fn", Account: account, Statements: []iam.Statement{
					{
						Effect: "Allow", Actions: []string{"sqs:" + action},
						Resources: []string{resource},
					},
				},
			})
		}
		in := map[string]any{"QueueName": "q"}
		if status, code := b.call(
			role(arnPrefix+"q"), operation, "q", in, nil,
		); status == http.StatusForbidden {
			t.Errorf("%s: %d %s although allowed", operation, status, code)
		}
		status, code := b.call(role(arnPrefix+"other"), operation, "q", in, nil)
		if status != http.StatusForbidden || code != "AccessDenied" {
			t.Errorf("%s: %d %s although not allowed", operation, status, code)
		}
	}
}

func TestCallsInProcessNeedTheSamePermissions(t *testing.T) {
	t.Parallel()
	b := newBench(t, sqs.QueueSpec{QueueName: "q"})
	ctx := iam.WithRole(t.Context(), &iam.Role{Name: "fn"})
	_, receive := b.Receive(ctx, arnPrefix+"q", 1, 0)
	for name, err := range map[string]error{
		"Receive": receive, "Delete": b.Delete(ctx, arnPrefix+"q", "h"),
		"ChangeVisibility": b.ChangeVisibility(ctx, arnPrefix+"q", "h", 0),
		"Send":             b.Send(ctx, arnPrefix+"q", "", "x"),
	} {
		var denied *iam.Denied
		if !errors.As(err, &denied) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheMeterCountsWhatAWSBills(t *testing.T) {
	t.Parallel()
	const kib = 1 << 10
	entry := func(id string, size int) map[string]any {
		return map[string]any{"Id": id, "MessageBody": strings.Repeat("x", size)}
	}
	for _, test := range []struct {
		name            string
		do              func(bench)
		requests, empty float64
	}{
		{"a small message is one request", func(b bench) { b.send("q", "x") }, 1, 0},
		{"a message of 64 KiB is one request", func(b bench) {
			b.send("q", strings.Repeat("x", 64*kib))
		}, 1, 0},
		{"a byte more is two", func(b bench) { b.send("q", strings.Repeat("x", 64*kib+1)) }, 2, 0},
		{"a batch is billed by its total", func(b bench) {
			b.call(b.Context(), "SendMessageBatch", "q",
				map[string]any{"Entries": []any{
					entry("a", 40*kib), entry("b", 40*kib), entry("c", 40*kib),
				}}, nil)
		}, 2, 0},
		{"a receive is billed by what it returns", func(b bench) {
			b.send("q", strings.Repeat("x", 40*kib), strings.Repeat("x", 40*kib))
			b.call(
				b.Context(), "ReceiveMessage", "q", map[string]any{"MaxNumberOfMessages": 10}, nil,
			)
		}, 4, 0},
		{"an empty receive is counted apart", func(b bench) {
			b.call(b.Context(), "ReceiveMessage", "q", nil, nil)
		}, 0, 1},
		{"an empty receive in process too", func(b bench) { b.receive("q", 0) }, 0, 1},
		{"a delete in process is one request per ten handles", func(b bench) {
			_ = b.Delete(b.Context(), arnPrefix+"q", make([]string, 11)...)
		}, 2, 0},
		{"a refused call is a request", func(b bench) {
			b.call(b.Context(), "SendMessage", "nope", nil, nil)
		}, 1, 0},
		{"an unknown operation is none", func(b bench) {
			b.call(b.Context(), "Frobnicate", "q", nil, nil)
		}, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, sqs.QueueSpec{QueueName: "q"})
			test.do(b)
			sum := b.meter.Snapshot()
			if sum[meter.FIFORequests] != 0 {
				t.Errorf("counted %v", sum)
			}
			if sum[meter.QueueRequests] != test.requests || sum[meter.EmptyReceives] != test.empty {
				t.Errorf("counted %v, want %v and %v", sum, test.requests, test.empty)
			}
		})
	}
}

func TestRequestsAreTheCallers(t *testing.T) {
	t.Parallel()
	b := newBench(
		t, sqs.QueueSpec{QueueName: "q.fifo", FifoQueue: true, ContentBasedDeduplication: true},
	)
	role := &iam.Role{Session: "Hark-broadcast", Statements: []iam.Statement{
		{Effect: "Allow", Actions: []string{"*"}, Resources: []string{"*"}},
	}}
	ctx := iam.WithRole(t.Context(), role)
	b.send("q.fifo", "x")
	got, err := b.Receive(ctx, arnPrefix+"q.fifo", 10, 0)
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	if err := b.Delete(ctx, arnPrefix+"q.fifo", got[0].ReceiptHandle); err != nil {
		t.Fatal(err)
	}
	var want []meter.Line
	for _, unit := range []meter.Unit{meter.FIFORequests, meter.QueueRequests} {
		want = append(want,
			meter.Line{Service: "sqs", Unit: unit, Operation: "SendMessage", N: 1},
			meter.Line{
				Service: "sqs", Unit: unit, Function: "Hark-broadcast",
				Operation: "DeleteMessageBatch", N: 1,
			},
			meter.Line{
				Service: "sqs", Unit: unit, Function: "Hark-broadcast", Operation: "ReceiveMessage",
				N: 1,
			},
		)
	}
	if diff := cmp.Diff(want, b.meter.Lines()); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
}
