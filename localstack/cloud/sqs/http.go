package sqs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"hark/localstack/cloud/faults"
	"hark/localstack/cloud/iam"
	"hark/localstack/cloud/meter"
)

const target = "AmazonSQS."

// maxRequest bounds a request in bytes: a full batch with every character escaped in JSON, and room
// for the rest.
const maxRequest = 8 << 20

// chunk is the number of bytes that are billed as one request (docs/aws.md §C).
const chunk = 64 << 10

// call is one request to the service, over HTTP or not.
type call struct {
	by    meter.By
	fifo  bool   // it is about a FIFO queue
	trace string // X-Ray header, which AWS passes on with the messages
	bytes int    // size for the bill
	empty bool   // a receive that got nothing
}

func newCall(ctx context.Context, operation string) *call {
	return &call{by: meter.By{Function: iam.Caller(ctx), Operation: operation}}
}

// bill adds the call to the meter.
func (c *call) bill(m *meter.Meter) {
	if c.empty {
		m.Add(meter.EmptyReceives, c.by, 1)
		return
	}
	n := float64(max(1, (c.bytes+chunk-1)/chunk))
	m.Add(meter.QueueRequests, c.by, n)
	if c.fifo {
		m.Add(meter.FIFORequests, c.by, n)
	}
}

// ServeHTTP answers a request of the AWS JSON 1.0 protocol: a POST whose X-Amz-Target is
// AmazonSQS.{operation}. Its context carries the caller's role (iam.WithRole) and ends a long poll.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), target)
	at := faults.Place{Service: faults.SQS, Operation: operation}
	s.opts.Faults.Serve(w, r, at, s.refuseByFault, s.serve)
}

// refuseByFault writes the answer that a fault asks for. Status 429 becomes RequestThrottled with
// the 403 of SQS's model.
func (s *Service) refuseByFault(w http.ResponseWriter, status int) {
	e := refuse(model+"InternalError", "InternalError", "A fault that is set answers %d.", status)
	e.Status = status
	if status == http.StatusTooManyRequests {
		e = refuse(model+"RequestThrottled", "RequestThrottled", "Request is throttled.")
		e.Status = http.StatusForbidden
	}
	s.answerError(w, e)
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request) {
	operation, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), target)
	if !ok || r.Method != http.MethodPost {
		s.answerError(w, errOperation("a request that is not AWS JSON 1.0 for AmazonSQS"))
		return
	}
	body, err := readBody(w, r)
	if err != nil {
		s.answerError(w, errSerialization(err))
		return
	}
	c := newCall(r.Context(), operation)
	c.trace = r.Header.Get("X-Amzn-Trace-Id")
	out, err := s.run(r.Context(), c, operation, body)
	if err != nil {
		s.answerError(w, asError(err))
		return
	}
	s.answer(w, http.StatusOK, out)
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	var b bytes.Buffer
	if r.ContentLength > 0 && r.ContentLength <= maxRequest {
		b.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	if _, err := io.Copy(&b, http.MaxBytesReader(w, r.Body, maxRequest)); err != nil {
		return nil, err
	}
	if !utf8.Valid(b.Bytes()) {
		return nil, errors.New("it is not UTF-8")
	}
	return b.Bytes(), nil
}

func (s *Service) run(ctx context.Context, c *call, operation string, body []byte) (any, error) {
	switch operation {
	case "SendMessage":
		return invoke(ctx, s, c, body, s.sendMessage)
	case "SendMessageBatch":
		return invoke(ctx, s, c, body, s.sendMessageBatch)
	case "ReceiveMessage":
		return invoke(ctx, s, c, body, s.receiveMessage)
	case "DeleteMessage":
		return invoke(ctx, s, c, body, s.deleteMessage)
	case "DeleteMessageBatch":
		return invoke(ctx, s, c, body, s.deleteMessageBatch)
	case "ChangeMessageVisibility":
		return invoke(ctx, s, c, body, s.changeVisibility)
	case "ChangeMessageVisibilityBatch":
		return invoke(ctx, s, c, body, s.changeVisibilityBatch)
	case "GetQueueUrl":
		return invoke(ctx, s, c, body, s.getQueueURL)
	case "GetQueueAttributes":
		return invoke(ctx, s, c, body, s.getQueueAttributes)
	case "ListDeadLetterSourceQueues":
		return invoke(ctx, s, c, body, s.listSources)
	case "ListQueues":
		return invoke(ctx, s, c, body, s.listQueues)
	case "PurgeQueue":
		return invoke(ctx, s, c, body, s.purgeQueue)
	default:
		return nil, errOperation("the operation " + operation)
	}
}

// invoke decodes the request, runs the operation, and bills it, even if it is refused.
func invoke[In, Out any](
	ctx context.Context, s *Service, c *call, body []byte,
	do func(context.Context, *call, In) (Out, error),
) (any, error) {
	defer c.bill(s.opts.Meter)
	var in In
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, errSerialization(err)
	}
	return do(ctx, c, in)
}

func (s *Service) answerError(w http.ResponseWriter, e *Error) {
	fault := "Sender"
	if e.Status >= 500 {
		fault = "Receiver"
	}
	w.Header().Set("X-Amzn-Query-Error", e.Code+";"+fault)
	s.answer(w, e.Status, struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}{e.Type, e.Message})
}

func (s *Service) answer(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		s.opts.Log.Error("cannot encode answer", "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/x-amz-json-1.0")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Amzn-Requestid", newID().String())
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		s.opts.Log.Debug("answer not delivered", "error", err)
	}
}
