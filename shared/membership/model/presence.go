package model

import "math/bits"

// presence is the set of rules of one presence channel with three connections. Any connection may
// be any user, and another one later.
//
// The message function notes the channel on C and queues a join or a leave. Only the group's one
// consumer writes the rows and posts success, refusals and member frames. A join that is not stale:
//
//  1. is refused if its user has no other row and would be one too many, not counting the
//     connection's own row: it posts the refusal, removes the connection's older row as a leave
//     does, and resets C last, if on is the stamp of the join: on is removed and off is set;
//  2. else, if the connection's own row is of another user who has no other row: posts that this
//     user has left;
//  3. puts the row, pending, whatever it was before;
//  4. posts that its user has come, unless a row that was not pending announced that before;
//  5. posts the success with the users of the rows, and settles the row.
//
// In 1 and 2 an older row that is settled becomes pending before the removal of its user is posted.
// If the consumer dies then, and the join is stale when it comes again, the row is removed like
// that of any half-done join. A leave needs no such mark: it is done again however often it comes.
//
// Tests switch rules off one by one, to show that each is needed.
type presence struct {
	limit int // of users; 0 for none
	// A row is pending from before its user is announced until the client is sent the success.
	pending bool
	// Also the row of a user whom the others know already is pending at first, so that a repeated
	// join does not look done.
	anew bool
	// A join that removes a settled row makes it pending before it announces that the user has
	// left.
	mark bool
	// A refused join removes the connection's older row.
	part bool
	// A refused join resets C last, not first.
	last bool
	// Resetting C also sets off, as an unsubscribe with that stamp would: older frames are refused.
	off bool
	// The old user is announced as gone before the new row is put, not after.
	removed bool
}

// presenceRules are the rules as they are.
func presenceRules(limit int) presence {
	return presence{
		limit:   limit,
		pending: true, anew: true, mark: true, part: true, last: true, off: true, removed: true,
	}
}

// connection is row C, with only the one channel of a model.
type connection struct {
	exists, dead bool
	on, off      uint8 // stamp of the subscribe or unsubscribe that counts; 0 for none
}

// admits reports whether a subscribe may set on.
func (c connection) admits(t uint8) bool { return c.exists && !c.dead && c.on <= t && c.off <= t }

// releases reports whether an unsubscribe may set off.
func (c connection) releases(t uint8) bool { return c.exists && !c.dead && c.on < t && c.off <= t }

// member is row S of a presence channel.
type member struct {
	exists, pending bool
	v, user         uint8
}

// job is one invocation.
type job struct {
	kind, c, t, user uint8
	after            uint8 // it begins when the client has been sent the success of that stamp
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

// message is a message in the channel's group.
type message struct{ kind, c, t, user uint8 }

// What a message asks for.
const (
	join = 1 + iota
	leave
	event
)

// view is what one client has been sent.
type view struct {
	answered uint8 // stamp of the last success or refusal
	in       bool  // the answer was a success
	has      uint8 // the users it believes present
	got      bool  // the event
	entitled bool  // it was in when the event was published, so it must get it
}

type presenceState struct {
	C                [3]connection
	S                [3]member
	alive, crashed   [3]bool
	V                [3]view
	Q                [8]message
	queued, done     uint8 // messages; how many of them are handled but not yet deleted
	J                [6]job
	w                job // the consumer
	crashes, left    uint8
	addedTwice       bool // member_added of a user already shown
	removedUnseen    bool // member_removed of a user not shown
	early            bool // an event before the success
	overLimit        bool // a user was let in beyond the limit
	swept, published bool
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

// acknowledge deletes the messages of the batch.
func (s *presenceState) acknowledge() {
	for ; s.done > 0; s.done-- {
		copy(s.Q[:], s.Q[1:])
		s.queued--
		s.Q[s.queued] = message{}
	}
}

// users are the users with a row, not counting the row of one connection; 9 counts all.
func (s *presenceState) users(but uint8) (set uint8) {
	for c, r := range s.S {
		if r.exists && uint8(c) != but {
			set |= 1 << r.user
		}
	}
	return set
}

// recipients are the connections with a row, except those of one user and one connection; 9 excepts
// none.
func (s *presenceState) recipients(user, c uint8) (set uint8) {
	for i, r := range s.S {
		if r.exists && r.user != user && uint8(i) != c {
			set |= 1 << i
		}
	}
	return set
}

// known reports whether the user was surely announced to the others: by a row that is not pending.
func (s *presenceState) known(user uint8) bool {
	for _, r := range s.S {
		if r.exists && !r.pending && r.user == user {
			return true
		}
	}
	return false
}

// full reports whether a join must be refused. The connection's own row does not count.
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
	actor := []string{"", "sub", "unsub", "forget", "pub"}[j.kind]
	return edge[presenceState]{s, step{actor, j.c, j.t, what}}
}

// leaves reports whether the client asks to leave, or to be another user, before the end.
func (s *presenceState) leaves(c uint8) bool {
	for _, j := range s.J {
		if j.c == c && (j.kind == unsubscribe || j.kind == subscribe && j.t > s.V[c].answered) {
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
		if j.pc == 0 && s.waits(j) {
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

// waits reports whether it is too early for an invocation to begin: a $disconnect follows the end
// of the connection, and a frame that answers to a success follows that success.
func (s *presenceState) waits(j job) bool {
	if j.kind == forget {
		return s.alive[j.c]
	}
	return j.after > s.V[j.c].answered || !s.V[j.c].in && j.after > 0
}

// sweep forgets the connections that have ended and still have a row, when no function runs.
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
	case s.addedTwice && calm:
		return "P2 member_added of a user already shown, without any crash"
	case s.removedUnseen && calm:
		return "P2 member_removed of a user not shown, without any crash"
	case s.early:
		return "P4 event before the success frame"
	case s.overLimit:
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

// wrong names the violation that one connection shows at the end.
func (s *presenceState) wrong(c uint8, calm bool) string {
	S, v := s.S[c], s.V[c]
	var want job
	for _, j := range s.J {
		frame := j.kind == subscribe || j.kind == unsubscribe
		newer := j.t > want.t || j.t == want.t && j.kind == subscribe
		if j.c == c && frame && newer {
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
	case want.kind == subscribe && want.pc == ended && v.answered < want.t && !s.crashed[c]:
		return "P5 neither success nor refusal for the last subscribe"
	case want.kind == subscribe && v.answered == want.t && v.in != S.exists:
		return "P5 the row is not what the client was sent"
	case want.kind == subscribe && v.answered == want.t && v.in && S.user != want.user:
		return "P5 the row is of another user than the client was sent"
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
