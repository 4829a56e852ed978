package model

import "testing"

func watchStart(crashes, expires uint8, jobs ...signing) watchState {
	s := watchState{crashes: crashes, left: crashes, expires: expires}
	for c := range s.C {
		s.C[c].exists, s.alive[c] = true, true
	}
	copy(s.J[:], jobs)
	return s
}

// here lets a connection be signed in from the start: as the user, whose watchers were sent online,
// or as a watcher.
func (s watchState) here(c uint8) watchState {
	s.C[c].signed, s.user[c] = true, true
	if c >= 2 {
		s.watches[c], s.sent[c] = true, s.actual()
		return s
	}
	for w := range s.watches {
		if s.watches[w] {
			s.sent[w], s.stored = online, online
		}
	}
	return s
}

func in(c uint8) signing  { return signing{kind: signIn, c: c} }
func off(c uint8) signing { return signing{kind: signOut, c: c} }

func TestWatchlist(t *testing.T) {
	t.Parallel()
	checkAll(t, watchRules(), []scenario[watchState]{
		{"the user comes", watchStart(0, 0, in(0)).here(2)},
		{"the user and the watcher come", watchStart(0, 0, in(0), in(2))},
		{"the watcher comes while the user goes", watchStart(0, 0, in(2), off(0)).here(0)},
		{"the user comes and goes while the watcher comes", watchStart(0, 0, in(0), off(0), in(2))},
		{
			"the user goes here and comes there, the watcher comes",
			watchStart(0, 0, off(0), in(1), in(2)).here(0),
		},
		{
			"the user comes, goes and comes elsewhere while the watcher comes",
			watchStart(0, 0, in(0), off(0), in(1), in(2)),
		},
		{"two watchers come, the user goes", watchStart(0, 0, in(2), in(3), off(0)).here(0)},
		{
			"one watcher goes, another comes, the user goes",
			watchStart(0, 0, off(2), in(3), off(0)).here(2).here(0),
		},
		{
			"one watcher goes, another comes, the user changes places",
			watchStart(0, 0, off(2), in(3), off(0), in(1)).here(2).here(0),
		},
		{
			"the user's row expires while another connection carries on",
			watchStart(0, 1, in(1), off(0), off(1)).here(2).here(0),
		},
		{
			"that, and a watcher comes",
			watchStart(0, 1, in(1), off(0), in(3), off(1)).here(2).here(0),
		},
		{"a watcher comes and goes", watchStart(0, 0, in(2), off(2), in(0))},
		{"the user comes and goes, a crash", watchStart(1, 0, in(0), off(0), off(0)).here(2)},
		{"the user comes and goes, two crashes", watchStart(2, 0, in(0), off(0), off(0)).here(2)},
		{
			"the user changes places, two crashes",
			watchStart(2, 0, off(0), off(0), in(1)).here(2).here(0),
		},
		{
			"the user comes and goes while the watcher comes, a crash",
			watchStart(1, 0, in(0), off(0), in(2)),
		},
		{"the watcher comes and goes, a crash", watchStart(1, 0, in(2), off(2), off(2), in(0))},
		{
			"one watcher goes, another comes, the user changes places, a crash",
			watchStart(1, 0, off(2), in(3), off(0), in(1)).here(2).here(0),
		},
	})
}

func TestWatchlistBig(t *testing.T) {
	t.Parallel()
	if !*big {
		t.Skip("-big")
	}
	checkAll(t, watchRules(), []scenario[watchState]{
		{
			"one watcher goes, another comes, the user changes places, two crashes",
			watchStart(2, 0, off(2), in(3), off(0), in(1)).here(2).here(0),
		},
		{
			"the user changes places, two watchers come, a crash",
			watchStart(1, 0, off(0), in(1), in(2), in(3)).here(0),
		},
	})
}

func TestWatchlistNeedsEveryRule(t *testing.T) {
	t.Parallel()
	checkNeeded(t, watchRules(), []ablation[watch, watchState]{
		{
			"a watcher does not compare the status row with what it has sent",
			func(p *watch) { p.compare = false },
			"watch: the last status sent is not the truth", watchStart(0, 0, in(2), off(0)).here(0),
		},
		{
			"the consumer does not read the user rows again", func(p *watch) { p.again = false },
			"watch: the last status sent is not the truth",
			watchStart(0, 0, off(2), in(3), off(0), in(1)).here(2).here(0),
		},
		{
			"a sign-out that finds no row queues no check", func(p *watch) { p.repeat = false },
			"watch: the last status sent is not the truth (after a crash)",
			watchStart(1, 0, in(0), off(0), off(0)).here(2),
		},
		{
			"the user row is written before the watcher rows", func(p *watch) { p.first = false },
			"P1 ghost watcher row", watchStart(0, 0, in(2), off(2), in(0)),
		},
		{
			"online is sent before it is written", func(p *watch) { p.pending = false },
			"watch: the last status sent is not the truth", watchStart(0, 0, in(0), in(2)),
		},
		{
			"offline is not sent twice", func(p *watch) { p.always = false },
			"watch: the last status sent is not the truth (after a crash)",
			watchStart(1, 0, in(0), off(0), off(0)).here(2),
		},
		{
			"no row says that offline was sent", func(p *watch) { p.keep = false },
			"watch: the last status sent is not the truth",
			watchStart(0, 0, off(0), in(1), in(2)).here(0),
		},
		{
			"open connections are not audited", func(p *watch) { p.audit = false },
			"watch: the last status sent is not the truth (after a crash)",
			watchStart(1, 0, in(0)).here(2),
		},
		{
			"not promised: a client whose own sign-in died is sent the truth",
			func(p *watch) { p.exact = true },
			"watch: the last status sent is not the truth (after a crash)",
			watchStart(1, 0, in(2)).here(0),
		},
	})
}
