package model

import "math/bits"

// The consumer's steps. A message that was interrupted always starts again at begin.
const (
	begin         = 0
	markOld       = 1  // the row of the old user becomes pending
	postLeftFirst = 2  // fan-out of the old user's removal, before the new row is put
	putMember     = 3  // the new row
	postAdded     = 4  // fan-out of the new user
	postLeftLast  = 5  // fan-out of the old user's removal, after the new row: a wrong order
	postWelcome   = 6  // the success frame
	settleMember  = 7  // the row is no longer pending
	undoJoin      = 10 // a leave, or a half-done join that is stale
	postLeft      = 11 // fan-out of the removal
	deleteMember  = 12 // the row
	postRefusal   = 20
	markRefused   = 21 // the row of the refused connection's older user becomes pending
	resetC        = 22 // C no longer lists the channel
	fanOutEvent   = 30 // fan-out of an event
	handled       = 40
)

// What job.n of the consumer holds. The first three are bits, the others stand alone.
const (
	userKnown  = 1 // the user was announced by some row
	rowKnown   = 2 // and by this very row
	oldLeaves  = 4 // the old user of the row leaves
	resetFirst = 1 // of a refusal: C is reset before the refusal is posted
	resetAfter = 8 // of a refusal: C is reset after the row is deleted
)

// consume runs one operation on the next message of the batch.
func (p presence) consume(s presenceState) edge[presenceState] {
	m := s.Q[s.done]
	var what string
	switch {
	case m.kind == event:
		what = s.deliver()
	case s.w.pc != begin:
		what = p.work(&s, m)
	case m.kind == leave:
		s.w.pc, what = undoJoin, "row is older: remove it"
		if !s.S[m.c].exists || s.S[m.c].v >= m.t {
			s.w.pc, what = handled, "stale: nothing"
		}
	default:
		what = p.decide(&s, m)
	}
	if s.w.pc == handled {
		s.done++
		s.w = job{}
	}
	actor := []string{"", "join", "leave", "event"}[m.kind]
	return edge[presenceState]{s, step{actor, m.c, m.t, what}}
}

// decide reads the rows and C, and decides what happens to a join.
func (p presence) decide(s *presenceState, m message) string {
	own, C := s.S[m.c], s.C[m.c]
	switch {
	case own.exists && own.v == m.t && !own.pending:
		s.w.pc = handled
		return "done before"
	case (!C.exists || C.dead || C.on != m.t) && own.exists && own.pending:
		s.w.pc = undoJoin
		return "stale, half done: undo"
	case !C.exists || C.dead || C.on != m.t:
		s.w.pc = handled
		return "stale: nothing"
	case p.full(*s, m):
		s.w.pc = postRefusal
		if !p.last {
			s.w.pc, s.w.n = resetC, resetFirst
		}
		return "full: refuse"
	}
	if s.known(m.user) {
		s.w.n |= userKnown
	}
	if own.exists && !own.pending && own.user == m.user {
		s.w.n |= rowKnown
	}
	s.w.pc, s.w.user = putMember, own.user
	if own.exists && own.user != m.user && s.users(m.c)&(1<<own.user) == 0 {
		s.w.n |= oldLeaves
		switch {
		case p.removed && p.mark && !own.pending:
			s.w.pc = markOld
		case p.removed:
			s.leave(m.c, postLeftFirst, putMember)
		}
	}
	return "C lists the channel: read the rows"
}

// leave begins to post to the other connections that the user of the connection's row has left, if
// it was the user's last. The step after that is next.
func (s *presenceState) leave(c, fan, next uint8) {
	user := s.S[c].user
	s.w.user, s.w.todo, s.w.pc = user, s.recipients(user, c), fan
	if s.users(c)&(1<<user) != 0 || s.w.todo == 0 {
		s.w.pc, s.w.todo = next, 0
	}
}

// work runs the step that the message has reached.
func (p presence) work(s *presenceState, m message) string {
	w, own := &s.w, &s.S[m.c]
	switch w.pc {
	case markOld, markRefused:
		own.pending = true
		if w.pc == markRefused {
			s.leave(m.c, postLeft, deleteMember)
		} else {
			s.leave(m.c, postLeftFirst, putMember)
		}
		return "old row: pending"
	case postLeftFirst:
		return s.fan(removedFrame, w.user, putMember)
	case putMember:
		*own = member{true, p.pending && (p.anew || w.n&rowKnown == 0), m.t, m.user}
		if p.limit > 0 && bits.OnesCount8(s.users(9)) > p.limit {
			s.overLimit = true
		}
		w.pc, w.todo = postAdded, s.recipients(m.user, m.c)
		if w.n&userKnown != 0 || w.todo == 0 {
			s.afterAdded(p, m)
		}
		return "put row"
	case postAdded:
		what := s.fan(addedFrame, m.user, postAdded)
		if w.todo == 0 {
			s.afterAdded(p, m)
		}
		return what
	case postLeftLast:
		return s.fan(removedFrame, w.user, postWelcome)
	case postWelcome:
		s.show(m.c, view{answered: m.t, in: true, has: s.users(9)})
		w.pc = settleMember
		if !own.pending {
			w.pc = handled
		}
		return "post success"
	case settleMember:
		own.pending = false
		w.pc = handled
		return "settle"
	case undoJoin:
		s.leave(m.c, postLeft, deleteMember)
		return "query rows"
	case postLeft:
		return s.fan(removedFrame, w.user, deleteMember)
	case deleteMember:
		*own = member{}
		w.pc = handled
		if m.kind == join && w.n == resetAfter {
			w.pc = resetC
		}
		return "delete row"
	}
	return p.refusal(s, m)
}

// refusal runs the steps of a join that is refused.
func (p presence) refusal(s *presenceState, m message) string {
	w, own := &s.w, &s.S[m.c]
	if w.pc == resetC {
		if s.C[m.c].on == m.t {
			s.C[m.c].on = 0
			if p.off {
				s.C[m.c].off = m.t
			}
		}
		w.pc = handled
		if w.n == resetFirst {
			w.pc, w.n = postRefusal, 0
		}
		return "C: reset"
	}
	s.show(m.c, view{answered: m.t, has: s.V[m.c].has})
	w.pc = resetC
	if p.last {
		w.n = resetAfter
	} else {
		w.pc = handled
	}
	switch {
	case !own.exists || !p.part:
	case p.mark && !own.pending:
		w.pc = markRefused
	default:
		s.leave(m.c, postLeft, deleteMember)
	}
	return "post refusal"
}

// afterAdded continues when the new user has been announced.
func (s *presenceState) afterAdded(p presence, m message) {
	s.w.pc, s.w.todo = postWelcome, 0
	if !p.removed && s.w.n&oldLeaves != 0 {
		s.w.pc, s.w.todo = postLeftLast, s.recipients(s.w.user, m.c)
		if s.w.todo == 0 {
			s.w.pc = postWelcome
		}
	}
}

// deliver posts an event to every row. A row that is pending here belongs to a join that was given
// up: that connection is closed.
func (s *presenceState) deliver() string {
	if s.w.pc == begin {
		s.w.pc, s.w.todo = fanOutEvent, s.recipients(9, 9)
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

// fan posts a frame to one connection at each step.
func (s *presenceState) fan(frame, user, next uint8) string {
	c := uint8(bits.TrailingZeros8(s.w.todo))
	s.w.todo &^= 1 << c
	if s.w.todo == 0 {
		s.w.pc = next
	}
	if v := &s.V[c]; s.alive[c] && v.in {
		switch bit := uint8(1) << user; frame {
		case addedFrame:
			s.addedTwice = s.addedTwice || v.has&bit != 0
			v.has |= bit
		case removedFrame:
			s.removedUnseen = s.removedUnseen || v.has&bit == 0
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

// show posts a success or a refusal to a client.
func (s *presenceState) show(c uint8, v view) {
	if s.alive[c] && v.answered >= s.V[c].answered {
		v.got, v.entitled = s.V[c].got, s.V[c].entitled
		s.V[c] = v
	}
}
