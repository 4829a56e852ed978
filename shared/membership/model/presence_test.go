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

// with puts a connection into the channel from the start.
func (s presenceState) with(c, user uint8) presenceState {
	s.C[c].on, s.S[c] = 1, member{exists: true, v: 1, user: user}
	s.V[c] = view{answered: 1, in: true}
	for i := range s.V {
		s.V[i].has = s.users(9)
	}
	return s
}

// without takes a connection out of the channel.
func (s presenceState) without(c uint8) presenceState {
	s.C[c].on, s.S[c], s.V[c] = 0, member{}, view{}
	for i := range s.V {
		s.V[i].has = s.users(9)
	}
	return s
}

// sub is a subscribe with stamp t by a client that has been sent the success of stamp after.
func sub(c, t, after, user uint8) job {
	return job{kind: subscribe, c: c, t: t, after: after, user: user}
}
func unsub(c, t, after uint8) job { return job{kind: unsubscribe, c: c, t: t, after: after} }
func end(c uint8) job             { return job{kind: forget, c: c} }

func TestPresence(t *testing.T) {
	t.Parallel()
	event := job{kind: publish}
	checkAll(t, presenceRules(0), []scenario[presenceState]{
		{
			"a user on two connections joins and leaves",
			presenceStart(0, sub(1, 1, 0, 1), unsub(1, 2, 1), sub(2, 1, 0, 1)),
		},
		{
			"the last connection leaves while another joins",
			presenceStart(0, unsub(1, 2, 1), sub(2, 1, 0, 1)).with(1, 1),
		},
		{
			"an observer comes while the user leaves",
			presenceStart(0, unsub(1, 2, 1), sub(0, 1, 0, 0)).with(1, 1).without(0),
		},
		{
			"an observer comes while the user joins",
			presenceStart(0, sub(1, 1, 0, 1), sub(0, 1, 0, 0)).without(0),
		},
		{
			"a quick unsubscribe and subscribe",
			presenceStart(0, unsub(1, 2, 1), sub(1, 3, 1, 1)).with(1, 1),
		},
		{
			"unsubscribe and subscribe in one millisecond, a crash",
			presenceStart(1, unsub(1, 2, 1), sub(1, 2, 1, 1)).with(1, 1),
		},
		{"a join against the end", presenceStart(0, sub(1, 1, 0, 1), end(1), end(1))},
		{"a join and the end twice, a crash", presenceStart(1, sub(1, 1, 0, 1), end(1), end(1))},
		{
			"two connections go, one comes, a crash",
			presenceStart(1, end(1), end(1), sub(2, 1, 0, 1), end(2)).with(1, 1),
		},
		{
			"an observer and a user come, the user goes, two crashes",
			presenceStart(2, sub(0, 1, 0, 0), sub(1, 1, 0, 1), end(1), sub(2, 1, 0, 1)).without(0),
		},
		{
			"invoked twice, a quick unsubscribe and subscribe, a crash",
			presenceStart(1, sub(1, 1, 0, 1), sub(1, 1, 0, 1), unsub(1, 2, 1), sub(1, 3, 1, 1)),
		},
		{
			"an event while a client joins",
			presenceStart(0, sub(1, 1, 0, 1), event, sub(2, 1, 0, 1)),
		},
		{
			"an event while a client joins and goes, a crash",
			presenceStart(1, sub(1, 1, 0, 1), event, end(1)),
		},
	})
}

// deaths is how many functions may die in the tests below, whose configurations are small.
const deaths = 3

func TestAnotherUserOnOneConnection(t *testing.T) {
	t.Parallel()
	checkAll(t, presenceRules(0), []scenario[presenceState]{
		{
			"a client becomes another user",
			presenceStart(deaths, sub(1, 2, 1, 2)).with(1, 1),
		},
		{
			"another user and back, not waiting",
			presenceStart(deaths, sub(1, 2, 1, 2), sub(1, 3, 1, 1)).with(1, 1),
		},
		{
			"another user and back, then gone",
			presenceStart(deaths, sub(1, 2, 1, 2), sub(1, 3, 1, 1), end(1), end(1)).with(1, 1),
		},
		{
			"another user, then left",
			presenceStart(deaths, sub(1, 2, 1, 2), unsub(1, 3, 1)).with(1, 1),
		},
		{
			"the old user comes elsewhere",
			presenceStart(deaths, sub(1, 2, 1, 2), sub(2, 1, 0, 1), end(2)).with(1, 1),
		},
		{
			"the old user leaves elsewhere",
			presenceStart(deaths, sub(1, 2, 1, 2), unsub(2, 2, 1)).with(1, 1).with(2, 1),
		},
		{
			"the new user is there already and leaves",
			presenceStart(deaths, sub(1, 2, 1, 2), unsub(2, 2, 1)).with(1, 1).with(2, 2),
		},
		{
			"two clients change places",
			presenceStart(deaths, sub(1, 2, 1, 2), sub(2, 2, 1, 1)).with(1, 1).with(2, 2),
		},
		{
			"invoked twice, and back",
			presenceStart(deaths, sub(1, 2, 1, 2), sub(1, 2, 1, 2), sub(1, 3, 2, 1)).with(1, 1),
		},
		{
			"the observer becomes the other's user",
			presenceStart(deaths, sub(0, 2, 1, 1), unsub(1, 2, 1)).with(1, 1),
		},
	})
}

func TestMembersLimit(t *testing.T) {
	t.Parallel()
	checkAll(t, presenceRules(2), []scenario[presenceState]{
		{
			"two users compete for one place",
			presenceStart(deaths, sub(1, 1, 0, 1), sub(2, 1, 0, 2)),
		},
		{
			"the place becomes free",
			presenceStart(deaths, end(1), end(1), sub(2, 1, 0, 2)).with(1, 1),
		},
		{
			"one user on two connections takes one place",
			presenceStart(deaths, sub(1, 1, 0, 1), sub(2, 1, 0, 1), unsub(1, 2, 1)),
		},
		{
			"refused, left, tried again",
			presenceStart(deaths,
				sub(1, 1, 0, 2), unsub(1, 2, 0), sub(1, 3, 0, 2), unsub(2, 2, 1)).with(2, 1),
		},
		{
			"refused and gone",
			presenceStart(deaths, sub(1, 1, 0, 2), end(1), end(1)).with(2, 1),
		},
		{
			"another user takes the place of the first",
			presenceStart(deaths, sub(1, 2, 1, 2), sub(1, 3, 1, 1)).with(1, 1),
		},
		{
			"another user is refused and its old row goes",
			presenceStart(deaths, sub(1, 2, 1, 2), sub(1, 3, 1, 1)).with(1, 1).with(2, 1),
		},
		{
			"another user is refused and goes",
			presenceStart(deaths, sub(1, 2, 1, 2), end(1), end(1)).with(1, 1).with(2, 1),
		},
		{
			"the limit was lowered: another user is refused",
			presenceStart(deaths,
				sub(1, 2, 1, 2), sub(1, 3, 1, 1), unsub(2, 2, 1)).with(1, 1).with(2, 2),
		},
		{
			"refused, invoked twice",
			presenceStart(deaths, sub(1, 1, 0, 2), sub(1, 1, 0, 2), unsub(2, 2, 1)).with(2, 1),
		},
	})
}

func TestMembersLimitOfOne(t *testing.T) {
	t.Parallel()
	checkAll(t, presenceRules(1), []scenario[presenceState]{
		{
			"the limit was lowered: the last connection of a user is refused",
			presenceStart(deaths, sub(1, 2, 1, 1), sub(1, 3, 1, 1), unsub(0, 2, 1)).with(1, 1),
		},
	})
}

func TestPresenceNeedsEveryRule(t *testing.T) {
	t.Parallel()
	checkNeeded(t, presenceRules(0), []ablation[presence, presenceState]{
		{
			"no row is ever pending", func(p *presence) { p.pending = false },
			"P2", presenceStart(1, sub(1, 1, 0, 1), sub(1, 2, 0, 1)),
		},
		{
			"the row of a known user is not pending", func(p *presence) { p.anew = false },
			"P5 neither", presenceStart(1, sub(1, 2, 1, 1)).with(1, 1),
		},
		{
			"another user: the old row is not made pending before the removal is posted",
			func(p *presence) { p.mark = false },
			"P2 an observer misses", presenceStart(1, sub(1, 2, 1, 2), sub(1, 3, 1, 1)).with(1, 1),
		},
		{
			"another user: the new row first, then the removal of the old",
			func(p *presence) { p.removed = false },
			"P2 an observer keeps", presenceStart(1, sub(1, 2, 1, 2)).with(1, 1),
		},
	})
}

func TestMembersLimitNeedsEveryRule(t *testing.T) {
	t.Parallel()
	checkNeeded(t, presenceRules(2), []ablation[presence, presenceState]{
		{
			"refused: the older row is not made pending before the removal is posted",
			func(p *presence) { p.mark = false },
			"P2 an observer misses",
			presenceStart(1,
				sub(1, 2, 1, 2), sub(1, 3, 1, 1), unsub(2, 2, 1)).with(1, 1).with(2, 2),
		},
		{
			"refused: the older row stays", func(p *presence) { p.part = false },
			"P5 the row", presenceStart(0, sub(1, 2, 1, 2)).with(1, 1).with(2, 1),
		},
		{
			"refused: C is reset before the older row is removed",
			func(p *presence) { p.last = false },
			"P5 neither", presenceStart(1, sub(1, 2, 1, 2)).with(1, 1).with(2, 1),
		},
		{
			"refused: no stamp is left on C", func(p *presence) { p.off = false },
			"P5 the row",
			presenceStart(0,
				sub(1, 1, 0, 2), unsub(1, 2, 0), sub(1, 3, 0, 2), unsub(2, 2, 1)).with(2, 1),
		},
	})
}
