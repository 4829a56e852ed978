package model

// rows is the set of rules of one channel without presence and of its events, with two connections:
// the rows C, S and K, the marker without webhooks
// (docs/decisions/0014-markers-without-webhooks.md), the one consumer that posts events, and the
// cache of a cache channel.
//
// A subscribe notes the channel on C, puts S pending, reads C again, puts the marker if there is
// none, posts the success and on a cache channel the newest event, and settles S if S is still its
// own. An event goes to every row. The consumer waits for a row that is pending, and closes the
// connection of one that stays pending because its function has died. So no event comes before the
// success, and a client that has the success gets every event or is closed. The audit comes at any
// time, and finishes what a Vacate has begun.
type rows struct {
	stamped bool // C and S carry the stamp of the frame, and the newest wins
	doubt   bool // a Forget that finds a row missing keeps C, dead, for Sweep
	second  bool // a step that puts or reopens the marker runs Vacate afterwards
	pending bool // S is pending until the client has been sent the success
	own     bool // a subscribe settles S only if it has its stamp
	after   bool // it settles S after the success, not before
	waits   bool // the consumer waits for a pending row, rather than skipping it
	cache   bool // it is a cache channel
	early   bool // the consumer writes the cache before it reads the rows, not after the posts
	// A subscribe that could not settle S, since another has taken S over, reads the cache again
	// until it finds the event that it has posted.
	newest bool
	// The audit finishes what a Vacate has begun, rather than only checking for empty channels.
	finish bool
	// Only a function that has died takes longer than the consumer waits.
	patient bool
}

// rowsRules are the rules as they are.
func rowsRules() rows {
	return rows{
		stamped: true, doubt: true, second: true,
		pending: true, own: true, after: true, waits: true, early: true, newest: true, finish: true,
		patient: true,
	}
}

// cacheRules are those of a cache channel.
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

// marker is row K. vac is the nonce of the Vacate that found the channel empty, 0 while the channel
// is occupied.
type marker struct {
	exists bool
	vac    uint8
}

// frameJob is an invocation on the message side.
type frameJob struct {
	kind, c, t uint8
	after      uint8 // it begins when the client has the success of that stamp
	pc, then   uint8 // then is what comes after Vacate
	vac        uint8 // the nonce that it has read or set
	doubt      bool
	cached     uint8 // the event that it has read from the cache
	overdue    bool  // a Forget of Sweep
}

// delivery is the consumer's batch: the events up to upto, and how far each connection has got.
type delivery struct {
	pc, upto, todo, waiting uint8
	at, v                   [2]uint8
}

type rowsState struct {
	C                    [2]connection
	S                    [2]subscription
	K                    marker
	alive, crashed       [2]bool
	succeeded            [2]uint8    // stamp of the newest success that the client has
	J                    [6]frameJob // the last is left to the audit
	events               uint8       // how many are to be published
	published, delivered uint8
	cached               uint8
	owed, got            [2]uint8 // events published after the client had its success; those it got
	last                 [2]uint8 // the event that it got last
	w                    delivery
	tooEarly             bool // an event came before the success
	closed               bool // a connection was closed although nothing had died
	crashes, left        uint8
	swept, audited       bool
}

func (s *rowsState) occupied() bool { return s.S[0].exists || s.S[1].exists }

// noCrash reports whether nothing has died.
func (s *rowsState) noCrash() bool { return s.left == s.crashes }

// busy reports whether a subscribe of the connection is being handled.
func (s *rowsState) busy(c uint8) bool {
	for _, j := range s.J {
		if j.c == c && j.kind == subscribe && j.pc != 0 && j.pc != ended {
			return true
		}
	}
	return false
}

// newestFrame is the frame of the connection that counts in the end: of two in one millisecond, it
// is the subscribe.
func (s *rowsState) newestFrame(c uint8) (w frameJob) {
	for _, j := range s.J {
		frame := j.kind == subscribe || j.kind == unsubscribe
		newer := j.t > w.t || j.t == w.t && j.kind == subscribe
		if j.c == c && frame && newer {
			w = j
		}
	}
	return w
}

func (p rows) next(s rowsState) []edge[rowsState] {
	var out []edge[rowsState]
	world := func(n rowsState, c uint8, what string) {
		out = append(out, edge[rowsState]{n, step{c: c, what: what}})
	}
	for i, j := range s.J {
		if j.kind == 0 || j.pc == ended {
			continue
		}
		tooSoon := j.after > s.succeeded[j.c]
		if j.kind == forget {
			tooSoon = s.alive[j.c]
		}
		if j.pc == 0 && tooSoon {
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

// audit begins an audit when all functions have ended, if one has died. If none has, the marker
// must be right without it.
func (s rowsState) audit() rowsState {
	s.audited = true
	if s.crashes > 0 {
		s.J[5] = frameJob{kind: audit}
	}
	return s
}

// sweep forgets the connections that have ended and still have a row, when no function runs.
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
	case s.tooEarly:
		return "P4 an event came before the success of its subscription"
	case s.closed:
		return "P4 a client was closed, and nothing had died"
	}
	for c, C := range s.C {
		subscribed := s.alive[c] && C.exists && !C.dead && C.on != 0 && C.on == s.succeeded[c]
		if subscribed && !s.S[c].exists {
			return "P4 success was sent for the frame that counts, the row is gone"
		}
	}
	if !last {
		return ""
	}
	occupied := false // by a connection whose own functions have not died
	for c := range s.alive {
		if kind := p.wrong(s, uint8(c)); kind != "" {
			return kind
		}
		occupied = occupied || s.S[c].exists && s.alive[c] && s.succeeded[c] > 0 && !s.crashed[c]
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

// wrong names the violation that one connection shows at the end.
func (p rows) wrong(s rowsState, c uint8) string {
	S, want := s.S[c], s.newestFrame(c)
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
	case on && s.succeeded[c] < want.t:
		return "P5 no success for the last subscribe"
	case on && S.pending:
		return "P5 the row stays pending"
	case p.cache && on && s.last[c] != s.published:
		return "cache: the last event seen is not the newest"
	}
	return ""
}
