package sqs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"
)

type sendEntry struct {
	ID                      string `json:"Id"` // in a batch
	MessageBody             string
	DelaySeconds            *int
	MessageAttributes       map[string]MessageAttribute
	MessageSystemAttributes map[string]MessageAttribute
	MessageDeduplicationID  string `json:"MessageDeduplicationId"`
	MessageGroupID          string `json:"MessageGroupId"`
}

type sendResult struct {
	ID                           string `json:"Id,omitempty"` // in a batch
	MessageID                    string `json:"MessageId"`
	MD5OfMessageBody             string
	MD5OfMessageAttributes       string `json:",omitempty"`
	MD5OfMessageSystemAttributes string `json:",omitempty"`
	SequenceNumber               string `json:",omitempty"`
}

type sendInput struct {
	QueueURL string `json:"QueueUrl"`
	sendEntry
}

func (s *Service) sendMessage(ctx context.Context, c *call, in sendInput) (sendResult, error) {
	q, err := s.openURL(ctx, c, "SendMessage", in.QueueURL)
	if err != nil {
		return sendResult{}, err
	}
	return q.sendOne(c, in.sendEntry)
}

func (q *queue) sendOne(c *call, e sendEntry) (sendResult, error) {
	if q.fifo && e.MessageGroupID == "" {
		return sendResult{}, errMissing("MessageGroupId")
	}
	if err := q.checkEntry(e); err != nil {
		return sendResult{}, err
	}
	m := q.newContent(e, c.trace)
	c.bytes = m.size()
	return q.send([]sendEntry{e}, []*content{m})[0], nil
}

type sendBatchInput struct {
	QueueURL string `json:"QueueUrl"`
	Entries  []sendEntry
}

// sendMessageBatch adds the good entries of the batch to the queue in one step, so that one receive
// can return them all. An error of the batch refuses all of it, and so does an entry of a FIFO
// queue without group or deduplication ID. Any other error of an entry refuses only that entry.
func (s *Service) sendMessageBatch(
	ctx context.Context, c *call, in sendBatchInput,
) (batchResult[sendResult], error) {
	var out batchResult[sendResult]
	q, err := s.openURL(ctx, c, "SendMessage", in.QueueURL)
	if err != nil {
		return out, err
	}
	if err := checkBatch(
		"SendMessageBatch", in.Entries, func(e sendEntry) string { return e.ID },
	); err != nil {
		return out, err
	}
	var good []sendEntry
	var messages []*content
	for _, e := range in.Entries {
		if q.fifo && e.MessageGroupID == "" {
			return out, errInvalid("The request must contain the parameter MessageGroupId.")
		}
		if q.fifo && e.MessageDeduplicationID == "" && !q.contentDedup {
			return out, errNoDedup()
		}
		m := q.newContent(e, c.trace)
		c.bytes += m.size()
		if err := q.checkEntry(e); err != nil {
			out.fail(e.ID, err)
			continue
		}
		good, messages = append(good, e), append(messages, m)
	}
	if c.bytes > maxMessage {
		return batchResult[sendResult]{}, refuse(
			model+"BatchRequestTooLong", query+"BatchRequestTooLong",
			"Batch requests cannot be longer than %d bytes. You have sent %d bytes.",
			maxMessage, c.bytes,
		)
	}
	out.Successful = q.send(good, messages)
	return out, nil
}

// checkEntry refuses entries that may not be sent to this queue.
func (q *queue) checkEntry(e sendEntry) error {
	if e.MessageBody == "" {
		return errMissing("MessageBody")
	}
	if (&content{body: e.MessageBody, attributes: e.MessageAttributes}).size() > q.maxSize {
		return errInvalid(
			"One or more parameters are invalid. Reason: Message must be shorter than %d bytes.",
			q.maxSize,
		)
	}
	return firstError(
		checkText(e.MessageBody),
		checkAttributes(e.MessageAttributes),
		checkSystemAttributes(e.MessageSystemAttributes),
		checkToken("MessageGroupId", e.MessageGroupID),
		checkToken("MessageDeduplicationId", e.MessageDeduplicationID),
		checkRange("DelaySeconds", e.DelaySeconds, 0, 900, "DelaySeconds must be >= 0 and <= 900."),
		q.checkKind(e),
	)
}

// checkKind refuses parameters that only the other kind of queue accepts, and a FIFO entry without
// a deduplication ID if the queue needs one.
func (q *queue) checkKind(e sendEntry) error {
	const reason = "The request include parameter that is not valid for this queue type."
	switch {
	case q.fifo && e.DelaySeconds != nil && *e.DelaySeconds != 0:
		return errValue(*e.DelaySeconds, "DelaySeconds", reason)
	case q.fifo && e.MessageDeduplicationID == "" && !q.contentDedup:
		return errNoDedup()
	case !q.fifo && e.MessageDeduplicationID != "":
		return errValue(e.MessageDeduplicationID, "MessageDeduplicationId", reason)
	}
	return nil
}

func errNoDedup() error {
	return errInvalid("The queue should either have ContentBasedDeduplication enabled or " +
		"MessageDeduplicationId provided explicitly")
}

const traceAttribute = "AWSTraceHeader"

func checkSystemAttributes(attributes map[string]MessageAttribute) error {
	for name, a := range attributes {
		if name != traceAttribute || a.DataType != "String" || a.StringValue == "" {
			return errInvalid("Message system attribute '%s' is invalid. "+
				"Reason: the only one is %s, a non-empty String.", name, traceAttribute)
		}
	}
	return nil
}

// newContent returns the message of an entry. Its trace is that of the request, unless the entry
// has its own.
func (q *queue) newContent(e sendEntry, trace string) *content {
	m := &content{
		id: newID(), body: e.MessageBody, attributes: e.MessageAttributes,
		trace: trace, group: e.MessageGroupID,
	}
	if a, ok := e.MessageSystemAttributes[traceAttribute]; ok {
		m.trace = a.StringValue
	}
	if q.fifo {
		m.dedup = e.MessageDeduplicationID
		if m.dedup == "" {
			sum := sha256.Sum256([]byte(e.MessageBody))
			m.dedup = hex.EncodeToString(sum[:])
		}
	}
	return m
}

// send adds the messages to the queue. Duplicates are not added, and are answered like the first
// message.
func (q *queue) send(entries []sendEntry, messages []*content) []sendResult {
	q.do(func(now time.Time) {
		for i, m := range messages {
			m.sent = now
			if q.fifo && q.duplicate(m, now) {
				continue
			}
			delay := q.delay
			if d := entries[i].DelaySeconds; d != nil && !q.fifo {
				delay = time.Duration(*d) * time.Second
			}
			q.add(&message{content: m, expires: now.Add(q.retention)}, delay, now)
		}
	})
	var out []sendResult
	for i, m := range messages {
		out = append(out, sendResult{
			ID: entries[i].ID, MessageID: m.id.String(), SequenceNumber: m.sequence,
			MD5OfMessageBody: bodyMD5(m.body), MD5OfMessageAttributes: attributesMD5(m.attributes),
			MD5OfMessageSystemAttributes: attributesMD5(entries[i].MessageSystemAttributes),
		})
	}
	return out
}

// duplicate reports whether m repeats an earlier message. If so, m gets that message's ID and
// number. Otherwise m gets a new number and is remembered.
func (q *queue) duplicate(m *content, now time.Time) bool {
	key := dedupKey{id: m.dedup}
	if q.groupDedup {
		key.group = m.group
	}
	if first, ok := q.dedup.find(key, now); ok {
		m.id, m.sequence = first.id, first.sequence
		return true
	}
	m.sequence = q.dedup.nextSequence()
	q.dedup.remember(key, m)
	return false
}
