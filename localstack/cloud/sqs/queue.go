package sqs

import (
	"container/heap"
	"container/list"
	"sync"
	"time"

	"hark/localstack/cloud/faults"
)

// group is the messages that are handed out in order and, but for one batch, one at a time.
type group struct {
	id       string        // empty in a standard queue, where each message has a group of its own
	messages list.List     // of *message, oldest first
	inFlight int           // how many of them are in flight
	turn     *list.Element // in queue.ready
}

// queue is one queue and its messages.
type queue struct {
	settings
	created time.Time
	now     func() time.Time
	speed   float64
	faults  *faults.Set
	dlq     func(settings) *queue // where dead letters go; nil if it does not exist

	mu       sync.Mutex
	messages map[messageID]*message
	groups   map[string]*group // FIFO only
	ready    list.List         // of *group: those whose first message may be received, in the order they became so
	agenda   agenda
	count    [states]int // how many messages are in each state; nothing is said by that of gone
	order    uint64
	dedup    dedup
	waiters  list.List   // of *waiter
	timer    *time.Timer // fires at the time armed, if that is not zero
	armed    time.Time
	dead     []*message // to be moved once the lock is released
	purged   time.Time
}

func newQueue(cfg settings, opts *Options, dlq func(settings) *queue) *queue {
	return &queue{
		settings: cfg, created: opts.Now(), now: opts.Now, speed: opts.Speed, faults: opts.Faults, dlq: dlq,
		messages: make(map[messageID]*message), groups: make(map[string]*group), dedup: newDedup(),
	}
}

// do runs f on the queue as it is now, then hands what became available to those who wait. Dead letters are moved after
// the lock is released, so that no two queues are ever locked at once.
func (q *queue) do(f func(now time.Time)) {
	q.mu.Lock()
	now := q.now()
	q.advance(now)
	f(now)
	q.serve(now)
	q.arm(now)
	dead := q.dead
	q.dead = nil
	q.mu.Unlock()
	if len(dead) > 0 {
		q.bury(dead)
	}
}

// add puts a message into the queue.
func (q *queue) add(m *message, delay time.Duration, now time.Time) {
	q.order++
	m.order = q.order
	m.group = q.groupOf(m.content)
	m.place = m.group.messages.PushBack(m)
	m.until = now.Add(q.compress(delay))
	if delay > 0 {
		q.enter(m, delayed)
	} else {
		q.enter(m, visible)
	}
	q.messages[m.id] = m
	heap.Push(&q.agenda, m)
	q.settle(m.group)
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

// remove takes the message out of the queue; settle its group afterwards.
func (q *queue) remove(m *message) {
	q.enter(m, gone)
	m.group.messages.Remove(m.place)
	heap.Remove(&q.agenda, m.index)
	delete(q.messages, m.id)
}

// enter moves the message to the state and keeps the counts.
func (q *queue) enter(m *message, s state) {
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

// settle gives the group a turn, or takes it away, as its messages now demand.
func (q *queue) settle(g *group) {
	front := g.messages.Front()
	ready := front != nil && g.inFlight == 0 && front.Value.(*message).state == visible
	switch {
	case ready && g.turn == nil:
		g.turn = q.ready.PushBack(g)
	case !ready && g.turn != nil:
		q.ready.Remove(g.turn)
		g.turn = nil
	}
	if front == nil {
		delete(q.groups, g.id)
	}
}

// take receives up to most messages for the function, which may be empty: of each group in its turn as many as there are, in order. Messages that were
// received too often already are set aside as dead letters.
func (q *queue) take(function string, most int, visibility time.Duration, now time.Time) []delivery {
	var out []delivery
	for len(out) < most && q.ready.Len() > 0 {
		g := q.ready.Front().Value.(*group)
		for e := g.messages.Front(); e != nil && len(out) < most; {
			m := e.Value.(*message)
			e = e.Next()
			if m.state != visible {
				break
			}
			if q.exhausted(m) {
				q.remove(m)
				q.dead = append(q.dead, m)
				continue
			}
			out = append(out, q.deliver(m, visibility, now))
			q.repeatInFlight(m, function, now)
		}
		q.settle(g)
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

// hide keeps the message in flight for so long. Zero ends as soon as the queue next advances.
func (q *queue) hide(m *message, d time.Duration, now time.Time) {
	q.hideUntil(m, now.Add(q.compress(d)))
}

func (q *queue) hideUntil(m *message, t time.Time) {
	q.enter(m, inFlight)
	m.until = t
	heap.Fix(&q.agenda, m.index)
}

// compress is how long a delay or a timeout takes at this queue's speed.
func (q *queue) compress(d time.Duration) time.Duration {
	return time.Duration(float64(d) / q.speed)
}

// exhausted reports whether the message may not be received any more and has somewhere else to go.
func (q *queue) exhausted(m *message) bool {
	return q.redrive != nil && m.tries >= q.redrive.MaxReceiveCount && q.dlq(q.settings) != nil
}

// bury puts the dead letters into the dead-letter queue. In a standard queue they keep the age they have, in a FIFO queue
// they begin anew (SQS Developer Guide, "Using dead-letter queues").
func (q *queue) bury(dead []*message) {
	target := q.dlq(q.settings)
	target.do(func(now time.Time) {
		for _, m := range dead {
			moved := *m.content
			moved.source = q.arn
			born := m.sent
			if target.fifo {
				moved.sequence = target.dedup.nextSequence()
				born = now
			}
			target.add(&message{
				content: &moved, received: m.received, first: m.first, expires: born.Add(target.retention),
			}, 0, now)
		}
	})
}

// purge deletes all messages. Deduplication remembers them still.
func (q *queue) purge() {
	for _, m := range q.messages {
		q.remove(m)
		q.settle(m.group)
	}
}
