package sqs

import (
	"time"

	"hark/localstack/cloud/faults"
)

// The operations at which a fault can make a message visible again.
const (
	onReceive = "ReceiveMessage"
	onDelete  = "DeleteMessage"
)

// repeatInFlight makes a message that was just received visible again before its timeout ends,
// after the delay of a fault that names ReceiveMessage.
func (q *queue) repeatInFlight(m *message, function string, now time.Time) {
	if hit, ok := q.strike(m, onReceive, function); ok && now.Add(hit.Wait).Before(m.until) {
		q.hideUntil(m, now.Add(hit.Wait))
	}
}

// survivesDelete keeps a message that is being deleted if a fault says so, and makes it visible
// again after the fault's delay. The caller's delete succeeds as usual.
func (q *queue) survivesDelete(m *message, function string, now time.Time) bool {
	hit, ok := q.strike(m, onDelete, function)
	if ok {
		q.hideUntil(m, now.Add(hit.Wait))
	}
	return ok
}

// strike asks for a fault. A fault strikes each message at most once, because the message would
// come back forever otherwise.
func (q *queue) strike(m *message, operation, function string) (faults.Hit, bool) {
	if m.repeated {
		return faults.Hit{}, false
	}
	hit, ok := q.faults.Strike(
		faults.RepeatMessage, faults.Place{Operation: operation, Function: function},
	)
	m.repeated = ok
	return hit, ok
}
