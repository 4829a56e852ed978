package sqs

import (
	"context"
	"time"

	"hark/localstack/cloud/iam"
)

type receiptEntry struct {
	ID                string `json:"Id"` // in a batch
	ReceiptHandle     string
	VisibilityTimeout *int // of ChangeMessageVisibility
}

type receiptInput struct {
	QueueURL string `json:"QueueUrl"`
	receiptEntry
}

type receiptBatchInput struct {
	QueueURL string `json:"QueueUrl"`
	Entries  []receiptEntry
}

func (s *Service) deleteMessage(ctx context.Context, c *call, in receiptInput) (struct{}, error) {
	return s.withReceipt(ctx, c, "DeleteMessage", in, deleteFor(ctx))
}

func (s *Service) deleteMessageBatch(
	ctx context.Context, c *call, in receiptBatchInput,
) (batchResult[batchDone], error) {
	return s.withReceipts(ctx, c, "DeleteMessage", in, deleteFor(ctx))
}

// deleteFor returns delete for the function that the context belongs to.
func deleteFor(ctx context.Context) func(*queue, receiptEntry) error {
	function := iam.Caller(ctx)
	return func(q *queue, e receiptEntry) error { return q.delete(e, function) }
}

func (s *Service) changeVisibility(
	ctx context.Context, c *call, in receiptInput,
) (struct{}, error) {
	return s.withReceipt(ctx, c, "ChangeMessageVisibility", in, (*queue).changeVisibility)
}

func (s *Service) changeVisibilityBatch(
	ctx context.Context, c *call, in receiptBatchInput,
) (batchResult[batchDone], error) {
	return s.withReceipts(ctx, c, "ChangeMessageVisibility", in, (*queue).changeVisibility)
}

// withReceipt calls do for the message with the handle.
func (s *Service) withReceipt(
	ctx context.Context, c *call, action string, in receiptInput,
	do func(*queue, receiptEntry) error,
) (struct{}, error) {
	q, err := s.openURL(ctx, c, action, in.QueueURL)
	if err != nil {
		return struct{}{}, err
	}
	return struct{}{}, do(q, in.receiptEntry)
}

// withReceipts calls do for each message of a batch.
func (s *Service) withReceipts(
	ctx context.Context, c *call, action string, in receiptBatchInput,
	do func(*queue, receiptEntry) error,
) (out batchResult[batchDone], err error) {
	q, err := s.openURL(ctx, c, action, in.QueueURL)
	if err != nil {
		return out, err
	}
	if err := checkBatch(
		action+"Batch", in.Entries, func(e receiptEntry) string { return e.ID },
	); err != nil {
		return out, err
	}
	for _, e := range in.Entries {
		if err := do(q, e); err != nil {
			out.fail(e.ID, err)
		} else {
			out.Successful = append(out.Successful, batchDone{e.ID})
		}
	}
	return out, nil
}

// find returns the message that the handle names, or nil if it is no longer in the queue, and
// whether the handle is from its latest receive. Call it from within do.
func (q *queue) find(handle string) (m *message, latest bool, err error) {
	if handle == "" {
		return nil, false, errMissing("ReceiptHandle")
	}
	id, try, ok := q.parseReceipt(handle)
	if !ok {
		return nil, false, errReceipt(handle)
	}
	m = q.messages[id]
	return m, m != nil && m.tries == try, nil
}

// delete deletes the message. Deleting a message that is gone succeeds. A standard queue also
// accepts the latest handle after the visibility timeout has ended, and ignores older handles (API
// Reference, DeleteMessage). A FIFO queue refuses both as expired.
func (q *queue) delete(e receiptEntry, function string) (err error) {
	q.do(func(now time.Time) {
		m, latest, failed := q.find(e.ReceiptHandle)
		switch {
		case failed != nil:
			err = failed
		case m == nil:
		case q.fifo && (!latest || m.state != inFlight):
			err = errValue(e.ReceiptHandle, "ReceiptHandle", "The receipt handle has expired.")
		case latest && !q.survivesDelete(m, function, now):
			q.remove(m)
			q.updateReady(m.group)
		}
	})
	return err
}

// changeVisibility keeps the message in flight for the timeout from now on. Zero makes it visible
// at once. If the visibility timeout has already ended, a standard queue accepts the call without
// effect, as recorded on AWS, and a FIFO queue refuses it.
func (q *queue) changeVisibility(e receiptEntry) (err error) {
	if e.VisibilityTimeout == nil {
		return errMissing("VisibilityTimeout")
	}
	if err := checkRange(
		"VisibilityTimeout", e.VisibilityTimeout, 0, maxVisibility, visibilityBounds,
	); err != nil {
		return err
	}
	timeout := seconds(e.VisibilityTimeout, 0)
	q.do(func(now time.Time) {
		m, latest, failed := q.find(e.ReceiptHandle)
		switch {
		case failed != nil:
			err = failed
		case m == nil || q.fifo && (!latest || m.state != inFlight):
			err = errValue(e.ReceiptHandle, "ReceiptHandle",
				"Message does not exist or is not available for visibility timeout change.")
		case !latest || m.state != inFlight:
		case now.Sub(m.last).Truncate(time.Second)+timeout > maxVisibility*time.Second:
			err = errValue(*e.VisibilityTimeout, "VisibilityTimeout",
				"Total VisibilityTimeout for the message is beyond the limit [43200 seconds]")
		default:
			q.hide(m, timeout, now)
		}
	})
	return err
}
