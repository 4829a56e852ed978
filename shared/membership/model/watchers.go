package model

import "math/bits"

// The steps of the consumer.
const (
	readRows = 1 + iota
	readStatusRow
	writeStatusRow
	readWatchers
	postToWatchers
	settleStatusRow
	readAgain
)

// consume runs one operation of the one consumer of the user's group.
func (p watch) consume(s watchState) edge[watchState] {
	w := &s.w
	what := ""
	switch w.pc {
	case readRows:
		w.pc, w.saw = readStatusRow, s.actual()
		what = "read: user is " + statusName(w.saw)
	case readStatusRow:
		what = "read: status row is " + statusName(s.stored)
		p.decide(&s)
	case writeStatusRow:
		s.stored, s.pending = w.saw, w.saw == online
		if w.saw == offline && !p.keep {
			s.stored = 0
		}
		w.pc, what = readWatchers, "status row := "+statusName(w.saw)
	case readWatchers:
		w.todo = 0
		for c := range s.watches {
			if s.watches[c] && (!w.unknown || uint8(c) != w.of) {
				w.todo |= 1 << c
			}
		}
		w.pc, what = postToWatchers, "read watchers"
		if w.todo == 0 {
			w.pc = settleStatusRow
		}
	case postToWatchers:
		c := uint8(bits.TrailingZeros8(w.todo))
		if w.todo &^= 1 << c; w.todo == 0 {
			w.pc = settleStatusRow
		}
		if s.alive[c] {
			s.sent[c] = w.saw
		}
		what = "post " + statusName(w.saw) + []string{"", "", " to 2", " to 3"}[c]
	case settleStatusRow:
		s.pending = false
		if w.saw == online {
			s.stored = online
		}
		w.pc, what = readAgain, "status row: settled"
		if !p.again {
			s.w = checking{}
		}
	case readAgain:
		what = "read again: user is " + statusName(s.actual())
		if s.actual() == w.saw {
			s.w = checking{}
		} else {
			w.saw, w.claimed, w.unknown, w.pc = s.actual(), 0, false, readStatusRow
		}
	}
	return edge[watchState]{s, step{actor: "check", what: what}}
}

// decide compares the user rows with the status row.
func (p watch) decide(s *watchState) {
	w := &s.w
	if w.saw == s.stored && !s.pending && (w.saw == online || !p.always) {
		if w.claimed == 0 || w.claimed == w.saw {
			s.w = checking{}
			return
		}
		w.pc, w.todo = postToWatchers, 1<<w.of
		return
	}
	w.unknown = s.stored == 0 && w.claimed == w.saw
	w.pc = writeStatusRow
	if w.saw == s.stored || w.saw == online && !p.pending {
		w.pc = readWatchers
	}
}

func statusName(w uint8) string { return []string{"unknown", "online", "offline"}[w] }
