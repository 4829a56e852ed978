package sqs

import (
	"context"
	"slices"
	"strings"
	"time"
)

type receiveInput struct {
	QueueURL                    string `json:"QueueUrl"`
	AttributeNames              []string
	MessageSystemAttributeNames []string
	MessageAttributeNames       []string
	MaxNumberOfMessages         *int
	VisibilityTimeout           *int
	WaitTimeSeconds             *int
	// ReceiveRequestAttemptID is checked but has no effect, because no answer is lost between this
	// service and the caller.
	ReceiveRequestAttemptID string `json:"ReceiveRequestAttemptId"`
}

type receiveOutput struct {
	Messages []receivedMessage `json:",omitempty"`
}

type receivedMessage struct {
	MessageID              string `json:"MessageId"`
	ReceiptHandle          string
	MD5OfBody              string
	Body                   string
	Attributes             map[string]string           `json:",omitempty"`
	MD5OfMessageAttributes string                      `json:",omitempty"`
	MessageAttributes      map[string]MessageAttribute `json:",omitempty"`
}

const (
	maxVisibility    = 43200 // seconds: 12 hours, also in total for one receive
	visibilityBounds = "Must be >= 0 and <= 43200, if provided."
	waitBounds       = "Must be >= 0 and <= 20, if provided."
	limitBounds      = "Must be between 1 and 10, if provided."
)

func (s *Service) receiveMessage(
	ctx context.Context, c *call, in receiveInput,
) (receiveOutput, error) {
	q, err := s.openURL(ctx, c, "ReceiveMessage", in.QueueURL)
	if err != nil {
		return receiveOutput{}, err
	}
	if err := firstError(
		checkRange("MaxNumberOfMessages", in.MaxNumberOfMessages, 1, 10, limitBounds),
		checkRange("VisibilityTimeout", in.VisibilityTimeout, 0, maxVisibility, visibilityBounds),
		checkRange("WaitTimeSeconds", in.WaitTimeSeconds, 0, 20, waitBounds),
		checkToken("ReceiveRequestAttemptId", in.ReceiveRequestAttemptID),
	); err != nil {
		return receiveOutput{}, err
	}
	limit := 1
	if in.MaxNumberOfMessages != nil {
		limit = *in.MaxNumberOfMessages
	}
	visibility := seconds(in.VisibilityTimeout, q.visibility)
	wait := seconds(in.WaitTimeSeconds, q.wait)
	got := c.receive(ctx, q, limit, visibility, wait)
	var out receiveOutput
	for _, d := range got {
		out.Messages = append(out.Messages, in.response(d, s.opts.Account))
	}
	return out, nil
}

func seconds(n *int, preset time.Duration) time.Duration {
	if n == nil {
		return preset
	}
	return time.Duration(*n) * time.Second
}

// receive receives messages and counts them for the bill.
func (c *call) receive(
	ctx context.Context, q *queue, limit int, visibility, wait time.Duration,
) []delivery {
	got := q.receive(ctx, limit, visibility, wait)
	for _, d := range got {
		c.bytes += d.size()
	}
	c.empty = len(got) == 0
	return got
}

// response returns the parts of the delivery that the request asked for.
func (in receiveInput) response(d delivery, account string) receivedMessage {
	m := receivedMessage{
		MessageID: d.id.String(), ReceiptHandle: d.receipt,
		Body: d.body, MD5OfBody: bodyMD5(d.body),
	}
	if len(in.AttributeNames)+len(in.MessageSystemAttributeNames) > 0 {
		m.Attributes = d.system(account)
		for name := range m.Attributes {
			if !in.wantsSystem(name) && !in.wantsSystem("All") {
				delete(m.Attributes, name)
			}
		}
	}
	for name, a := range d.attributes {
		if !in.wantsAttribute(name) {
			continue
		}
		if m.MessageAttributes == nil {
			m.MessageAttributes = make(map[string]MessageAttribute, len(d.attributes))
		}
		m.MessageAttributes[name] = a
	}
	m.MD5OfMessageAttributes = attributesMD5(m.MessageAttributes)
	return m
}

func (in receiveInput) wantsSystem(name string) bool {
	return slices.Contains(in.MessageSystemAttributeNames, name) ||
		slices.Contains(in.AttributeNames, name)
}

// wantsAttribute reports whether the request names the attribute, by its whole name, by a prefix
// such as "order.*", or by All.
func (in receiveInput) wantsAttribute(name string) bool {
	for _, want := range in.MessageAttributeNames {
		prefix, wild := strings.CutSuffix(want, "*")
		prefix = strings.TrimSuffix(prefix, ".")
		if want == name || want == "All" || wild && strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
