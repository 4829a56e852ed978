package sqs

import (
	"fmt"
	"time"
)

// dedupWindow is how long a FIFO queue remembers a deduplication ID after the first message with
// it.
const dedupWindow = 5 * time.Minute

// dedupKey is a deduplication ID in its scope. The group is empty if the scope is the queue.
type dedupKey struct{ group, id string }

// sentMessage is the message that a duplicate repeats.
type sentMessage struct {
	id       messageID
	sequence string
	sent     time.Time
}

// dedup remembers which messages a FIFO queue was sent, even after they are deleted, and numbers
// new ones.
type dedup struct {
	seen     map[dedupKey]sentMessage
	oldest   []dedupKey // the keys of seen, oldest first
	sequence uint64
}

func newDedup() dedup {
	// AWS's numbers have 20 digits, more than a uint64 holds, and do not count in steps of one.
	return dedup{seen: make(map[dedupKey]sentMessage), sequence: 49_496_460_467_696_128}
}

// nextSequence returns a number of 20 digits, higher with every call.
func (d *dedup) nextSequence() string {
	d.sequence += 256
	return fmt.Sprintf("188%017d", d.sequence)
}

// find returns the message that was sent with the key within the window.
func (d *dedup) find(key dedupKey, now time.Time) (sentMessage, bool) {
	for len(d.oldest) > 0 && now.Sub(d.seen[d.oldest[0]].sent) >= dedupWindow {
		delete(d.seen, d.oldest[0])
		d.oldest = d.oldest[1:]
	}
	first, ok := d.seen[key]
	return first, ok
}

func (d *dedup) remember(key dedupKey, c *content) {
	d.seen[key] = sentMessage{c.id, c.sequence, c.sent}
	d.oldest = append(d.oldest, key)
}
