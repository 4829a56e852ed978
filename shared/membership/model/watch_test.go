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

// here has a connection be signed in from the start: as the user, who was told to be online, or as a watcher.
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

type watchTest struct {
	name  string
	start watchState
	big   bool
}

func watchTests() []watchTest {
	return []watchTest{
		{"the user comes", watchStart(0, 0, in(0)).here(2), false},
		{"the user and the watcher come", watchStart(0, 0, in(0), in(2)), false},
		{"the watcher comes while the user goes", watchStart(0, 0, in(2), off(0)).here(0), false},
		{"the user comes and goes while the watcher comes", watchStart(0, 0, in(0), off(0), in(2)), false},
		{"the user goes here and comes there, the watcher comes", watchStart(0, 0, off(0), in(1), in(2)).here(0), false},
		{"the user comes, goes and comes elsewhere while the watcher comes", watchStart(0, 0, in(0), off(0), in(1), in(2)), false},
		{"two watchers come, the user goes", watchStart(0, 0, in(2), in(3), off(0)).here(0), false},
		{"one watcher goes, another comes, the user goes", watchStart(0, 0, off(2), in(3), off(0)).here(2).here(0), false},
		{"one watcher goes, another comes, the user changes places", watchStart(0, 0, off(2), in(3), off(0), in(1)).here(2).here(0), false},
		{"the user's row expires while another connection carries on", watchStart(0, 1, in(1), off(0), off(1)).here(2).here(0), false},
		{"that, and a watcher comes", watchStart(0, 1, in(1), off(0), in(3), off(1)).here(2).here(0), false},
		{"a watcher comes and goes", watchStart(0, 0, in(2), off(2), in(0)), false},
		{"the user comes and goes, a crash", watchStart(1, 0, in(0), off(0), off(0)).here(2), false},
		{"the user comes and goes, two crashes", watchStart(2, 0, in(0), off(0), off(0)).here(2), false},
		{"the user changes places, two crashes", watchStart(2, 0, off(0), off(0), in(1)).here(2).here(0), false},
		{"the user comes and goes while the watcher comes, a crash", watchStart(1, 0, in(0), off(0), in(2)), false},
		{"the watcher comes and goes, a crash", watchStart(1, 0, in(2), off(2), off(2), in(0)), false},
		{"one watcher goes, another comes, the user changes places, a crash", watchStart(1, 0, off(2), in(3), off(0), in(1)).here(2).here(0), false},
		{"the same, two crashes", watchStart(2, 0, off(2), in(3), off(0), in(1)).here(2).here(0), true},
		{"the user changes places, two watchers come, a crash", watchStart(1, 0, off(0), in(1), in(2), in(3)).here(0), true},
	}
}

func TestWatchlist(t *testing.T) {
	t.Parallel()
	for _, test := range watchTests() {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.big && !*big {
				t.Skip("-big")
			}
			holds(t, watchRules(), test.start)
		})
	}
}

// Each rule of a watchlist is needed.
func TestWatchlistAblations(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		remove func(p *watch)
		kind   string
		start  watchState
	}{
		{
			"what was told is not compared with what a watcher told itself", func(p *watch) { p.compare = false },
			"watch: the last status sent is not the truth", watchStart(0, 0, in(2), off(0)).here(0),
		},
		{
			"the consumer does not look again", func(p *watch) { p.again = false },
			"watch: the last status sent is not the truth", watchStart(0, 0, off(2), in(3), off(0), in(1)).here(2).here(0),
		},
		{
			"a sign-out that finds no row says nothing", func(p *watch) { p.repeat = false },
			"watch: the last status sent is not the truth (after a crash)", watchStart(1, 0, in(0), off(0), off(0)).here(2),
		},
		{
			"the user row is written before the rows of who watches", func(p *watch) { p.first = false },
			"P1 ghost watcher row", watchStart(0, 0, in(2), off(2), in(0)),
		},
		{
			"online is told before that is written", func(p *watch) { p.pending = false },
			"watch: the last status sent is not the truth", watchStart(0, 0, in(0), in(2)),
		},
		{
			"offline is not told twice", func(p *watch) { p.always = false },
			"watch: the last status sent is not the truth (after a crash)", watchStart(1, 0, in(0), off(0), off(0)).here(2),
		},
		{
			"no row says that offline was told", func(p *watch) { p.keep = false },
			"watch: the last status sent is not the truth", watchStart(0, 0, off(0), in(1), in(2)).here(0),
		},
		{
			"nobody looks at living connections", func(p *watch) { p.audit = false },
			"watch: the last status sent is not the truth (after a crash)", watchStart(1, 0, in(0)).here(2),
		},
		{
			"not promised: a client whose own sign-in died hears the truth", func(p *watch) { p.exact = true },
			"watch: the last status sent is not the truth (after a crash)", watchStart(1, 0, in(2)).here(0),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := watchRules()
			test.remove(&p)
			violated(t, p, test.start, test.kind)
		})
	}
}
