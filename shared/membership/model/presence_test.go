package model

import "testing"

// presenceStart is a channel in which connection 0 is user 0, the observer.
func presenceStart(crashes uint8, jobs ...job) presenceState {
	s := presenceState{crashes: crashes, left: crashes}
	for c := range s.C {
		s.C[c].exists, s.alive[c] = true, true
	}
	s = s.with(0, 0)
	copy(s.J[:], jobs)
	return s
}

// with has a connection be in the channel from the start.
func (s presenceState) with(c, user uint8) presenceState {
	s.C[c].on, s.S[c] = 1, member{exists: true, v: 1, user: user}
	s.V[c] = view{answered: 1, in: true}
	for i := range s.V {
		s.V[i].has = s.users(9)
	}
	return s
}

// without takes it out.
func (s presenceState) without(c uint8) presenceState {
	s.C[c].on, s.S[c], s.V[c] = 0, member{}, view{}
	for i := range s.V {
		s.V[i].has = s.users(9)
	}
	return s
}

// crashing lets up to n functions die.
func (s presenceState) crashing(n uint8) presenceState {
	s.crashes, s.left = n, n
	return s
}

// sub is a subscribe with that stamp by a client that has seen the success of the one stamped after.
func sub(c, t, after, user uint8) job {
	return job{kind: subscribe, c: c, t: t, after: after, user: user}
}
func unsub(c, t, after uint8) job { return job{kind: unsubscribe, c: c, t: t, after: after} }
func end(c uint8) job             { return job{kind: forget, c: c} }

func TestPresence(t *testing.T) {
	t.Parallel()
	event := job{kind: publish}
	for _, test := range []struct {
		name  string
		limit int
		start presenceState
	}{
		{"a user on two connections joins and leaves", 0, presenceStart(0, sub(1, 1, 0, 1), unsub(1, 2, 1), sub(2, 1, 0, 1))},
		{"the last connection leaves while another joins", 0, presenceStart(0, unsub(1, 2, 1), sub(2, 1, 0, 1)).with(1, 1)},
		{"an observer comes while the user leaves", 0, presenceStart(0, unsub(1, 2, 1), sub(0, 1, 0, 0)).with(1, 1).without(0)},
		{"an observer comes while the user joins", 0, presenceStart(0, sub(1, 1, 0, 1), sub(0, 1, 0, 0)).without(0)},
		{"a quick unsubscribe and subscribe", 0, presenceStart(0, unsub(1, 2, 1), sub(1, 3, 1, 1)).with(1, 1)},
		{"unsubscribe and subscribe in one millisecond, a crash", 0, presenceStart(1, unsub(1, 2, 1), sub(1, 2, 1, 1)).with(1, 1)},
		{"a join against the end", 0, presenceStart(0, sub(1, 1, 0, 1), end(1), end(1))},
		{"a join and the end twice, a crash", 0, presenceStart(1, sub(1, 1, 0, 1), end(1), end(1))},
		{"two connections go, one comes, a crash", 0, presenceStart(1, end(1), end(1), sub(2, 1, 0, 1), end(2)).with(1, 1)},
		{
			"an observer and a user come, the user goes, two crashes", 0,
			presenceStart(2, sub(0, 1, 0, 0), sub(1, 1, 0, 1), end(1), sub(2, 1, 0, 1)).without(0),
		},
		{
			"invoked twice, a quick unsubscribe and subscribe, a crash", 0,
			presenceStart(1, sub(1, 1, 0, 1), sub(1, 1, 0, 1), unsub(1, 2, 1), sub(1, 3, 1, 1)),
		},
		{"an event while a client joins", 0, presenceStart(0, sub(1, 1, 0, 1), event, sub(2, 1, 0, 1))},
		{"an event while a client joins and goes, a crash", 0, presenceStart(1, sub(1, 1, 0, 1), event, end(1))},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			holds(t, presenceRules(test.limit), test.start)
		})
	}
}

// deaths is how many functions may die: the rest of these configurations is small.
const deaths = 3

func TestAnotherUserOnOneConnection(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		start presenceState
	}{
		{"a client becomes another user", presenceStart(0, sub(1, 2, 1, 2)).with(1, 1)},
		{"another user and back, not waiting", presenceStart(0, sub(1, 2, 1, 2), sub(1, 3, 1, 1)).with(1, 1)},
		{"another user and back, then gone", presenceStart(0, sub(1, 2, 1, 2), sub(1, 3, 1, 1), end(1), end(1)).with(1, 1)},
		{"another user, then left", presenceStart(0, sub(1, 2, 1, 2), unsub(1, 3, 1)).with(1, 1)},
		{"the old user comes elsewhere", presenceStart(0, sub(1, 2, 1, 2), sub(2, 1, 0, 1), end(2)).with(1, 1)},
		{"the old user leaves elsewhere", presenceStart(0, sub(1, 2, 1, 2), unsub(2, 2, 1)).with(1, 1).with(2, 1)},
		{"the new user is there already and leaves", presenceStart(0, sub(1, 2, 1, 2), unsub(2, 2, 1)).with(1, 1).with(2, 2)},
		{"two clients change places", presenceStart(0, sub(1, 2, 1, 2), sub(2, 2, 1, 1)).with(1, 1).with(2, 2)},
		{"invoked twice, and back", presenceStart(0, sub(1, 2, 1, 2), sub(1, 2, 1, 2), sub(1, 3, 2, 1)).with(1, 1)},
		{"the observer becomes the other's user", presenceStart(0, sub(0, 2, 1, 1), unsub(1, 2, 1)).with(1, 1)},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			holds(t, presenceRules(0), test.start.crashing(deaths))
		})
	}
}

func TestMembersLimit(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		limit int
		start presenceState
	}{
		{"two users compete for one place", 2, presenceStart(0, sub(1, 1, 0, 1), sub(2, 1, 0, 2))},
		{"the place becomes free", 2, presenceStart(0, end(1), end(1), sub(2, 1, 0, 2)).with(1, 1)},
		{"one user on two connections takes one place", 2, presenceStart(0, sub(1, 1, 0, 1), sub(2, 1, 0, 1), unsub(1, 2, 1))},
		{"refused, left, tried again", 2, presenceStart(0, sub(1, 1, 0, 2), unsub(1, 2, 0), sub(1, 3, 0, 2), unsub(2, 2, 1)).with(2, 1)},
		{"refused and gone", 2, presenceStart(0, sub(1, 1, 0, 2), end(1), end(1)).with(2, 1)},
		{"another user takes the place of the first", 2, presenceStart(0, sub(1, 2, 1, 2), sub(1, 3, 1, 1)).with(1, 1)},
		{"another user is refused and its old row goes", 2, presenceStart(0, sub(1, 2, 1, 2), sub(1, 3, 1, 1)).with(1, 1).with(2, 1)},
		{"another user is refused and goes", 2, presenceStart(0, sub(1, 2, 1, 2), end(1), end(1)).with(1, 1).with(2, 1)},
		{
			"the limit was lowered: the last connection of a user is refused", 1,
			presenceStart(0, sub(1, 2, 1, 1), sub(1, 3, 1, 1), unsub(0, 2, 1)).with(1, 1),
		},
		{
			"the limit was lowered: another user is refused", 2,
			presenceStart(0, sub(1, 2, 1, 2), sub(1, 3, 1, 1), unsub(2, 2, 1)).with(1, 1).with(2, 2),
		},
		{"refused, invoked twice", 2, presenceStart(0, sub(1, 1, 0, 2), sub(1, 1, 0, 2), unsub(2, 2, 1)).with(2, 1)},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			holds(t, presenceRules(test.limit), test.start.crashing(deaths))
		})
	}
}

// Each rule of a presence channel is needed: what is promised breaks without it.
func TestPresenceAblations(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		remove func(p *presence)
		kind   string
		limit  int
		start  presenceState
	}{
		{
			"no row is ever pending", func(p *presence) { p.pending = false }, "P2", 0,
			presenceStart(1, sub(1, 1, 0, 1), sub(1, 2, 0, 1)),
		},
		{
			"the row of a known user is not pending", func(p *presence) { p.anew = false }, "P5 neither", 0,
			presenceStart(1, sub(1, 2, 1, 1)).with(1, 1),
		},
		{
			"another user: the old row is not made pending before the removal is posted", func(p *presence) { p.mark = false }, "P2 an observer misses", 0,
			presenceStart(1, sub(1, 2, 1, 2), sub(1, 3, 1, 1)).with(1, 1),
		},
		{
			"another user: the new row first, then the removal of the old", func(p *presence) { p.removed = false }, "P2 an observer keeps", 0,
			presenceStart(1, sub(1, 2, 1, 2)).with(1, 1),
		},
		{
			"refused: the older row is not made pending before the removal is posted", func(p *presence) { p.mark = false }, "P2 an observer misses", 2,
			presenceStart(1, sub(1, 2, 1, 2), sub(1, 3, 1, 1), unsub(2, 2, 1)).with(1, 1).with(2, 2),
		},
		{
			"refused: the older row stays", func(p *presence) { p.part = false }, "P5 the row", 2,
			presenceStart(0, sub(1, 2, 1, 2)).with(1, 1).with(2, 1),
		},
		{
			"refused: C is turned back before the older row is removed", func(p *presence) { p.last = false }, "P5 neither", 2,
			presenceStart(1, sub(1, 2, 1, 2)).with(1, 1).with(2, 1),
		},
		{
			"refused: no stamp is left on C", func(p *presence) { p.off = false }, "P5 the row", 2,
			presenceStart(0, sub(1, 1, 0, 2), unsub(1, 2, 0), sub(1, 3, 0, 2), unsub(2, 2, 1)).with(2, 1),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := presenceRules(test.limit)
			test.remove(&p)
			violated(t, p, test.start, test.kind)
		})
	}
}
