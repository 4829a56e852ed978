package model

// watch are the rules of a watchlist. Connections 0 and 1 sign in as the watched user; 2 and 3 sign in as others and watch that user.
//
// Each side writes its row and then looks at the other's: a watcher writes that it watches before it looks who is there; the user's
// row is written or removed before anybody looks for watchers, and if there is one a check is queued. The one consumer of the user's
// group compares who is there with what was told. A row says so; it is written before anybody is told, and one that says that the user is
// online is pending until everybody has been told. A watcher tells its own client what it finds, then reads what was told; if that
// is something else, it has the consumer look, and tell this client in any case.
//
// A sign-in: C; who it watches; the user row; C again; success; what it reads of whom it watches; the comparison; a check if somebody
// watches its user. A sign-out and a Forget: whom it watched; the user row; a check if somebody watches, whether there was a row
// or not. A check:
//
//  1. reads the user rows, then what was told;
//  2. ends if online was told, is settled and true; but whoever asks, having said offline itself, is told;
//  3. else writes what it will tell, online as pending, if that is not written already;
//  4. reads who watches and tells all of them; if nothing was told before, whoever asks need not hear what it has said itself;
//  5. settles online, reads the user rows again, and begins anew if they have changed.
//
// Offline is told again when a check comes again: that is how a consumer that died is made good without another write.
type watch struct {
	compare bool // a watcher's sign-in has the consumer look if what was told is not what it said itself
	again   bool // the consumer looks once more at the user's rows when it has told
	repeat  bool // a sign-out queues a check even if the user's row is gone already
	first   bool // who watches is written before, and removed before, the user row that names them
	pending bool // that the user is online is written before it is told, too, as pending
	always  bool // that the user is offline is told even if nothing says that it was told to be online
	keep    bool // that the user was told to be offline is a row as well: no row says that nothing was told
	look    bool // signed-in connections are looked at now and then, and a check is queued for them
	exact   bool // also a client whose own sign-in died has heard the truth: this is not promised
}

// watchRules are the rules as they should be.
func watchRules() watch {
	return watch{
		compare: true, again: true, repeat: true, first: true, pending: true, always: true, keep: true, look: true,
	}
}

// account is row C as sign-in knows it.
type account struct{ exists, dead, signed bool }

// word is what a client was told last about the user.
const (
	online  = 1
	offline = 2
)

// signing is one invocation: a sign-in, a Forget, or a look at a living connection.
type signing struct {
	kind, c, pc uint8
	overdue     bool  // a Forget of Sweep
	said        uint8 // what was read and told
	found       bool
}

const (
	signIn = 1 + iota
	signOut
	lookAt
)

// checking is what the consumer does.
type checking struct {
	pc, of, asked, said, saw, todo uint8
	cold                           bool // nothing was told: who asks has heard nothing since
}

type watchState struct {
	C              [4]account
	user           [4]bool // the user rows
	watches        [4]bool // of 2 and 3: the rows of who watches
	told           uint8   // what the user was last said to be; 0 for nothing, or nothing any more
	pending        bool    // not everybody has heard yet that the user is online
	alive, crashed [4]bool
	heard          [4]uint8 // by 2 and 3
	Q              [4]uint8 // of 2 and 3: that a watcher wants to be told, and what it said itself; of 0: a check. Two would do no more than one
	J              [5]signing
	w              checking
	crashes, left  uint8
	expires        uint8 // how often what was told may yet expire
	swept          bool
	looked         bool
}

func (s *watchState) there() uint8 {
	if s.user[0] || s.user[1] {
		return online
	}
	return offline
}

// Steps of a sign-in; 20 and on are of a sign-out.
const (
	firstRow  = 1
	secondRow = 2
	recheck   = 3
	lookUser  = 4
	tellUser  = 5
	lookTold  = 6
	queueTold = 7
	take      = 20
	takeLast  = 21
	watchers  = 22
	queue     = 23
	forgotten = 24
)

func (p watch) step(s watchState, i int) edge[watchState] {
	j := &s.J[i]
	what := ""
	switch {
	case j.pc >= take:
		what = p.out(&s, j)
	case j.kind == signOut:
		what = s.markDead(j)
	case j.kind == lookAt:
		what = "look: signed in"
		j.pc = watchers
	default:
		what = p.in(&s, j)
	}
	return edge[watchState]{s, step{[]string{"", "signin", "forget", "look"}[j.kind], j.c, 0, what}}
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

// in is a sign-in.
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
		j.pc = lookUser
		if !watcher {
			j.pc = watchers
		}
		return "C still there, post success"
	case lookUser:
		j.said, j.pc = s.there(), tellUser
		return "read: user is " + word(j.said)
	case lookTold:
		j.pc = ended
		if s.told != j.said && (s.told == online || j.said == online) {
			j.pc = queueTold
		}
		return "read: told is " + word(s.told)
	case queueTold:
		s.Q[j.c], j.pc = j.said, ended
		return "queue check for itself"
	default:
		if s.alive[j.c] {
			s.heard[j.c] = j.said
		}
		j.pc = ended
		if p.compare {
			j.pc = lookTold
		}
		return "post " + word(j.said)
	}
}

// out is what a sign-out and a Forget share, and the end of a sign-in.
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
			return "somebody watches"
		}
		return "nobody watches"
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
	for c, said := range s.Q {
		if said != 0 && s.w.pc == 0 {
			n := s
			n.Q[c], n.w = 0, checking{pc: readRows, of: uint8(c)}
			if c != 0 {
				n.w.said, n.w.asked = said, said
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
	if s.expires > 0 && (s.told == online || s.told == offline && len(out) == 0) { // hours after
		n := s
		n.expires--
		n.told, n.pending = 0, false
		world(n, 0, "what was told EXPIRES")
	}
	if len(out) == 0 && (!s.swept || !s.looked) {
		world(p.later(s), 0, "SWEEP")
	}
	return out
}

// later is what is done when all functions have ended: dead connections are forgotten, then living ones looked at. Without a crash all
// must be well before that.
func (p watch) later(s watchState) watchState {
	s.crashes -= s.left
	s.left, s.expires = 0, 0
	s.looked = s.swept
	for i, j := range s.J {
		switch {
		case !s.swept && j.kind == signOut && s.C[j.c].exists && !s.alive[j.c]:
			s.J[i] = signing{kind: signOut, c: j.c, overdue: true}
		case s.swept && p.look && s.crashes > 0 && j.kind == signIn && s.C[j.c].signed && s.alive[j.c] && j.c < 2:
			s.J[i] = signing{kind: lookAt, c: j.c}
		}
	}
	s.swept = true
	return s
}

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
		case !s.alive[c] || !s.watches[c] || s.heard[c] == s.there():
		case s.crashed[c] && !p.exact: // its own sign-in died, perhaps before it told anything
		case calm:
			return "watch: the last word is not the truth"
		default:
			return "watch: the last word is not the truth (after a crash)"
		}
	}
	return ""
}
