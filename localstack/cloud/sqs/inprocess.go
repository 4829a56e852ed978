package sqs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"hark/localstack/cloud/iam"
)

// Send sends a message as SendMessage does without a deduplication ID; on a FIFO queue, to the
// group. A refusal is an *Error or an *iam.Denied.
func (s *Service) Send(ctx context.Context, queueARN, group, body string) error {
	c := newCall(ctx, "SendMessage")
	defer c.bill(s.opts.Meter)
	q, err := s.open(ctx, c, "SendMessage", queueARN)
	if err != nil {
		return err
	}
	_, err = q.sendOne(c, sendEntry{MessageBody: body, MessageGroupID: group})
	return err
}

// Receive receives up to limit messages (1 to 10), and waits up to wait for the first of them. It
// does what ReceiveMessage does with all attributes and the queue's visibility timeout. If there
// were no messages in time it returns none, with the context's error if that ended the wait. A
// refusal is an *Error or an *iam.Denied.
func (s *Service) Receive(
	ctx context.Context, queueARN string, limit int, wait time.Duration,
) ([]Message, error) {
	c := newCall(ctx, "ReceiveMessage")
	defer c.bill(s.opts.Meter)
	q, err := s.open(ctx, c, "ReceiveMessage", queueARN)
	if err != nil {
		return nil, err
	}
	if err := checkRange("MaxNumberOfMessages", &limit, 1, 10, limitBounds); err != nil {
		return nil, err
	}
	got := c.receive(ctx, q, limit, q.visibility, wait)
	if len(got) == 0 {
		return nil, ctx.Err()
	}
	out := make([]Message, 0, len(got))
	for _, d := range got {
		out = append(out, Message{
			ID: d.id.String(), ReceiptHandle: d.receipt, Body: d.body, BodyMD5: bodyMD5(d.body),
			Attributes: d.system(s.opts.Account), MessageAttributes: d.attributes,
		})
	}
	return out, nil
}

// Delete deletes the messages with the handles, billed as one request for each ten of them. It
// tries all of them, and returns the joined errors of those that were refused.
func (s *Service) Delete(ctx context.Context, queueARN string, receiptHandles ...string) error {
	c := newCall(ctx, "DeleteMessageBatch")
	q, err := s.open(ctx, c, "DeleteMessage", queueARN)
	if err != nil {
		return err
	}
	var errs []error
	for batch := range slices.Chunk(receiptHandles, 10) {
		c.bill(s.opts.Meter)
		for _, handle := range batch {
			if err := q.delete(receiptEntry{ReceiptHandle: handle}, iam.Caller(ctx)); err != nil {
				errs = append(errs, fmt.Errorf("delete message: %w", err))
			}
		}
	}
	return errors.Join(errs...)
}

// ChangeVisibility makes the message visible again after d, in whole seconds and at most 12 hours
// after it was received.
func (s *Service) ChangeVisibility(
	ctx context.Context, queueARN, receiptHandle string, d time.Duration,
) error {
	c := newCall(ctx, "ChangeMessageVisibility")
	defer c.bill(s.opts.Meter)
	q, err := s.open(ctx, c, "ChangeMessageVisibility", queueARN)
	if err != nil {
		return err
	}
	timeout := int(d / time.Second)
	return q.changeVisibility(receiptEntry{
		ReceiptHandle: receiptHandle, VisibilityTimeout: &timeout,
	})
}
