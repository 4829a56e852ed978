package model

import "math/bits"

// The steps of the consumer.
const (
	readRows = 1 + iota
	readTold
	writeTold
	readWatchers
	tellWatchers
	settleTold
	readAgain
)

// consume is the one consumer of the user's group at work.
func (p watch) consume(s watchState) edge[watchState] {
	w := &s.w
	what := ""
	switch w.pc {
	case readRows:
		w.pc, w.saw = readTold, s.there()
		what = "read: user is " + word(w.saw)
	case readTold:
		what = "read: told is " + word(s.told)
		p.decide(&s)
	case writeTold:
		s.told, s.pending = w.saw, w.saw == online
		if w.saw == offline && !p.keep {
			s.told = 0
		}
		w.pc, what = readWatchers, "told := "+word(w.saw)
	case readWatchers:
		w.todo = 0
		for c := range s.watches {
			if s.watches[c] && (!w.cold || uint8(c) != w.of) {
				w.todo |= 1 << c
			}
		}
		w.pc, what = tellWatchers, "read watchers"
		if w.todo == 0 {
			w.pc = settleTold
		}
	case tellWatchers:
		c := uint8(bits.TrailingZeros8(w.todo))
		if w.todo &^= 1 << c; w.todo == 0 {
			w.pc = settleTold
		}
		if s.alive[c] {
			s.heard[c] = w.saw
		}
		what = "post " + word(w.saw) + []string{"", "", " to 2", " to 3"}[c]
	case settleTold:
		s.pending = false
		if w.saw == online {
			s.told = online
		}
		w.pc, what = readAgain, "told: settled"
		if !p.again {
			s.w = checking{}
		}
	case readAgain:
		what = "read again: user is " + word(s.there())
		if s.there() == w.saw {
			s.w = checking{}
		} else {
			w.saw, w.said, w.cold, w.pc = s.there(), 0, false, readTold
		}
	}
	return edge[watchState]{s, step{who: "check", what: what}}
}

// decide compares who is there with what was told.
func (p watch) decide(s *watchState) {
	w := &s.w
	if w.saw == s.told && !s.pending && (w.saw == online || !p.always) {
		if w.said == 0 || w.said == w.saw {
			s.w = checking{}
			return
		}
		w.pc, w.todo = tellWatchers, 1<<w.of
		return
	}
	w.cold = s.told == 0 && w.said == w.saw
	w.pc = writeTold
	if w.saw == s.told || w.saw == online && !p.pending {
		w.pc = readWatchers
	}
}

func word(w uint8) string { return []string{"unknown", "online", "offline"}[w] }
