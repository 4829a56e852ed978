package model

// rows are the rules of one channel without presence and of its events, with two connections: the rows C, S and K, the marker without
// webhooks (docs/decisions/0014-markers-without-webhooks.md), the one consumer that posts events, and the cache of a cache channel.
//
// A subscribe notes the channel on C, puts S pending, looks at C again, sees to the marker, posts success, on a cache channel
// the newest event, and settles S if it is still its own. An event goes to every row there is; for a row that is pending the consumer
// waits, and one that stays pending, since its function has died, is closed. So no event comes before the success, and whoever
// has seen the success gets every event or is closed. The audit comes at any time, and ends what a Vacate has begun.
type rows struct {
	stamped bool // C and S carry the stamp of the frame, and the newest wins
	doubt   bool // a Forget that finds a row missing keeps C, dead, for Sweep
	second  bool // whoever puts or reopens the marker runs Vacate, and so does a Vacate that reopens it
	pending bool // S is pending until the client has been told
	own     bool // a subscribe settles S only if it has its stamp
	after   bool // it settles S after the success, not before
	waits   bool // the consumer waits for a pending row, rather than passing it over
	cache   bool // it is a cache channel
	early   bool // the consumer writes the cache before it reads the rows, not after it has posted
	newest  bool // a subscribe that could not settle S, since another has taken it over, reads the cache again until it is what it posted
	finish  bool // the audit ends what a Vacate has begun, rather than only looking for empty channels
	patient bool // nobody takes longer than the consumer waits, but who has died
}

// rowsRules are the rules as they are.
func rowsRules() rows {
	return rows{
		stamped: true, doubt: true, second: true,
		pending: true, own: true, after: true, waits: true, early: true, newest: true, finish: true, patient: true,
	}
}

func cacheRules() rows {
	p := rowsRules()
	p.cache = true
	return p
}

// subscription is row S.
type subscription struct {
	exists, pending bool
	v               uint8
}

// marker is row K: vac is the nonce of who found the channel empty, 0 while it is occupied.
type marker struct {
	exists bool
	vac    uint8
}

// frameJob is an invocation on the message side.
type frameJob struct {
	kind, c, t uint8
	after      uint8 // it begins when the client has seen the success of that stamp
	pc, then   uint8 // then is what comes after Vacate
	vac        uint8 // the nonce that it has read or set
	doubt      bool
	cached     uint8 // the event that it has read from the cache
	overdue    bool  // a Forget of Sweep
}

// delivery is what the consumer has in hand: the events from..upto, and how far each connection has got.
type delivery struct {
	pc, upto, todo, waiting uint8
	at, v                   [2]uint8
}

type rowsState struct {
	C                    [2]connection
	S                    [2]subscription
	K                    marker
	alive, crashed       [2]bool
	sure                 [2]uint8    // stamp of the newest success that the client has seen
	J                    [6]frameJob // the last is left to the audit
	events               uint8       // how many are to be published
	published, delivered uint8
	cached               uint8
	owed, got            [2]uint8 // events published after the client saw its success; events that it got
	last                 [2]uint8 // the event it saw last
	w                    delivery
	before, shut         bool // an event before the success; a client was closed without any fault
	crashes, left        uint8
	swept, audited       bool
}

func (s *rowsState) occupied() bool { return s.S[0].exists || s.S[1].exists }

// calm says that nothing has died.
func (s *rowsState) calm() bool { return s.left == s.crashes }

// busy says whether a frame of the connection is being handled.
func (s *rowsState) busy(c uint8) bool {
	for _, j := range s.J {
		if j.c == c && j.kind == subscribe && j.pc != 0 && j.pc != ended {
			return true
		}
	}
	return false
}

// want is the frame of the connection that counts in the end: the newest; of two in one millisecond, the subscribe.
func (s *rowsState) want(c uint8) (w frameJob) {
	for _, j := range s.J {
		if j.c == c && (j.kind == subscribe || j.kind == unsubscribe) && (j.t > w.t || j.t == w.t && j.kind == subscribe) {
			w = j
		}
	}
	return w
}

func (p rows) next(s rowsState) []edge[rowsState] {
	var out []edge[rowsState]
	world := func(n rowsState, c uint8, what string) { out = append(out, edge[rowsState]{n, step{c: c, what: what}}) }
	for i, j := range s.J {
		if j.kind == 0 || j.pc == ended {
			continue
		}
		if j.pc == 0 && (j.kind == forget && s.alive[j.c] || j.kind != forget && j.after > s.sure[j.c]) {
			continue
		}
		out = append(out, p.step(s, uint8(i)))
		if j.pc != 0 && s.left > 0 {
			n := s
			n.left--
			n.J[i].pc = ended
			n.crashed[j.c] = true
			world(n, j.c, "CRASH of a function")
		}
		if j.pc == 0 && j.kind == forget && !j.overdue {
			n := s
			n.J[i].pc = ended
			world(n, j.c, "$disconnect LOST")
		}
	}
	for _, j := range s.J {
		if j.kind == forget && s.alive[j.c] {
			n := s
			n.alive[j.c] = false
			world(n, j.c, "client goes away")
		}
	}
	out = append(out, p.deliver(s)...)
	switch {
	case len(out) > 0:
	case !s.swept:
		world(s.sweep(), 0, "SWEEP")
	case !s.audited:
		world(s.audit(), 0, "AUDIT")
	}
	return out
}

// audit looks at the marker when all functions have ended, if one has died: without that all must be well before.
func (s rowsState) audit() rowsState {
	s.audited = true
	if s.crashes > 0 {
		s.J[5] = frameJob{kind: audit}
	}
	return s
}

// sweep forgets the dead connections that still have a row, when all functions have ended.
func (s rowsState) sweep() rowsState {
	s.swept = true
	s.crashes -= s.left
	s.left = 0
	for c := range s.C {
		for i, j := range s.J {
			if s.C[c].exists && !s.alive[c] && j.c == uint8(c) && j.pc == ended {
				s.J[i] = frameJob{kind: forget, c: j.c, overdue: true}
				break
			}
		}
	}
	return s
}

func (p rows) bad(s rowsState, last bool) string {
	switch {
	case s.before:
		return "P4 an event came before the success of its subscription"
	case s.shut:
		return "P4 a client was closed, and nothing had died"
	}
	for c, C := range s.C {
		if s.alive[c] && C.exists && !C.dead && C.on != 0 && C.on == s.sure[c] && !s.S[c].exists {
			return "P4 success was sent for the frame that counts, the row is gone"
		}
	}
	if !last {
		return ""
	}
	occupied := false // by somebody whose own functions have not died
	for c := range s.alive {
		if kind := p.wrong(s, uint8(c)); kind != "" {
			return kind
		}
		occupied = occupied || s.S[c].exists && s.alive[c] && s.sure[c] > 0 && !s.crashed[c]
	}
	listed := s.K.exists && s.K.vac == 0
	switch {
	case occupied && !listed:
		return "P3 marker missing on an occupied channel"
	case !s.occupied() && listed:
		return "P3 marker left on an empty channel"
	}
	return ""
}

// wrong names what is not as it should be about one connection in the end.
func (p rows) wrong(s rowsState, c uint8) string {
	S, want := s.S[c], s.want(c)
	on := want.kind == subscribe
	switch {
	case !s.alive[c] && S.exists:
		return "P1 ghost subscription of a dead connection"
	case !s.alive[c] && s.C[c].exists:
		return "P1 ghost connection row"
	case !s.alive[c]:
		return ""
	case s.owed[c]&^s.got[c] != 0:
		return "P4 an event published after the success was not delivered"
	case s.crashed[c]:
		return ""
	case on && !S.exists:
		return "P5 the last frame was subscribe, the row is missing"
	case !on && S.exists:
		return "P5 the last frame was unsubscribe, the row is there"
	case on && s.sure[c] < want.t:
		return "P5 no success for the last subscribe"
	case on && S.pending:
		return "P5 the row stays pending"
	case p.cache && on && s.last[c] != s.published:
		return "cache: the last event seen is not the newest"
	}
	return ""
}
