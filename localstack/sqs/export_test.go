package sqs

import (
	"context"
	"time"
)

// ChangeVisibility makes the message visible again d from now, in whole seconds, at most 12 hours after its receive. The local
// cloud itself never does; functions do, over the network.
func (s *Service) ChangeVisibility(ctx context.Context, queueARN, receiptHandle string, d time.Duration) error {
	c := newCall(ctx, "ChangeMessageVisibility")
	defer c.count(s.opts.Meter)
	q, err := s.open(ctx, c, "ChangeMessageVisibility", queueARN)
	if err != nil {
		return err
	}
	timeout := int(d / time.Second)
	return q.changeVisibility(receiptEntry{ReceiptHandle: receiptHandle, VisibilityTimeout: &timeout})
}
