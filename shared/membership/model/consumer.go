package model

import "math/bits"

// The consumer's steps. A step's number is where an interrupted message would have got to; it always begins again at 0.
const (
	look       = 0
	announced  = 1  // the old user's row is to become pending
	leftBefore = 2  // fan-out of the old user's removal, before the new row
	put        = 3  // the new row
	added      = 4  // fan-out of the new user
	leftAfter  = 5  // fan-out of the old user's removal, after the new row: an order that is wrong
	success    = 6  // the success frame
	settle     = 7  // the row is pending no more
	undo       = 10 // a leave, or a half-done join that is stale
	left       = 11 // fan-out of the removal
	drop       = 12 // the row
	refuse     = 20 // the refusal
	refuseMark = 21
	turnBack   = 22 // C
	posting    = 30 // fan-out of an event
	handled    = 40
)

// consume runs one operation on the message in hand.
func (p presence) consume(s presenceState) edge[presenceState] {
	m := s.Q[s.done]
	var what string
	switch {
	case m.kind == event:
		what = s.deliver()
	case s.w.pc != look:
		what = p.work(&s, m)
	case m.kind == leave:
		s.w.pc, what = undo, "row is older: remove it"
		if !s.S[m.c].exists || s.S[m.c].v >= m.t {
			s.w.pc, what = handled, "stale: nothing"
		}
	default:
		what = p.lookAt(&s, m)
	}
	if s.w.pc == handled {
		s.done++
		s.w = job{}
	}
	return edge[presenceState]{s, step{[]string{"", "join", "leave", "event"}[m.kind], m.c, m.t, what}}
}

// lookAt reads the rows and C, and decides what is to become of a join.
func (p presence) lookAt(s *presenceState, m message) string {
	own, C := s.S[m.c], s.C[m.c]
	switch {
	case own.exists && own.v == m.t && !own.pending:
		s.w.pc = handled
		return "done before"
	case (!C.exists || C.dead || C.on != m.t) && own.exists && own.pending:
		s.w.pc = undo
		return "stale, half done: undo"
	case !C.exists || C.dead || C.on != m.t:
		s.w.pc = handled
		return "stale: nothing"
	case p.full(*s, m):
		s.w.pc = refuse
		if !p.last {
			s.w.pc, s.w.n = turnBack, 1
		}
		return "full: refuse"
	}
	if s.known(m.user) {
		s.w.n |= 1 // announced already
	}
	if own.exists && !own.pending && own.user == m.user {
		s.w.n |= 2 // and by this very row
	}
	s.w.pc, s.w.user = put, own.user
	if own.exists && own.user != m.user && s.users(m.c)&(1<<own.user) == 0 {
		s.w.n |= 4 // the old user leaves
		switch {
		case p.removed && p.mark && !own.pending:
			s.w.pc = announced
		case p.removed:
			s.leave(m.c, leftBefore, put)
		}
	}
	return "C lists the channel: read the rows"
}

// leave begins to tell everybody else that the user of the connection's row has left, if it was the last; then comes next.
func (s *presenceState) leave(c, fan, next uint8) {
	user := s.S[c].user
	s.w.user, s.w.todo, s.w.pc = user, s.besides(user, c), fan
	if s.users(c)&(1<<user) != 0 || s.w.todo == 0 {
		s.w.pc, s.w.todo = next, 0
	}
}

// work is what comes after the look.
func (p presence) work(s *presenceState, m message) string {
	w, own := &s.w, &s.S[m.c]
	switch w.pc {
	case announced, refuseMark:
		own.pending = true
		if w.pc == refuseMark {
			s.leave(m.c, left, drop)
		} else {
			s.leave(m.c, leftBefore, put)
		}
		return "old row: pending"
	case leftBefore:
		return s.fan(removedFrame, w.user, put)
	case put:
		*own = member{true, p.pending && (p.anew || w.n&2 == 0), m.t, m.user}
		if p.limit > 0 && bits.OnesCount8(s.users(9)) > p.limit {
			s.over = true
		}
		w.pc, w.todo = added, s.besides(m.user, m.c)
		if w.n&1 != 0 || w.todo == 0 {
			s.afterAdded(p, m)
		}
		return "put row"
	case added:
		what := s.fan(addedFrame, m.user, added)
		if w.todo == 0 {
			s.afterAdded(p, m)
		}
		return what
	case leftAfter:
		return s.fan(removedFrame, w.user, success)
	case success:
		s.show(m.c, view{told: m.t, in: true, has: s.users(9)})
		w.pc = settle
		if !own.pending {
			w.pc = handled
		}
		return "post success"
	case settle:
		own.pending = false
		w.pc = handled
		return "settle"
	case undo:
		s.leave(m.c, left, drop)
		return "query rows"
	case left:
		return s.fan(removedFrame, w.user, drop)
	case drop:
		*own = member{}
		w.pc = handled
		if m.kind == join && w.n == 8 {
			w.pc = turnBack
		}
		return "delete row"
	}
	return p.refusal(s, m)
}

// refusal are the steps of a join that is turned away. n 8 is for one that turns C back last, 1 for first.
func (p presence) refusal(s *presenceState, m message) string {
	w, own := &s.w, &s.S[m.c]
	if w.pc == turnBack {
		if s.C[m.c].on == m.t {
			s.C[m.c].on = 0
			if p.off {
				s.C[m.c].off = m.t
			}
		}
		w.pc = handled
		if w.n == 1 {
			w.pc, w.n = refuse, 0
		}
		return "C: turned back"
	}
	s.show(m.c, view{told: m.t, has: s.V[m.c].has})
	w.pc = turnBack
	if p.last {
		w.n = 8
	} else {
		w.pc = handled
	}
	switch {
	case !own.exists || !p.part:
	case p.mark && !own.pending:
		w.pc = refuseMark
	default:
		s.leave(m.c, left, drop)
	}
	return "post refusal"
}

// afterAdded goes on when the new user has been announced.
func (s *presenceState) afterAdded(p presence, m message) {
	s.w.pc, s.w.todo = success, 0
	if !p.removed && s.w.n&4 != 0 {
		s.w.pc, s.w.todo = leftAfter, s.besides(s.w.user, m.c)
		if s.w.todo == 0 {
			s.w.pc = success
		}
	}
}

// deliver posts an event to every row. A row that is pending here belongs to a join that was given up: that client is closed.
func (s *presenceState) deliver() string {
	if s.w.pc == look {
		s.w.pc, s.w.todo = posting, s.besides(9, 9)
		if s.w.todo == 0 {
			s.w.pc = handled
		}
		return "query rows"
	}
	return s.fan(eventFrame, 0, handled)
}

const (
	addedFrame = iota
	removedFrame
	eventFrame
)

// fan posts to one connection at each step.
func (s *presenceState) fan(frame, user, next uint8) string {
	c := uint8(bits.TrailingZeros8(s.w.todo))
	s.w.todo &^= 1 << c
	if s.w.todo == 0 {
		s.w.pc = next
	}
	if v := &s.V[c]; s.alive[c] && v.in {
		switch bit := uint8(1) << user; frame {
		case addedFrame:
			s.twice = s.twice || v.has&bit != 0
			v.has |= bit
		case removedFrame:
			s.never = s.never || v.has&bit == 0
			v.has &^= bit
		}
	}
	if frame == eventFrame && s.alive[c] {
		if s.S[c].pending {
			s.alive[c] = false
			return "close: the row is pending"
		}
		s.early = s.early || !s.V[c].in
		s.V[c].got = true
	}
	return []string{"post member_added", "post member_removed", "post event"}[frame] +
		[]string{" to 0", " to 1", " to 2"}[c]
}

// show posts a success or a refusal.
func (s *presenceState) show(c uint8, v view) {
	if s.alive[c] && v.told >= s.V[c].told {
		v.got, v.entitled = s.V[c].got, s.V[c].entitled
		s.V[c] = v
	}
}
