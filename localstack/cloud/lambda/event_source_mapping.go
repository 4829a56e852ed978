package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"hark/localstack/cloud/iam"
	"hark/localstack/cloud/meter"
	"hark/localstack/cloud/sqs"
)

const (
	maxBatch    = 10               // messages that one receive returns at most
	pollWait    = 20 * time.Second // how long a receive waits for messages
	idlePollers = 2                // pollers that stay while the queue is empty
	errorPause  = time.Second      // after a receive or an invocation that failed
)

// Queues is the part of SQS that event source mappings use. Calls are made in the function's role.
type Queues interface {
	Receive(ctx context.Context, queueARN string, most int, wait time.Duration) (
		[]sqs.Message, error,
	)
	Delete(ctx context.Context, queueARN string, receiptHandles ...string) error
}

// MappingSpec is an AWS::Lambda::EventSourceMapping of an SQS queue.
type MappingSpec struct {
	FunctionName          string // or ARN
	EventSourceArn        string
	BatchSize             int // at most 10; 10 if 0
	Enabled               *bool
	FunctionResponseTypes []string // ReportBatchItemFailures or nothing
	ScalingConfig         struct {
		// invocations at once; as many as a function may have processes if 0, and never more
		MaximumConcurrency int
	}

	// Refused if set.
	MaximumBatchingWindowInSeconds int
	FilterCriteria                 json.RawMessage
	ProvisionedPollerConfig        json.RawMessage
	DestinationConfig              json.RawMessage

	Tags json.RawMessage // without effect
}

// mapping invokes a function with the messages of a queue. It has one poller at first. When a
// poller receives a batch and no other poller is waiting for one, a new poller starts, up to the
// limit. The queue keeps the order: it gives no message of a FIFO group while another one of the
// group is in flight (docs/aws.md §B).
type mapping struct {
	service  *Service
	function *function
	queue    string // ARN
	batch    int
	limit    int  // most pollers, and so most invocations at once
	partial  bool // ReportBatchItemFailures

	mu      sync.Mutex
	pollers int
	polling int // pollers that wait for a batch
}

// Map connects a queue to a function. Polling begins at Start. The error names the property that is
// not supported, or is AWS's error if the function's role may not read the queue.
func (s *Service) Map(spec MappingSpec) error {
	if err := spec.check(); err != nil {
		return fmt.Errorf("mapping of %s: %w", spec.EventSourceArn, err)
	}
	if s.opts.Queues == nil {
		return errors.New("mapping: Options.Queues is not set")
	}
	f, err := s.function(spec.FunctionName)
	if err != nil {
		return fmt.Errorf("mapping of %s: %w", spec.EventSourceArn, err)
	}
	for _, action := range []string{"ReceiveMessage", "DeleteMessage", "GetQueueAttributes"} {
		if iam.Check(f.withRole(context.Background()), "sqs:"+action, spec.EventSourceArn) != nil {
			return invalidParameter(
				"The function execution role does not have permissions to call %s on SQS", action,
			)
		}
	}
	m := &mapping{
		service:  s,
		function: f,
		queue:    spec.EventSourceArn,
		batch:    spec.BatchSize,
		limit:    spec.ScalingConfig.MaximumConcurrency,
		partial:  slices.Contains(spec.FunctionResponseTypes, "ReportBatchItemFailures"),
		pollers:  1,
		polling:  1,
	}
	if m.batch == 0 {
		m.batch = maxBatch
	}
	// a batch that waits for a process would use up its visibility timeout
	if m.limit == 0 || m.limit > s.opts.MaxProcesses {
		m.limit = s.opts.MaxProcesses
	}
	if spec.Enabled == nil || *spec.Enabled {
		s.background(m.poll)
	}
	return nil
}

func (m MappingSpec) check() error {
	limit := m.ScalingConfig.MaximumConcurrency
	switch {
	case !strings.HasPrefix(m.EventSourceArn, "arn:aws:sqs:"):
		return unsupported("an event source that is not SQS")
	case m.BatchSize < 0 || m.BatchSize > maxBatch:
		return unsupported(fmt.Sprintf("BatchSize %d", m.BatchSize))
	case limit != 0 && (limit < 2 || limit > 1000):
		return invalidParameter("MaximumConcurrency must be between 2 and 1000")
	case m.MaximumBatchingWindowInSeconds != 0:
		return unsupported("MaximumBatchingWindowInSeconds")
	case m.FilterCriteria != nil:
		return unsupported("FilterCriteria")
	case m.ProvisionedPollerConfig != nil:
		return unsupported("ProvisionedPollerConfig")
	case m.DestinationConfig != nil:
		return unsupported("DestinationConfig")
	}
	return nil
}

// withRole returns a context whose calls are made in the function's role.
func (f *function) withRole(ctx context.Context) context.Context {
	if f.spec.Role == nil {
		return ctx
	}
	return iam.WithRole(ctx, f.spec.Role)
}

// poll is one poller. It receives a batch, invokes the function with it, and starts over.
func (m *mapping) poll() {
	ctx := m.function.withRole(m.service.ctx)
	for {
		messages, err := m.service.opts.Queues.Receive(ctx, m.queue, m.batch, pollWait)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			m.service.opts.Log.Error("poll failed", "queue", m.queue, "error", err)
			if !pause(ctx, errorPause) {
				return
			}
			continue
		}
		if len(messages) == 0 {
			if m.leave() {
				return
			}
			continue
		}
		m.busy()
		m.work(ctx, messages)
		m.free()
	}
}

// busy counts a poller that has received a batch, and starts another one if none is left to receive
// the next.
func (m *mapping) busy() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.polling--
	if m.polling == 0 && m.pollers < m.limit {
		m.pollers++
		m.polling++
		m.service.spawn(m.poll)
	}
}

func (m *mapping) free() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.polling++
}

// leave reports whether a poller that has received nothing should end, and uncounts it if so.
func (m *mapping) leave() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.polling <= idlePollers {
		return false
	}
	m.pollers--
	m.polling--
	return true
}

// work invokes the function with a batch and deletes the messages that it has handled. The others
// stay in flight and become visible when the queue's visibility timeout ends (Lambda Developer
// Guide, "Handling errors for an SQS event source").
func (m *mapping) work(ctx context.Context, messages []sqs.Message) {
	log := m.service.opts.Log.With("function", m.function.spec.FunctionName, "queue", m.queue)
	r, err := m.function.invoke(ctx, &invocation{payload: m.event(messages), cause: meter.Queue})
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		log.Warn("batch not delivered", "messages", len(messages), "error", err)
		pause(ctx, errorPause)
		return
	case r.FunctionError != "":
		log.Warn("batch failed", "messages", len(messages))
		return
	}
	done, err := m.done(messages, r.Payload)
	if err != nil {
		log.Warn("batch failed", "messages", len(messages), "error", err)
	}
	if len(done) == 0 {
		return
	}
	if err := m.service.opts.Queues.Delete(ctx, m.queue, done...); err != nil {
		log.Error("messages not deleted", "messages", len(done), "error", err)
	}
}

// done returns the receipt handles of the messages that are not retried. With
// ReportBatchItemFailures, a response that cannot be read means that all messages have failed
// (Lambda Developer Guide, "Success and failure conditions").
func (m *mapping) done(messages []sqs.Message, response []byte) ([]string, error) {
	failed := make(map[string]bool)
	if m.partial && len(bytes.TrimSpace(response)) > 0 {
		var r struct {
			Failures []map[string]any `json:"batchItemFailures"`
		}
		if err := json.Unmarshal(response, &r); err != nil {
			return nil, fmt.Errorf("read the batch response: %w", err)
		}
		for _, item := range r.Failures {
			id, _ := item["itemIdentifier"].(string)
			if !slices.ContainsFunc(messages, func(msg sqs.Message) bool { return msg.ID == id }) {
				return nil, fmt.Errorf(
					"the batch response names a message that is not in the batch: %q", id,
				)
			}
			failed[id] = true
		}
	}
	var done []string
	for _, msg := range messages {
		if !failed[msg.ID] {
			done = append(done, msg.ReceiptHandle)
		}
	}
	return done, nil
}

// sqsRecord is a message in the form that events.SQSMessage of aws-lambda-go reads.
type sqsRecord struct {
	MessageID         string                  `json:"messageId"`
	ReceiptHandle     string                  `json:"receiptHandle"`
	Body              string                  `json:"body"`
	Attributes        map[string]string       `json:"attributes"`
	MessageAttributes map[string]sqsAttribute `json:"messageAttributes"`
	MD5OfBody         string                  `json:"md5OfBody"`
	EventSource       string                  `json:"eventSource"`
	EventSourceARN    string                  `json:"eventSourceARN"`
	AWSRegion         string                  `json:"awsRegion"`
}

type sqsAttribute struct {
	StringValue      string   `json:"stringValue,omitempty"`
	BinaryValue      []byte   `json:"binaryValue,omitempty"`
	StringListValues []string `json:"stringListValues"`
	BinaryListValues [][]byte `json:"binaryListValues"`
	DataType         string   `json:"dataType"`
}

// event is the payload for a batch.
func (m *mapping) event(messages []sqs.Message) []byte {
	records := make([]sqsRecord, len(messages))
	for i, msg := range messages {
		attributes := make(map[string]sqsAttribute, len(msg.MessageAttributes))
		for name, a := range msg.MessageAttributes {
			attributes[name] = sqsAttribute{
				StringValue: a.StringValue, BinaryValue: a.BinaryValue, DataType: a.DataType,
				StringListValues: []string{}, BinaryListValues: [][]byte{},
			}
		}
		records[i] = sqsRecord{
			MessageID:         msg.ID,
			ReceiptHandle:     msg.ReceiptHandle,
			Body:              msg.Body,
			MD5OfBody:         msg.BodyMD5,
			Attributes:        msg.Attributes,
			MessageAttributes: attributes,
			EventSource:       "aws:sqs",
			EventSourceARN:    m.queue,
			AWSRegion:         m.service.opts.Region,
		}
	}
	return encode(struct {
		Records []sqsRecord `json:"Records"`
	}{records})
}
