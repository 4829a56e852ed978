package sqs

import (
	"container/heap"
	"container/list"
	"sync"
	"time"

	"hark/localstack/cloud/faults"
)

// group is the messages that are delivered in order and, apart from those of one receive, one at a
// time.
type group struct {
	id       string        // empty in a standard queue, where each message has a group of its own
	messages list.List     // of *message, oldest first
	inFlight int           // how many of them are in flight
	ready    *list.Element // place in queue.ready, nil if it is not there
}

// queue is one queue with its messages.
type queue struct {
	settings
	created time.Time
	now     func() time.Time
	speed   float64
	faults  *faults.Set
	dlq     func(settings) *queue // returns nil if the dead-letter queue does not exist

	mu       sync.Mutex
	messages map[messageID]*message
	groups   map[string]*group // FIFO only
	// ready holds the *groups whose first message may be received, in the order in which they
	// became ready.
	ready       list.List
	agenda      agenda
	count       [states]int // messages in each state; the count of gone means nothing
	order       uint64      // of the last message added
	dedup       dedup
	waiters     list.List   // of *waiter
	timer       *time.Timer // fires at timerAt, unless that is zero
	timerAt     time.Time
	deadLetters []*message // to be moved when the lock is released
	purged      time.Time  // when PurgeQueue last emptied it
}

func newQueue(cfg settings, opts *Options, dlq func(settings) *queue) *queue {
	return &queue{
		settings: cfg, created: opts.Now(), now: opts.Now, speed: opts.Speed, faults: opts.Faults,
		dlq:      dlq,
		messages: make(map[messageID]*message), groups: make(map[string]*group), dedup: newDedup(),
	}
}

// do locks the queue, brings it up to date, runs f, and serves the waiting receives. It moves dead
// letters after it has released the lock, so that no two queues are ever locked at once.
func (q *queue) do(f func(now time.Time)) {
	q.mu.Lock()
	now := q.now()
	q.advance(now)
	f(now)
	q.serveWaiters(now)
	q.arm(now)
	deadLetters := q.deadLetters
	q.deadLetters = nil
	q.mu.Unlock()
	if len(deadLetters) > 0 {
		q.moveToDLQ(deadLetters)
	}
}

// add puts a message into the queue.
func (q *queue) add(m *message, delay time.Duration, now time.Time) {
	q.order++
	m.order = q.order
	m.group = q.groupOf(m.content)
	m.place = m.group.messages.PushBack(m)
	m.until = now.Add(q.scaled(delay))
	if delay > 0 {
		q.setState(m, delayed)
	} else {
		q.setState(m, visible)
	}
	q.messages[m.id] = m
	heap.Push(&q.agenda, m)
	q.updateReady(m.group)
}

func (q *queue) groupOf(c *content) *group {
	if !q.fifo {
		return new(group)
	}
	g := q.groups[c.group]
	if g == nil {
		g = &group{id: c.group}
		q.groups[c.group] = g
	}
	return g
}

// remove takes the message out of the queue. Call updateReady for its group afterwards.
func (q *queue) remove(m *message) {
	q.setState(m, gone)
	m.group.messages.Remove(m.place)
	heap.Remove(&q.agenda, m.index)
	delete(q.messages, m.id)
}

// setState changes the message's state and the counts.
func (q *queue) setState(m *message, s state) {
	if m.state == inFlight {
		m.group.inFlight--
	}
	if s == inFlight {
		m.group.inFlight++
	}
	q.count[m.state]--
	q.count[s]++
	m.state = s
}

// updateReady puts the group on the ready list or takes it off, as its first message requires. It
// also forgets an empty group.
func (q *queue) updateReady(g *group) {
	front := g.messages.Front()
	ready := front != nil && g.inFlight == 0 && front.Value.(*message).state == visible
	switch {
	case ready && g.ready == nil:
		g.ready = q.ready.PushBack(g)
	case !ready && g.ready != nil:
		q.ready.Remove(g.ready)
		g.ready = nil
	}
	if front == nil {
		delete(q.groups, g.id)
	}
}

// take receives up to limit messages. function is the receiving Lambda function, empty if there is
// none. Ready groups have their turns in order, and each gives as many messages as it can. Messages
// that were received too often become dead letters.
func (q *queue) take(
	function string, limit int, visibility time.Duration, now time.Time,
) []delivery {
	var out []delivery
	for len(out) < limit && q.ready.Len() > 0 {
		g := q.ready.Front().Value.(*group)
		for e := g.messages.Front(); e != nil && len(out) < limit; {
			m := e.Value.(*message)
			e = e.Next()
			if m.state != visible {
				break
			}
			if q.exhausted(m) {
				q.remove(m)
				q.deadLetters = append(q.deadLetters, m)
				continue
			}
			out = append(out, q.deliver(m, visibility, now))
			q.repeatInFlight(m, function, now)
		}
		q.updateReady(g)
	}
	return out
}

func (q *queue) deliver(m *message, visibility time.Duration, now time.Time) delivery {
	m.received++
	m.tries++
	m.last = now
	if m.first.IsZero() {
		m.first = now
	}
	q.hide(m, visibility, now)
	return delivery{content: m.content, receipt: q.receipt(m), received: m.received, first: m.first}
}

// hide keeps the message in flight for d. If d is zero, the message is visible again when the queue
// next advances.
func (q *queue) hide(m *message, d time.Duration, now time.Time) {
	q.hideUntil(m, now.Add(q.scaled(d)))
}

func (q *queue) hideUntil(m *message, t time.Time) {
	q.setState(m, inFlight)
	m.until = t
	heap.Fix(&q.agenda, m.index)
}

// scaled returns how long a delay or a timeout takes at this queue's speed.
func (q *queue) scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) / q.speed)
}

// exhausted reports whether the message has been received as often as allowed and there is a
// dead-letter queue for it.
func (q *queue) exhausted(m *message) bool {
	return q.redrive != nil && m.tries >= q.redrive.MaxReceiveCount && q.dlq(q.settings) != nil
}

// moveToDLQ puts messages into the dead-letter queue. A standard queue keeps their age, a FIFO
// queue starts it again (SQS Developer Guide, "Using dead-letter queues").
func (q *queue) moveToDLQ(deadLetters []*message) {
	target := q.dlq(q.settings)
	target.do(func(now time.Time) {
		for _, m := range deadLetters {
			moved := *m.content
			moved.source = q.arn
			born := m.sent
			if target.fifo {
				moved.sequence = target.dedup.nextSequence()
				born = now
			}
			target.add(&message{
				content: &moved, received: m.received, first: m.first,
				expires: born.Add(target.retention),
			}, 0, now)
		}
	})
}

// purge deletes all messages. Deduplication still remembers them.
func (q *queue) purge() {
	for _, m := range q.messages {
		q.remove(m)
		q.updateReady(m.group)
	}
}
