package model

// The steps of a frame handler, a Forget, and an audit.
const (
	putRow         = 1
	rereadC        = 2
	readMarkerRow  = 3
	putMarker      = 4
	reopen         = 5
	postSuccess    = 6
	readCache      = 7
	postCached     = 8
	settleRow      = 9
	undoRow        = 10
	dropOlder      = 11
	takeRow        = 12
	deleteC        = 13
	cacheAgain     = 14
	vacate         = 20 // reads the rows
	markVacant     = 21
	recount        = 22 // reads the rows again
	deleteMarker   = 23
	reopenOwn      = 24 // the marker that this Vacate has marked
	recountFlagged = 25 // reads the rows, of a channel whose marker says vacant
)

// step runs one operation of an invocation.
func (p rows) step(s rowsState, i uint8) edge[rowsState] {
	j := &s.J[i]
	var what string
	switch {
	case j.pc >= vacate:
		what = p.vacate(&s, j, i)
	case j.kind == subscribe:
		what = p.subscribe(&s, j)
	case j.kind == unsubscribe:
		what = p.unsubscribe(&s, j)
	case j.kind == audit:
		what = p.readMarker(&s, j)
	default:
		what = p.forget(&s, j)
	}
	actor := []string{"", "sub", "unsub", "forget", "", "audit"}[j.kind]
	return edge[rowsState]{s, step{actor, j.c, j.t, what}}
}

func (p rows) subscribe(s *rowsState, j *frameJob) string {
	C, S, K := &s.C[j.c], &s.S[j.c], &s.K
	to := func(pc uint8, what string) string { j.pc = pc; return what }
	switch j.pc {
	case 0:
		if !C.admits(j.t) && (p.stamped || !C.exists || C.dead) {
			return to(ended, "C refuses")
		}
		C.on, C.off = j.t, 0
		return to(putRow, "C: on")
	case putRow:
		if p.stamped && S.exists && S.v > j.t {
			return to(ended, "S is newer")
		}
		*S = subscription{true, p.pending, j.t}
		return to(rereadC, "put S")
	case rereadC:
		if !C.exists || C.dead || p.stamped && C.on != j.t {
			return to(undoRow, "C gone or changed: undo")
		}
		return to(readMarkerRow, "C still there")
	case undoRow:
		if S.exists && (!p.stamped || S.v == j.t) {
			*S = subscription{}
		}
		j.then = ended
		return to(vacate, "delete S")
	case readMarkerRow:
		switch {
		case !K.exists:
			return to(putMarker, "no marker")
		case K.vac != 0:
			j.vac = K.vac
			return to(reopen, "marker says vacant")
		}
		return to(p.success(), "marker there")
	case putMarker, reopen:
		return p.occupy(s, j)
	}
	return p.welcome(s, j)
}

// success is the step after the one that lists the channel.
func (p rows) success() uint8 {
	if p.pending && !p.after {
		return settleRow
	}
	return postSuccess
}

// occupy lists the channel.
func (p rows) occupy(s *rowsState, j *frameJob) string {
	K := &s.K
	if j.pc == putMarker && K.exists || j.pc == reopen && (!K.exists || K.vac != j.vac) {
		j.pc = readMarkerRow
		return "marker changed meanwhile"
	}
	*K = marker{exists: true}
	j.then, j.pc = p.success(), p.success()
	if p.second {
		j.pc = vacate
	}
	return "list the channel"
}

// welcome posts the success and the cached event, and settles the row.
func (p rows) welcome(s *rowsState, j *frameJob) string {
	S := &s.S[j.c]
	to := func(pc uint8, what string) string { j.pc = pc; return what }
	switch j.pc {
	case postSuccess:
		if s.alive[j.c] && j.t > s.succeeded[j.c] {
			s.succeeded[j.c] = j.t
		}
		switch {
		case p.cache:
			j.pc = readCache
		case p.pending && p.after:
			j.pc = settleRow
		default:
			j.pc = ended
		}
		return "post success"
	case readCache:
		j.cached = s.cached
		return to(postCached, "read cache")
	case postCached:
		if s.alive[j.c] && j.cached != 0 {
			s.last[j.c] = j.cached
		}
		if j.then == cacheAgain {
			return to(cacheAgain, "post cached event")
		}
		return to(settleRow, "post cached event")
	case cacheAgain:
		if j.cached == s.cached {
			return to(ended, "read cache: nothing newer")
		}
		j.cached = s.cached
		return to(postCached, "read cache: newer")
	}
	mine := S.exists && S.v == j.t
	if S.exists && (mine || !p.own) {
		S.pending = false
	}
	switch {
	case !p.after:
		return to(postSuccess, "settle")
	case p.cache && !mine && p.newest:
		j.then = cacheAgain
		return to(cacheAgain, "not its own row any more")
	}
	return to(ended, "settle if it is its own row")
}

func (p rows) unsubscribe(s *rowsState, j *frameJob) string {
	C, S := &s.C[j.c], &s.S[j.c]
	if j.pc == dropOlder {
		if S.exists && (!p.stamped || S.v < j.t) {
			*S = subscription{}
		}
		j.pc, j.then = vacate, ended
		return "delete S if it is older"
	}
	if !C.releases(j.t) && (p.stamped || !C.exists || C.dead) {
		j.pc = ended
		return "C refuses"
	}
	C.on, C.off = 0, j.t
	if !p.stamped {
		C.off = 0
	}
	j.pc = dropOlder
	return "C: off"
}

func (p rows) forget(s *rowsState, j *frameJob) string {
	C, S := &s.C[j.c], &s.S[j.c]
	switch j.pc {
	case 0:
		if !C.exists {
			j.pc = ended
			return "no C"
		}
		C.dead = p.doubt
		j.pc = takeRow
		if C.on == 0 && C.off == 0 {
			j.pc = deleteC
		}
		return "C: dead"
	case takeRow:
		j.doubt = !S.exists || S.v != C.on
		*S = subscription{}
		j.pc, j.then = vacate, deleteC
		return "take S"
	}
	j.pc = ended
	if j.doubt && p.doubt && !j.overdue {
		return "in doubt: keep C for Sweep"
	}
	*C = connection{}
	return "delete C"
}

// readMarker begins an audit. A marker that says vacant already keeps its nonce.
func (p rows) readMarker(s *rowsState, j *frameJob) string {
	j.then, j.pc = ended, vacate
	switch {
	case !s.K.exists:
		j.pc = ended
		return "no marker"
	case s.K.vac != 0 && p.finish:
		j.vac, j.pc = s.K.vac, recountFlagged
		return "marker says vacant"
	}
	return "marker there"
}

// vacate removes the marker of a channel without subscribers.
func (p rows) vacate(s *rowsState, j *frameJob, i uint8) string {
	K, nonce := &s.K, i+1
	if j.kind == audit && j.vac != 0 {
		nonce = j.vac
	}
	to := func(pc uint8, what string) string { j.pc = pc; return what }
	switch j.pc {
	case vacate:
		if s.occupied() {
			return to(j.then, "there are subscribers")
		}
		return to(markVacant, "no subscribers")
	case markVacant:
		if !K.exists || K.vac != 0 {
			return to(j.then, "not listed, or vacant already")
		}
		K.vac = nonce
		return to(recount, "marker: vacant")
	case recount, recountFlagged:
		if s.occupied() {
			return to(reopenOwn, "a subscriber came")
		}
		return to(deleteMarker, "still no subscribers")
	case deleteMarker:
		if K.exists && K.vac == nonce {
			*K = marker{}
		}
		return to(j.then, "delete marker if still vacant")
	}
	if !K.exists || K.vac != nonce {
		return to(j.then, "marker changed meanwhile")
	}
	K.vac, j.vac = 0, 0
	if !p.second {
		return to(j.then, "reopen marker")
	}
	return to(vacate, "reopen marker")
}
