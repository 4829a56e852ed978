package model

import "math/bits"

// presence are the rules of one presence channel with three connections. Any connection may be any user, and another one later.
//
// The message function notes the channel on C and queues a join or a leave; the group's one consumer alone writes the rows and posts
// success, refusals and member frames. A join that is not stale:
//
//  1. refuses, if its user has no other row and would be one too many, not counting the connection's own row: it posts the refusal,
//     removes the connection's older row as a leave does, and turns C back last: on is removed and off set, if on is its stamp;
//  2. else, if the connection's own row is of another user who has no other row: posts that this one has left;
//  3. puts the row, pending, whatever it was before;
//  4. posts that its user has come, unless a row that was not pending said so before;
//  5. posts the success with the users of the rows, and settles the row.
//
// In 1 and 2 an older row that is settled is made pending before anybody hears that its user has left: should the consumer die then,
// and the join be stale when it comes again, the row is removed like that of any half-done join. A leave needs no such mark,
// since it is done again however often it comes.
//
// Rules that are false have been taken out, to show that they are needed.
type presence struct {
	limit   int  // of users; 0 for none
	pending bool // a row is pending from before its user is announced until the client has been told
	anew    bool // also the row of a user whom the others know already, so that a repeated join is not taken for one that is done
	mark    bool // a join that removes a settled row makes it pending before it announces that the user has left
	part    bool // a refused join removes the connection's older row
	last    bool // a refused join turns C back last, not first
	off     bool // turning back also sets off, as an unsubscribe with that stamp would: older frames are refused
	removed bool // the old user is announced as gone before the new row is put, not after
}

// presenceRules are the rules as they are.
func presenceRules(limit int) presence {
	return presence{limit: limit, pending: true, anew: true, mark: true, part: true, last: true, off: true, removed: true}
}

// connection is row C for the one channel of a model.
type connection struct {
	exists, dead bool
	on, off      uint8 // stamp of the subscribe or unsubscribe that counts; 0 for none
}

// admits says whether TurnOn takes a subscribe.
func (c connection) admits(t uint8) bool { return c.exists && !c.dead && c.on <= t && c.off <= t }

// releases says whether TurnOff takes an unsubscribe.
func (c connection) releases(t uint8) bool { return c.exists && !c.dead && c.on < t && c.off <= t }

// member is row S of a presence channel.
type member struct {
	exists, pending bool
	v, user         uint8
}

// job is one invocation.
type job struct {
	kind, c, t, user uint8
	after            uint8 // it begins when the client has seen the success of that stamp
	pc, todo, n      uint8
}

// What a job is.
const (
	subscribe = 1 + iota
	unsubscribe
	forget
	publish
	audit
)

const ended = 99 // the pc of a job that is over

const forever = 99 // the stamp of a leave by the end of the connection

// message is one in the channel's group.
type message struct{ kind, c, t, user uint8 }

// What a message asks for.
const (
	join = 1 + iota
	leave
	event
)

// view is what one client has seen.
type view struct {
	told     uint8 // stamp of the last success or refusal
	in       bool  // that was a success
	has      uint8 // the users it believes present
	got      bool  // the event
	entitled bool  // it was in when the event was published, so it must get it
}

type presenceState struct {
	C                   [3]connection
	S                   [3]member
	alive, crashed      [3]bool
	V                   [3]view
	Q                   [8]message
	queued, done        uint8 // messages; how many of them are handled but not yet acknowledged
	J                   [6]job
	w                   job // the consumer
	crashes, left       uint8
	twice, never, early bool // member_added of somebody shown, member_removed of somebody not shown, an event before the success
	over                bool // somebody was let in beyond the limit
	swept, published    bool
}

func (s *presenceState) push(m message) {
	for _, q := range s.Q[:s.queued] {
		if q == m && m.kind != event {
			return // deduplication
		}
	}
	s.Q[s.queued] = m
	s.queued++
}

// acknowledge ends the batch in hand.
func (s *presenceState) acknowledge() {
	for ; s.done > 0; s.done-- {
		copy(s.Q[:], s.Q[1:])
		s.queued--
		s.Q[s.queued] = message{}
	}
}

// users are those with a row, but for the row of one connection; 9 for none.
func (s *presenceState) users(but uint8) (set uint8) {
	for c, r := range s.S {
		if r.exists && uint8(c) != but {
			set |= 1 << r.user
		}
	}
	return set
}

// besides are the connections with a row, but for those of one user and the connection in hand; 9 for none.
func (s *presenceState) besides(user, c uint8) (set uint8) {
	for i, r := range s.S {
		if r.exists && r.user != user && uint8(i) != c {
			set |= 1 << i
		}
	}
	return set
}

// known says whether the others have surely heard of the user: by a row that is not pending.
func (s *presenceState) known(user uint8) bool {
	for _, r := range s.S {
		if r.exists && !r.pending && r.user == user {
			return true
		}
	}
	return false
}

// full says whether a join is to be refused: the connection's own row does not count.
func (p presence) full(s presenceState, m message) bool {
	others := s.users(m.c)
	return p.limit > 0 && others&(1<<m.user) == 0 && bits.OnesCount8(others)+1 > p.limit
}

// step runs one operation of a frame handler or a Forget.
func (p presence) step(s presenceState, i int) edge[presenceState] {
	j := &s.J[i]
	C := &s.C[j.c]
	what := ""
	to := func(pc uint8, w string) { j.pc, what = pc, w }
	switch {
	case j.kind == publish:
		s.push(message{kind: event})
		s.published = true
		for c := range s.V {
			s.V[c].entitled = s.V[c].in && s.alive[c] && !s.leaves(uint8(c))
		}
		to(ended, "event queued")
	case j.pc == 2:
		*C = connection{}
		to(ended, "delete C")
	case j.kind == subscribe && j.pc == 0:
		if !C.admits(j.t) {
			to(ended, "C refuses")
			break
		}
		C.on, C.off = j.t, 0
		to(1, "C: on")
	case j.kind == subscribe:
		s.push(message{join, j.c, j.t, j.user})
		to(ended, "queue join")
	case j.kind == unsubscribe && j.pc == 0:
		if !C.releases(j.t) {
			to(ended, "C refuses")
			break
		}
		C.on, C.off = 0, j.t
		to(1, "C: off")
	case j.kind == unsubscribe:
		s.push(message{leave, j.c, j.t, 0})
		to(ended, "queue leave")
	case j.kind == forget && j.pc == 0:
		switch {
		case !C.exists:
			to(ended, "no C")
		case C.on == 0 && C.off == 0:
			C.dead = true
			to(2, "C: dead, no channels")
		default:
			C.dead = true
			to(1, "C: dead")
		}
	case j.kind == forget:
		s.push(message{leave, j.c, forever, 0})
		to(2, "queue leave")
	}
	return edge[presenceState]{s, step{[]string{"", "sub", "unsub", "forget", "pub"}[j.kind], j.c, j.t, what}}
}

// leaves says whether the client asks to leave, or to be somebody else, before the end.
func (s *presenceState) leaves(c uint8) bool {
	for _, j := range s.J {
		if j.c == c && (j.kind == unsubscribe || j.kind == subscribe && j.t > s.V[c].told) {
			return true
		}
	}
	return false
}

func (p presence) next(s presenceState) []edge[presenceState] {
	var out []edge[presenceState]
	world := func(n presenceState, c uint8, what string) {
		out = append(out, edge[presenceState]{n, step{c: c, what: what}})
	}
	for i, j := range s.J {
		if j.kind == 0 || j.pc == ended {
			continue
		}
		if j.pc == 0 && (j.kind == forget && s.alive[j.c] || j.kind != forget && (j.after > s.V[j.c].told || !s.V[j.c].in && j.after > 0)) {
			continue
		}
		out = append(out, p.step(s, i))
		if j.pc != 0 && s.left > 0 {
			n := s
			n.left--
			n.J[i].pc = ended
			n.crashed[j.c] = true
			world(n, j.c, "CRASH of a function")
		}
		if j.pc == 0 && j.kind == forget && j.after == 0 {
			n := s
			n.J[i].pc = ended
			world(n, j.c, "$disconnect LOST")
		}
	}
	if s.done < s.queued {
		out = append(out, p.consume(s))
	}
	if s.done > 0 && s.w.pc == 0 {
		n := s
		n.acknowledge()
		world(n, 0, "batch acknowledged")
	}
	if (s.w.pc != 0 || s.done > 0) && s.left > 0 {
		n := s
		n.left--
		n.w, n.done = job{}, 0
		world(n, 0, "CRASH of the consumer, its batch comes again")
	}
	for _, j := range s.J {
		if j.kind == forget && s.alive[j.c] {
			n := s
			n.alive[j.c] = false
			world(n, j.c, "client goes away")
		}
	}
	if len(out) == 0 && !s.swept {
		world(s.sweep(), 0, "SWEEP")
	}
	return out
}

// sweep forgets the dead connections that still have a row, when all functions have ended.
func (s presenceState) sweep() presenceState {
	s.swept = true
	s.crashes -= s.left
	s.left = 0
	for i, j := range s.J {
		if j.kind == forget && s.C[j.c].exists && !s.alive[j.c] {
			s.J[i] = job{kind: forget, c: j.c, after: 1}
		}
	}
	return s
}

func (p presence) bad(s presenceState, last bool) string {
	calm := s.left == s.crashes
	switch {
	case s.twice && calm:
		return "P2 member_added of a user already shown, without any crash"
	case s.never && calm:
		return "P2 member_removed of a user not shown, without any crash"
	case s.early:
		return "P4 event before the success frame"
	case s.over:
		return "limit: a user was let in beyond it"
	}
	if !last {
		return ""
	}
	for c := range s.V {
		if kind := s.wrong(uint8(c), calm); kind != "" {
			return kind
		}
	}
	return ""
}

// wrong names what is not as it should be about one connection in the end.
func (s *presenceState) wrong(c uint8, calm bool) string {
	S, v := s.S[c], s.V[c]
	var want job
	for _, j := range s.J {
		if j.c == c && (j.kind == subscribe || j.kind == unsubscribe) && (j.t > want.t || j.t == want.t && j.kind == subscribe) {
			want = j
		}
	}
	switch {
	case !s.alive[c] && S.exists:
		return "P1 ghost member"
	case !s.alive[c] && s.C[c].exists:
		return "P1 ghost connection row"
	case !s.alive[c]:
		return ""
	case S.pending && calm:
		return "P1 row stays pending"
	case s.published && v.entitled && !v.got:
		return "P4 accepted event not delivered"
	case want.kind == unsubscribe && S.exists && !s.crashed[c]:
		return "P5 the last frame was unsubscribe, the row is there"
	case want.kind == subscribe && want.pc == ended && v.told < want.t && !s.crashed[c]:
		return "P5 neither success nor refusal for the last subscribe"
	case want.kind == subscribe && v.told == want.t && v.in != S.exists:
		return "P5 the row is not what the client was told"
	case want.kind == subscribe && v.told == want.t && v.in && S.user != want.user:
		return "P5 the row is of another user than the client was told"
	}
	if !S.exists || !v.in {
		return ""
	}
	after := " (after a crash)"
	if calm {
		after = ""
	}
	switch truth := s.users(9); {
	case v.has&^truth != 0:
		return "P2 an observer keeps a user who is gone" + after
	case truth&^v.has != 0:
		return "P2 an observer misses a user who is there" + after
	}
	return ""
}
