package model

// The steps of the channel's one consumer. It reads the rows once for all events of its batch.
const (
	writeCache  = 1 + iota
	readSubs    // the rows
	postEvents  // to every row, in any order of rows
	cacheTooOld // the cache, after the posts: a wrong order
)

// deliver returns what the publishers and the consumer can do.
func (p rows) deliver(s rowsState) []edge[rowsState] {
	var out []edge[rowsState]
	add := func(n rowsState, what string) {
		out = append(out, edge[rowsState]{n, step{"consumer", 0, n.w.upto, what}})
	}
	if s.published < s.events {
		n := s
		n.published++
		for c := range s.alive {
			w := s.newestFrame(uint8(c))
			if s.alive[c] && w.kind == subscribe && s.succeeded[c] == w.t {
				n.owed[c] |= 1 << n.published
			}
		}
		out = append(out, edge[rowsState]{n, step{"publish", n.published, 0, "an event is queued"}})
	}
	n := s
	switch s.w.pc {
	case 0:
		if s.delivered < s.published {
			n.w = delivery{pc: readSubs, upto: s.published}
			if p.cache && p.early {
				n.w.pc = writeCache
			}
			add(n, "take what is queued")
		}
	case writeCache:
		n.cached, n.w.pc = s.w.upto, readSubs
		add(n, "write cache")
	case readSubs:
		n.w.pc = postEvents
		for c, S := range s.S {
			if S.exists && (!S.pending || p.waits) {
				n.w.todo |= 1 << c
				n.w.at[c], n.w.v[c] = s.delivered, S.v
			}
			if S.exists && S.pending && p.waits {
				n.w.waiting |= 1 << c
			}
		}
		n.finish(p)
		add(n, "read rows")
	case postEvents:
		for c := uint8(0); c < 2; c++ {
			if s.w.todo&(1<<c) != 0 {
				out = append(out, p.serve(s, c)...)
			}
		}
	case cacheTooOld:
		n.cached, n.delivered, n.w = s.w.upto, s.w.upto, delivery{}
		add(n, "write cache")
	}
	if s.w.pc != 0 && s.left > 0 {
		n := s
		n.left--
		n.w = delivery{}
		add(n, "CRASH, the batch comes again")
	}
	return out
}

// finish ends the delivery if every connection has every event.
func (s *rowsState) finish(p rows) {
	switch {
	case s.w.todo != 0:
	case p.cache && !p.early:
		s.w = delivery{pc: cacheTooOld, upto: s.w.upto}
	default:
		s.delivered, s.w = s.w.upto, delivery{}
	}
}

// serve posts the next event to a connection, or waits for it.
func (p rows) serve(s rowsState, c uint8) []edge[rowsState] {
	bit, n := uint8(1)<<c, s
	say := func(n rowsState, what string) []edge[rowsState] {
		return []edge[rowsState]{{n, step{"consumer", c, s.w.upto, what}}}
	}
	if s.w.waiting&bit == 0 {
		n.w.at[c]++
		if s.alive[c] {
			n.tooEarly = s.tooEarly || s.succeeded[c] < s.w.v[c]
			n.got[c] |= 1 << n.w.at[c]
			n.last[c] = n.w.at[c]
		}
		if n.w.at[c] == s.w.upto {
			n.w.todo &^= bit
			n.finish(p)
		}
		return say(n, "post event")
	}
	switch S := s.S[c]; {
	case !S.exists:
		n.w.todo &^= bit
		n.finish(p)
		return say(n, "row gone: skip it")
	case !S.pending:
		n.w.waiting &^= bit
		n.w.v[c] = S.v
		return say(n, "row settled")
	case p.patient && s.busy(c):
		return nil
	}
	n.closed = s.closed || s.alive[c] && s.noCrash() && p.patient
	n.alive[c] = false
	n.w.todo &^= bit
	n.finish(p)
	return say(n, "row stays pending: close")
}
