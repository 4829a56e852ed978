package lambda_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"hark/localstack/cloud/iam"
	"hark/localstack/cloud/lambda"
	"hark/localstack/cloud/meter"
	"hark/localstack/cloud/sqs"
)

const (
	queueURL = "http://localhost:4566/000000000000/q.fifo"
	queueARN = "arn:aws:sqs:us-east-1:000000000000:q.fifo"
)

// queue is a FIFO queue, spoken to as clients do.
type queue struct {
	*sqs.Service
	t testing.TB
}

func newQueue(t testing.TB, visibility int) queue {
	t.Helper()
	q := queue{
		sqs.New(sqs.Options{
			Region: "us-east-1", Account: "000000000000", Endpoint: "http://localhost:4566",
		}),
		t,
	}
	spec := sqs.QueueSpec{QueueName: "q.fifo", FifoQueue: true, VisibilityTimeout: &visibility}
	if err := q.Create(spec); err != nil {
		t.Fatal(err)
	}
	return q
}

func (q queue) call(
	operation, format string, args ...any,
) (answer struct{ Attributes map[string]string }) {
	q.t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(fmt.Sprintf(format, args...)))
	r.Header.Set("X-Amz-Target", "AmazonSQS."+operation)
	w := httptest.NewRecorder()
	q.ServeHTTP(w, r)
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK {
		q.t.Fatalf("%s: %d %s", operation, w.Code, w.Body)
	}
	return answer
}

// send queues messages at once. Each is its group's name and a number: "a1".
func (q queue) send(messages ...string) {
	q.t.Helper()
	entries := make([]string, len(messages))
	for i, m := range messages {
		entries[i] = fmt.Sprintf(
			`{"Id":"%d","MessageBody":%q,"MessageGroupId":%q,"MessageDeduplicationId":%q,
			"MessageAttributes":{"color":{"DataType":"String","StringValue":"red"}}}`,
			i, m, m[:1], m,
		)
	}
	q.call(
		"SendMessageBatch", `{"QueueUrl":%q,"Entries":[%s]}`, queueURL, strings.Join(entries, ","),
	)
}

// left returns how many messages the queue has, in flight and waiting.
func (q queue) left() (inFlight, waiting int) {
	q.t.Helper()
	a := q.call(
		"GetQueueAttributes", `{"QueueUrl":%q,"AttributeNames":["All"]}`, queueURL,
	).Attributes
	inFlight, _ = strconv.Atoi(a["ApproximateNumberOfMessagesNotVisible"])
	waiting, _ = strconv.Atoi(a["ApproximateNumberOfMessages"])
	return inFlight, waiting
}

func withQueues(q queue) func(*lambda.Options) {
	return func(o *lambda.Options) { o.Queues = q }
}

func mapped(function string, change ...func(*lambda.MappingSpec)) lambda.MappingSpec {
	spec := lambda.MappingSpec{
		FunctionName: function, EventSourceArn: queueARN, FunctionResponseTypes: []string{
			"ReportBatchItemFailures",
		},
	}
	for _, f := range change {
		f(&spec)
	}
	return spec
}

func TestABatchComesBackInOrderAfterItsProcessWasKilled(t *testing.T) {
	q, g := newQueue(t, 5), newGate(t)
	c := newCloud(t, withQueues(q))
	c.createCalling(g, "batch")
	q.send("a1", "a2", "a3", "a4")
	if err := c.Map(mapped("batch")); err != nil {
		t.Fatal(err)
	}
	g.call().answer <- "" // a1 is done, as far as the function knows
	second := g.call()
	pid, err := strconv.Atoi(second.Header.Get("Pid"))
	if err != nil || second.body != "a2" {
		t.Fatalf("called with %s by %v", second.body, err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	var got []string
	for range 4 {
		again := g.call()
		if again.Header.Get("Pid") == second.Header.Get("Pid") ||
			again.Header.Get("Receives") != "2" {
			t.Errorf(
				"%s came to process %s as receive %s",
				again.body, again.Header.Get("Pid"), again.Header.Get("Receives"),
			)
		}
		got = append(got, again.body)
		again.answer <- ""
	}
	if want := []string{"a1", "a2", "a3", "a4"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	eventually(t, "an empty queue", func() bool {
		inFlight, waiting := q.left()
		return inFlight+waiting == 0
	})
	contains(t, "output", c.stderr.String(), "batch | Runtime exited with error: signal: killed\n")
}

func TestFailedMessagesStayInTheQueue(t *testing.T) {
	for _, tc := range []struct {
		name     string
		partial  bool
		verdicts map[string]string
		left     int
	}{
		{"nothing if all succeeded", true, nil, 0},
		{"the items reported", true, map[string]string{"b1": "fail"}, 1},
		{"nothing if reports are not asked for", false, map[string]string{"b1": "fail"}, 0},
		{
			"everything if an item is reported that was not there", true,
			map[string]string{"b1": "unknown"},
			3,
		},
		{"everything if the function failed", true, map[string]string{"c1": "error"}, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			q, g := newQueue(t, 600), newGate(t)
			c := newCloud(t, withQueues(q))
			c.createCalling(g, "batch")
			q.send("a1", "b1", "c1")
			if err := c.Map(mapped("batch", func(m *lambda.MappingSpec) {
				if !tc.partial {
					m.FunctionResponseTypes = nil
				}
			})); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				message := g.call()
				message.answer <- tc.verdicts[message.body]
			}
			q.send("d1") // shows that the batch before has ended
			last := g.call()
			eventually(t, "the queue", func() bool {
				inFlight, waiting := q.left()
				return inFlight == tc.left+1 && waiting == 0
			})
			last.answer <- ""
		})
	}
}

func TestMaximumConcurrencyBoundsInvocations(t *testing.T) { testTwoAtOnce(t, 2, 10) }

// A batch that waited for a process would use up its visibility timeout.
func TestAQueueFeedsAFunctionAsManyBatchesAsItHasProcesses(t *testing.T) { testTwoAtOnce(t, 50, 2) }

func testTwoAtOnce(t *testing.T, concurrency, processes int) {
	t.Helper()
	q, g := newQueue(t, 600), newGate(t)
	c := newCloud(t, withQueues(q), func(o *lambda.Options) { o.MaxProcesses = processes })
	c.createCalling(g, "batch")
	if err := c.Map(mapped("batch", func(m *lambda.MappingSpec) {
		m.BatchSize = 1
		m.ScalingConfig.MaximumConcurrency = concurrency
	})); err != nil {
		t.Fatal(err)
	}
	q.send("a1", "b1", "c1", "a2")
	first, second := g.call(), g.call()
	if first.body[0] == second.body[0] {
		t.Errorf("%s and %s of one group at once", first.body, second.body)
	}
	select {
	case third := <-g.calls:
		t.Fatalf("%s came while two were running", third.body)
	default:
	}
	if inFlight, waiting := q.left(); inFlight != 2 || waiting != 2 {
		t.Errorf("%d in flight, %d waiting", inFlight, waiting)
	}
	first.answer <- ""
	second.answer <- ""
	g.call().answer <- ""
	g.call().answer <- ""
	eventually(t, "an empty queue", func() bool {
		inFlight, waiting := q.left()
		return inFlight+waiting == 0
	})
}

func TestTheEventOfABatch(t *testing.T) {
	q, g := newQueue(t, 600), newGate(t)
	c := newCloud(t, withQueues(q))
	c.createCalling(g, "report")
	if err := c.Map(mapped("report")); err != nil {
		t.Fatal(err)
	}
	q.send("a1")
	reported := g.call()
	reported.answer <- ""
	if n := c.counted(
		meter.FunctionRequests, meter.By{Function: "report", Operation: meter.Queue},
	); n != 1 {
		t.Errorf("counted %v requests, want 1", n)
	}
	var event events.SQSEvent
	if err := json.Unmarshal([]byte(reported.body), &event); err != nil || len(event.Records) != 1 {
		t.Fatalf("%v in %s", err, reported.body)
	}
	m := event.Records[0]
	color := m.MessageAttributes["color"]
	for _, pair := range [][2]string{
		{m.Body, "a1"},
		{m.Md5OfBody, "8a8bb7cd343aa2ad99b7d762030857a2"},
		{m.EventSource, "aws:sqs"},
		{m.EventSourceARN, queueARN},
		{m.AWSRegion, "us-east-1"},
		{m.Attributes["MessageGroupId"], "a"},
		{m.Attributes["ApproximateReceiveCount"], "1"},
		{color.DataType, "String"},
		{*color.StringValue, "red"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("got %q, want %q", pair[0], pair[1])
		}
	}
	if m.MessageId == "" || m.ReceiptHandle == "" || m.Attributes["SequenceNumber"] == "" {
		t.Errorf("got %+v", m)
	}
	if !strings.Contains(reported.body, `"stringListValues":[],"binaryListValues":[]`) {
		t.Errorf("got %s", reported.body)
	}
}

func TestMapRefuses(t *testing.T) {
	q := newQueue(t, 600)
	c := newCloud(t, withQueues(q))
	c.create("batch", func(f *lambda.FunctionSpec) {
		f.Role = &iam.Role{Name: "r", Statements: []iam.Statement{
			{
				Effect:    "Allow",
				Actions:   []string{"sqs:ReceiveMessage"},
				Resources: []string{queueARN},
			},
		}}
	})
	for _, tc := range []struct {
		name   string
		change func(*lambda.MappingSpec)
		want   string
	}{
		{
			"a role that may not delete", func(*lambda.MappingSpec) {},
			"InvalidParameterValueException: The function execution role does not have " +
				"permissions to call DeleteMessage on SQS",
		},
		{
			"a stream", func(m *lambda.MappingSpec) { m.EventSourceArn = "arn:aws:kinesis:::s" },
			"not SQS is not supported",
		},
		{
			"a batching window",
			func(m *lambda.MappingSpec) { m.MaximumBatchingWindowInSeconds = 1 },
			"MaximumBatchingWindowInSeconds is not",
		},
		{
			"large batches", func(m *lambda.MappingSpec) { m.BatchSize = 11 },
			"BatchSize 11 is not supported",
		},
		{
			"filters", func(m *lambda.MappingSpec) { m.FilterCriteria = json.RawMessage("{}") },
			"FilterCriteria is not supported",
		},
		{
			"a concurrency of one",
			func(m *lambda.MappingSpec) { m.ScalingConfig.MaximumConcurrency = 1 },
			"between 2 and 1000",
		},
		{
			"no function", func(m *lambda.MappingSpec) { m.FunctionName = "nobody" },
			"Function not found",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := c.Map(mapped("batch", tc.change)); err == nil ||
				!strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}
