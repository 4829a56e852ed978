package model

// count is the set of rules of subscription counts on a channel with three connections, where more
// than one is many.
//
// A function that has changed a row queues a count. The one consumer reads the rows and sends the
// number to all whose rows are settled. If many were sent a number less than five seconds ago, it
// puts a lease into a later minute instead, and Sweep queues a count then. Time is two steps: five
// seconds pass, and a minute begins.
type count struct {
	lease       bool // a count that is put off leaves a lease
	later       bool // in a later minute than the one that Sweep may be working on
	noteFirst   bool // the number is stored, with the time, before it is sent
	changeFirst bool // a count is queued after the row has changed
	settled     bool // and after the new row has been settled
}

// countRules are the rules as they are.
func countRules() count {
	return count{lease: true, later: true, noteFirst: true, changeFirst: true, settled: true}
}

const many = 1

// change is an invocation that puts or removes a row.
type change struct{ kind, c, pc uint8 }

type countState struct {
	S             [3]subscription
	sent          [3]uint8 // the number that each connection was last sent
	J             [4]change
	queued        bool // a count is in the queue; two would do no more than one
	pc, n         uint8
	stored        uint8
	fresh         bool // stored is less than five seconds old
	recent        bool // many were sent a number in these five seconds
	lease, due    bool // in a later minute; in the minute that Sweep works on
	sweeping      uint8
	often         bool // many were sent a number twice within five seconds
	crashed       bool // a function has died that had a row to change
	crashes, left uint8
}

func (s *countState) rows() (n uint8) {
	for _, S := range s.S {
		if S.exists {
			n++
		}
	}
	return n
}

// step runs one operation of a subscribe or unsubscribe.
func (p count) step(s countState, i int) edge[countState] {
	j := &s.J[i]
	steps := []string{"put row", "settle", "queue"}
	switch {
	case j.kind == unsubscribe && p.changeFirst:
		steps = []string{"delete row", "queue"}
	case j.kind == unsubscribe:
		steps = []string{"queue", "delete row"}
	case !p.changeFirst:
		steps = []string{"queue", "put row", "settle"}
	case !p.settled:
		steps = []string{"put row", "queue", "settle"}
	}
	what := steps[j.pc]
	switch what {
	case "put row":
		s.S[j.c] = subscription{exists: true, pending: true}
	case "settle":
		s.S[j.c].pending = false
	case "delete row":
		s.S[j.c], s.sent[j.c] = subscription{}, 0
	case "queue":
		s.queued = true
	}
	if j.pc++; int(j.pc) == len(steps) {
		j.pc = ended
	}
	return edge[countState]{s, step{[]string{"", "sub", "unsub"}[j.kind], j.c, 0, what}}
}

// consume runs one operation of the consumer.
func (p count) consume(s countState) edge[countState] {
	what := ""
	switch s.pc {
	case 1: // read the number stored
		what = "sent a while ago, or to few"
		s.pc = 3
		if s.stored > many && s.fresh {
			what = "sent a moment ago"
			s.pc = 2
		}
	case 2:
		what, s.pc = "put lease", 0
		switch {
		case !p.lease:
			what = "leave it"
		case p.later || !s.due:
			s.lease = true
		}
	case 3:
		s.n, s.pc = s.rows(), 5
		if s.n > many || s.stored > many {
			s.pc = 4
			if !p.noteFirst {
				s.pc = 6
			}
		}
		what = "read rows"
	case 4, 7: // before or after sending
		s.stored, s.fresh = s.n, true
		s.pc = map[uint8]uint8{4: 5, 7: 0}[s.pc]
		what = "store it"
	case 5, 6:
		s.often = s.often || s.recent && s.n > many
		s.recent = s.recent || s.n > many
		for c, S := range s.S {
			if S.exists && !S.pending {
				s.sent[c] = s.n
			}
		}
		s.pc = map[uint8]uint8{5: 0, 6: 7}[s.pc]
		what = "post to all that are settled"
	}
	if s.pc == 0 {
		s.n = 0
	}
	return edge[countState]{s, step{actor: "count", what: what}}
}

func (p count) next(s countState) []edge[countState] {
	var out []edge[countState]
	world := func(n countState, what string) {
		out = append(out, edge[countState]{n, step{what: what}})
	}
	for i, j := range s.J {
		if j.kind == 0 || j.pc == ended {
			continue
		}
		out = append(out, p.step(s, i))
		if j.pc != 0 && s.left > 0 {
			n := s
			n.left--
			n.J[i].pc, n.crashed = ended, true
			world(n, "CRASH of a function")
		}
	}
	switch {
	case s.pc != 0:
		out = append(out, p.consume(s))
		if s.left > 0 {
			n := s
			n.left--
			n.queued, n.pc, n.n = true, 0, 0
			world(n, "CRASH of the consumer, the count comes again")
		}
	case s.queued:
		n := s
		n.queued, n.pc = false, 1
		world(n, "a count begins")
	}
	if s.pc == 0 && (s.fresh || s.recent) { // the consumer takes less than five seconds
		n := s
		n.fresh, n.recent = false, false
		world(n, "five seconds pass")
	}
	return append(out, s.sweep()...)
}

// sweep runs Sweep: it queues a count for a lease that is due, then deletes the lease.
func (s countState) sweep() []edge[countState] {
	n, what := s, ""
	switch {
	case s.sweeping == 1:
		n.queued, n.sweeping, what = true, 2, "queue"
	case s.sweeping == 2:
		n.due, n.sweeping, what = false, 0, "delete lease"
	case s.due:
		n.sweeping, what = 1, "read leases"
	case s.lease:
		n.lease, n.due, what = false, true, "a minute begins"
	default:
		return nil
	}
	out := []edge[countState]{{n, step{actor: "sweep", what: what}}}
	if s.sweeping != 0 && s.left > 0 {
		n := s
		n.left--
		n.sweeping = 0
		out = append(out, edge[countState]{n, step{actor: "sweep", what: "CRASH"}})
	}
	return out
}

func (p count) bad(s countState, last bool) string {
	if s.often {
		return "count: many were sent a number twice within five seconds"
	}
	if !last || s.crashed {
		return ""
	}
	for c, S := range s.S {
		if S.exists && s.sent[c] != s.rows() {
			return "count: the last number sent is wrong"
		}
	}
	return ""
}
