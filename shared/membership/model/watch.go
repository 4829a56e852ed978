package model

// watch is the set of rules of a watchlist. Connections 0 and 1 sign in as the watched user; 2 and
// 3 sign in as others and watch that user.
//
// Each side writes its row and then reads the other's. A watcher writes that it watches before it
// reads the user rows. The user's row is written or removed before the watchers are read, and if
// there is one a check is queued. The one consumer of the user's group compares the user rows with
// the status that the watchers were last sent. The status has a row; it is written before any
// watcher is sent it, and online is pending until all have been sent it. A watcher sends its own
// client what it finds, then reads the status row. If that differs, it queues a check that also
// asks to send the status to this client.
//
// A sign-in: C; its watcher row; the user row; C again; success; the user rows of the user it
// watches; the comparison; a check if its user has a watcher. A sign-out and a Forget: the watcher
// row; the user row; a check if there is a watcher, whether there was a row or not. A check:
//
//  1. reads the user rows, then the status row;
//  2. ends if the status is online, settled and true; but a watcher that asked, having sent its
//     client offline, is sent it;
//  3. else writes the status that it will send, online as pending, unless it is written already;
//  4. reads the watchers and posts to all of them; if there was no status row before, the watcher
//     that asked need not be sent what it has sent itself;
//  5. settles online, reads the user rows again, and begins anew if they have changed.
//
// Offline is sent again when a check comes again. That repairs the death of a consumer without
// another write.
type watch struct {
	// A watcher's sign-in queues a check if the status row is not what it has sent itself.
	compare bool
	// The consumer reads the user rows once more after its posts.
	again bool
	// A sign-out queues a check even if the user's row is already gone.
	repeat bool
	// The watcher row is written before, and removed before, the user row that names it.
	first bool
	// Online, too, is written before it is sent, as pending.
	pending bool
	// Offline is sent even if no row says that the watchers were sent online.
	always bool
	// Offline is a row as well: no row says that nothing was sent.
	keep bool
	// Signed-in connections are audited now and then, and a check is queued for them.
	audit bool
	// Also a client whose own sign-in died is sent the truth: this is not promised.
	exact bool
}

// watchRules are the rules as they are.
func watchRules() watch {
	return watch{
		compare: true, again: true, repeat: true, first: true, pending: true, always: true,
		keep: true, audit: true,
	}
}

// account is row C as sign-in knows it.
type account struct{ exists, dead, signed bool }

// The statuses; 0 is unknown.
const (
	online  = 1
	offline = 2
)

// signing is one invocation: a sign-in, a Forget, or the audit of an open connection.
type signing struct {
	kind, c, pc uint8
	overdue     bool  // a Forget of Sweep
	sent        uint8 // the status that was read and sent
	found       bool
}

const (
	signIn = 1 + iota
	signOut
	auditUser
)

// checking is the state of the consumer.
type checking struct {
	pc, of  uint8 // of is whose check it is: a watcher, or 0 for the user
	asked   uint8 // what Q held
	claimed uint8 // what the watcher that asked has sent its client
	saw     uint8 // the status by the user rows
	todo    uint8 // watchers that have not been posted to
	unknown bool  // there was no status row: the watcher that asked was sent nothing since
}

type watchState struct {
	C              [4]account
	user           [4]bool // the user rows
	watches        [4]bool // of 2 and 3: the watcher rows
	stored         uint8   // the status row; 0 if there is none, or it has expired
	pending        bool    // not every watcher has been sent online yet
	alive, crashed [4]bool
	sent           [4]uint8 // the status that 2 and 3 were last sent
	// Q holds the checks in the queue; two would do no more than one. Of 2 and 3: the watcher asks
	// to be sent the status, and has sent this one itself. Of 0: a check.
	Q             [4]uint8
	J             [5]signing
	w             checking
	crashes, left uint8
	expires       uint8 // how often the status row may yet expire
	swept         bool
	audited       bool
}

// actual is the status by the user rows.
func (s *watchState) actual() uint8 {
	if s.user[0] || s.user[1] {
		return online
	}
	return offline
}

// Steps of a sign-in; those from 20 on are of a sign-out too.
const (
	firstRow   = 1
	secondRow  = 2
	recheck    = 3
	readStatus = 4
	postStatus = 5
	readStored = 6
	queueOwn   = 7
	take       = 20
	takeLast   = 21
	watchers   = 22
	queue      = 23
	forgotten  = 24
)

func (p watch) step(s watchState, i int) edge[watchState] {
	j := &s.J[i]
	what := ""
	switch {
	case j.pc >= take:
		what = p.out(&s, j)
	case j.kind == signOut:
		what = s.markDead(j)
	case j.kind == auditUser:
		what = "read C: signed in"
		j.pc = watchers
	default:
		what = p.in(&s, j)
	}
	actor := []string{"", "signin", "forget", "audit"}[j.kind]
	return edge[watchState]{s, step{actor, j.c, 0, what}}
}

func (s *watchState) markDead(j *signing) string {
	C := &s.C[j.c]
	if !C.exists {
		j.pc = ended
		return "no C"
	}
	C.dead = true
	j.pc = take
	if !C.signed {
		j.pc, j.found = forgotten, true
	}
	return "C: dead"
}

// in runs the steps of a sign-in.
func (p watch) in(s *watchState, j *signing) string {
	C, watcher := &s.C[j.c], j.c >= 2
	switch j.pc {
	case 0:
		if !C.exists || C.dead {
			j.pc = ended
			return "C refuses"
		}
		C.signed = true
		j.pc = firstRow
		return "C: signed in"
	case firstRow, secondRow:
		rows := &s.user
		if watcher && p.first == (j.pc == firstRow) {
			rows = &s.watches
		}
		rows[j.c] = true
		if j.pc++; !watcher {
			j.pc = recheck
		}
		if rows == &s.watches {
			return "put watcher row"
		}
		return "put user row"
	case recheck:
		j.pc = take
		if !C.exists || C.dead {
			return "C gone: sign out"
		}
		j.pc = readStatus
		if !watcher {
			j.pc = watchers
		}
		return "C still there, post success"
	case readStatus:
		j.sent, j.pc = s.actual(), postStatus
		return "read: user is " + statusName(j.sent)
	case readStored:
		j.pc = ended
		if s.stored != j.sent && (s.stored == online || j.sent == online) {
			j.pc = queueOwn
		}
		return "read: status row is " + statusName(s.stored)
	case queueOwn:
		s.Q[j.c], j.pc = j.sent, ended
		return "queue check for itself"
	default:
		if s.alive[j.c] {
			s.sent[j.c] = j.sent
		}
		j.pc = ended
		if p.compare {
			j.pc = readStored
		}
		return "post " + statusName(j.sent)
	}
}

// out runs the steps that a sign-out, a Forget and the end of a sign-in share.
func (p watch) out(s *watchState, j *signing) string {
	done := uint8(ended)
	if j.kind == signOut {
		done = forgotten
	}
	switch j.pc {
	case take: // the first of two rows of a watcher, the only one of the user
		return p.take(s, j, done)
	case takeLast:
		j.pc = done
		if p.first {
			j.found = s.user[j.c]
			s.user[j.c] = false
			return "take user row"
		}
		s.watches[j.c] = false
		return "delete watcher row"
	case watchers:
		j.pc = done
		if s.watches[2] || s.watches[3] {
			j.pc = queue
			return "there is a watcher"
		}
		return "no watchers"
	case queue:
		s.Q[0] = 1
		j.pc = done
		return "queue check"
	default:
		j.pc = ended
		if !j.found && !j.overdue {
			return "in doubt: keep C for Sweep"
		}
		s.C[j.c] = account{}
		return "delete C"
	}
}

func (p watch) take(s *watchState, j *signing, done uint8) string {
	row := s.user[j.c]
	switch {
	case j.c < 2:
		j.found, s.user[j.c] = row, false
		j.pc = watchers
		if !row && !p.repeat {
			j.pc = done
		}
		return "take user row"
	case p.first && row:
		s.watches[j.c] = false
		j.pc = takeLast
		return "delete watcher row"
	case row:
		j.found, s.user[j.c] = true, false
		j.pc = takeLast
		return "take user row"
	}
	j.found, j.pc = false, done
	return "no user row"
}

func (p watch) next(s watchState) []edge[watchState] {
	var out []edge[watchState]
	world := func(n watchState, c uint8, what string) {
		out = append(out, edge[watchState]{n, step{c: c, what: what}})
	}
	for i, j := range s.J {
		if j.kind == 0 || j.pc == ended || j.pc == 0 && j.kind == signOut && s.alive[j.c] {
			continue
		}
		out = append(out, p.step(s, i))
		if j.pc != 0 && s.left > 0 {
			n := s
			n.left--
			n.J[i].pc, n.crashed[j.c] = ended, true
			world(n, j.c, "CRASH of a function")
		}
		if j.pc == 0 && j.kind == signOut && !j.overdue {
			n := s
			n.J[i].pc = ended
			world(n, j.c, "$disconnect LOST")
		}
	}
	if s.w.pc != 0 {
		out = append(out, p.consume(s))
		if s.left > 0 {
			n := s
			n.left--
			n.Q[s.w.of] = max(1, s.w.asked)
			n.w = checking{}
			world(n, 0, "CRASH of the consumer, the check comes again")
		}
	}
	for c, asked := range s.Q {
		if asked != 0 && s.w.pc == 0 {
			n := s
			n.Q[c], n.w = 0, checking{pc: readRows, of: uint8(c)}
			if c != 0 {
				n.w.claimed, n.w.asked = asked, asked
			}
			world(n, uint8(c), "check begins")
		}
	}
	for _, j := range s.J {
		if j.kind == signOut && s.alive[j.c] {
			n := s
			n.alive[j.c] = false
			world(n, j.c, "client goes away")
		}
	}
	// A status row expires hours after it was written, offline only when nothing else happens.
	if s.expires > 0 && (s.stored == online || s.stored == offline && len(out) == 0) {
		n := s
		n.expires--
		n.stored, n.pending = 0, false
		world(n, 0, "the status row EXPIRES")
	}
	if len(out) == 0 && (!s.swept || !s.audited) {
		world(p.later(s), 0, "SWEEP")
	}
	return out
}

// later runs what is done when all functions have ended: connections that have ended are forgotten,
// then those that are open audited. Without a crash all must be right before that.
func (p watch) later(s watchState) watchState {
	s.crashes -= s.left
	s.left, s.expires = 0, 0
	s.audited = s.swept
	for i, j := range s.J {
		switch {
		case !s.swept && j.kind == signOut && s.C[j.c].exists && !s.alive[j.c]:
			s.J[i] = signing{kind: signOut, c: j.c, overdue: true}
		case s.swept && p.audit && s.crashes > 0 && j.kind == signIn && s.isUser(j.c):
			s.J[i] = signing{kind: auditUser, c: j.c}
		}
	}
	s.swept = true
	return s
}

// isUser reports whether an open connection is signed in as the watched user.
func (s *watchState) isUser(c uint8) bool { return s.C[c].signed && s.alive[c] && c < 2 }

func (p watch) bad(s watchState, last bool) string {
	if !last {
		return ""
	}
	calm := s.left == s.crashes
	for c := range s.C {
		switch {
		case !s.alive[c] && s.user[c]:
			return "P1 ghost user row"
		case !s.alive[c] && s.C[c].exists:
			return "P1 ghost connection row"
		case !s.alive[c] && s.watches[c] && calm:
			return "P1 ghost watcher row"
		case !s.alive[c] && s.watches[c] && !p.first:
			return "P1 ghost watcher row after a crash"
		case !s.alive[c] || !s.watches[c] || s.sent[c] == s.actual():
		case s.crashed[c] && !p.exact: // its own sign-in died, perhaps before it sent anything
		case calm:
			return "watch: the last status sent is not the truth"
		default:
			return "watch: the last status sent is not the truth (after a crash)"
		}
	}
	return ""
}
