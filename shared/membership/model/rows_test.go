package model

import "testing"

// rowsStart has both connections open and nobody subscribed.
func rowsStart(crashes, events uint8, jobs ...job) rowsState {
	s := rowsState{crashes: crashes, left: crashes, events: events}
	for i, j := range jobs {
		s.J[i] = frameJob{kind: j.kind, c: j.c, t: j.t, after: j.after}
		s.C[j.c].exists, s.alive[j.c] = true, true
	}
	return s
}

func on(c, t, after uint8) job { return sub(c, t, after, 0) }

type rowsTest struct {
	name  string
	start rowsState
	big   bool
}

func rowsTests() []rowsTest {
	return []rowsTest{
		{"subscribe, unsubscribe, subscribe", rowsStart(0, 0, on(0, 1, 0), unsub(0, 2, 1), on(0, 3, 1)), false},
		{"the same, not waiting", rowsStart(0, 0, on(0, 1, 0), unsub(0, 2, 0), on(0, 3, 0)), false},
		{"unsubscribe and subscribe in one millisecond", rowsStart(0, 0, on(0, 1, 0), unsub(0, 2, 1), on(0, 2, 1)), false},
		{"subscribe against the end twice, a crash", rowsStart(1, 0, on(0, 1, 0), end(0), end(0)), false},
		{"subscribe, unsubscribe, subscribe, the end, a crash", rowsStart(1, 0, on(0, 1, 0), unsub(0, 2, 1), on(0, 3, 1), end(0)), false},
		{"two connections subscribe, one leaves", rowsStart(0, 0, on(0, 1, 0), unsub(0, 2, 1), on(1, 1, 0)), false},
		{"two connections subscribe and leave", rowsStart(0, 0, on(0, 1, 0), unsub(0, 2, 1), on(1, 1, 0), unsub(1, 2, 1)), false},
		{"two connections come and go", rowsStart(0, 0, on(0, 1, 0), end(0), on(1, 1, 0), end(1)), false},
		{"one comes back, another comes and goes", rowsStart(0, 0, on(0, 1, 0), unsub(0, 2, 1), on(0, 3, 1), on(1, 1, 0), end(1)), false},
		{"two connections come and go, a crash", rowsStart(1, 0, on(0, 1, 0), end(0), on(1, 1, 0), end(1)), false},
		{"two connections come and go, the audit at any time", rowsStart(0, 0, on(0, 1, 0), end(0), on(1, 1, 0), end(1), job{kind: audit}), false},
		{"two connections subscribe and leave, the audit, a crash", rowsStart(1, 0, on(0, 1, 0), unsub(0, 2, 1), on(1, 1, 0), unsub(1, 2, 1), job{kind: audit}), false},
		{"one comes back, another comes and goes, a crash", rowsStart(1, 0, on(0, 1, 0), unsub(0, 2, 1), on(0, 3, 1), on(1, 1, 0), end(1)), true},
		{"two connections come and go, two crashes", rowsStart(2, 0, on(0, 1, 0), end(0), on(1, 1, 0), end(1)), true},
		{"an event while one comes back and another comes", rowsStart(0, 1, on(0, 1, 0), unsub(0, 2, 1), on(0, 3, 1), on(1, 1, 0)), true},
		{"an event while a client subscribes, two crashes", rowsStart(2, 1, on(0, 1, 0)), false},
		{"events while a client subscribes and ends, a crash", rowsStart(1, 2, on(0, 1, 0), end(0)), false},
		{"events while it leaves and comes back, a crash", rowsStart(1, 2, on(0, 1, 0), unsub(0, 2, 1), on(0, 3, 1)), false},
		{"events while it subscribes twice, a crash", rowsStart(1, 2, on(0, 1, 0), on(0, 2, 0)), false},
		{"an event while it is invoked twice, a crash", rowsStart(1, 1, on(0, 1, 0), on(0, 1, 0), unsub(0, 2, 1), on(0, 3, 1)), false},
		{"an event while two subscribe", rowsStart(0, 1, on(0, 1, 0), on(1, 1, 0)), false},
		{"an event while two subscribe, a crash", rowsStart(1, 1, on(0, 1, 0), on(1, 1, 0)), false},
	}
}

func TestRows(t *testing.T) {
	t.Parallel()
	for _, test := range rowsTests() {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.big && !*big {
				t.Skip("-big")
			}
			holds(t, rowsRules(), test.start)
		})
	}
}

func TestCache(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		start rowsState
	}{
		{"three events while a client subscribes", rowsStart(0, 3, on(0, 1, 0))},
		{"events while a client subscribes, a crash", rowsStart(1, 2, on(0, 1, 0))},
		{"events while it subscribes twice", rowsStart(0, 3, on(0, 1, 0), on(0, 2, 0))},
		{"events while it leaves and comes back", rowsStart(0, 3, on(0, 1, 0), unsub(0, 2, 1), on(0, 3, 1))},
		{"the same, a crash", rowsStart(1, 2, on(0, 1, 0), unsub(0, 2, 1), on(0, 3, 1))},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			holds(t, cacheRules(), test.start)
		})
	}
}

// TestSlow lets functions take longer than the consumer waits: it closes clients that would have been told, and that is all.
func TestSlow(t *testing.T) {
	t.Parallel()
	for _, start := range []rowsState{
		rowsStart(1, 2, on(0, 1, 0), unsub(0, 2, 1), on(0, 3, 1)),
		rowsStart(1, 2, on(0, 1, 0), end(0)),
		rowsStart(0, 1, on(0, 1, 0), on(1, 1, 0)),
	} {
		p := rowsRules()
		p.patient = false
		holds(t, p, start)
	}
}

// Each rule of a channel without presence is needed.
func TestRowsAblations(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		remove func(p *rows)
		kind   string
		start  rowsState
	}{
		{
			"no stamps", func(p *rows) { p.stamped = false },
			"P5 the last frame was subscribe", rowsStart(0, 0, on(0, 1, 0), unsub(0, 2, 1), on(0, 3, 1)),
		},
		{
			"a Forget in doubt keeps nothing", func(p *rows) { p.doubt = false },
			"P1 ghost subscription", rowsStart(1, 0, on(0, 1, 0), end(0), end(0)),
		},
		{
			"whoever lists the channel does not look again", func(p *rows) { p.second = false },
			"P3 marker left", rowsStart(0, 0, on(0, 1, 0), unsub(0, 2, 1), on(1, 1, 0), unsub(1, 2, 1)),
		},
		{
			"not promised: invoked twice, the second dies, the connection ends between its steps (docs/steps.md §5)", func(*rows) {},
			"P1 ghost subscription", rowsStart(1, 0, on(0, 1, 0), on(0, 1, 0), end(0)),
		},
		{
			"the audit looks only for empty channels", func(p *rows) { p.finish = false },
			"P3 marker missing", rowsStart(1, 0, on(0, 1, 0), on(1, 1, 0), unsub(1, 2, 1)),
		},
		{
			"no row is ever pending", func(p *rows) { p.pending = false },
			"P4 an event came before the success", rowsStart(0, 1, on(0, 1, 0), on(1, 1, 0)),
		},
		{
			"a subscribe settles the row of another", func(p *rows) { p.own = false },
			"P4 an event came before the success", rowsStart(1, 2, on(0, 1, 0), on(0, 2, 0)),
		},
		{
			"the row is settled before the success", func(p *rows) { p.after = false },
			"P4 an event came before the success", rowsStart(0, 1, on(0, 1, 0), on(1, 1, 0)),
		},
		{
			"the consumer passes pending rows over", func(p *rows) { p.waits = false },
			"P4 an event published after the success", rowsStart(0, 1, on(0, 1, 0), on(1, 1, 0)),
		},
		{
			"the cache is written after the posts", func(p *rows) { p.cache, p.early = true, false },
			"cache", rowsStart(0, 1, on(0, 1, 0), on(1, 1, 0)),
		},
		{
			"the cache is read once", func(p *rows) { p.cache, p.newest = true, false },
			"cache", rowsStart(0, 2, on(0, 1, 0), on(0, 2, 0)),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := rowsRules()
			test.remove(&p)
			violated(t, p, test.start, test.kind)
		})
	}
}
