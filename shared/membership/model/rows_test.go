package model

import "testing"

// rowsStart has the connections of the jobs open and not subscribed.
func rowsStart(crashes, events uint8, jobs ...job) rowsState {
	s := rowsState{crashes: crashes, left: crashes, events: events}
	for i, j := range jobs {
		s.J[i] = frameJob{kind: j.kind, c: j.c, t: j.t, after: j.after}
		s.C[j.c].exists, s.alive[j.c] = true, true
	}
	return s
}

func on(c, t, after uint8) job { return sub(c, t, after, 0) }

func TestSubscriptionsAndTheMarker(t *testing.T) {
	t.Parallel()
	checkAll(t, rowsRules(), []scenario[rowsState]{
		{
			"subscribe, unsubscribe, subscribe",
			rowsStart(0, 0, on(0, 1, 0), unsub(0, 2, 1), on(0, 3, 1)),
		},
		{"the same, not waiting", rowsStart(0, 0, on(0, 1, 0), unsub(0, 2, 0), on(0, 3, 0))},
		{
			"unsubscribe and subscribe in one millisecond",
			rowsStart(0, 0, on(0, 1, 0), unsub(0, 2, 1), on(0, 2, 1)),
		},
		{"subscribe against the end twice, a crash", rowsStart(1, 0, on(0, 1, 0), end(0), end(0))},
		{
			"subscribe, unsubscribe, subscribe, the end, a crash",
			rowsStart(1, 0, on(0, 1, 0), unsub(0, 2, 1), on(0, 3, 1), end(0)),
		},
		{
			"two connections subscribe, one leaves",
			rowsStart(0, 0, on(0, 1, 0), unsub(0, 2, 1), on(1, 1, 0)),
		},
		{
			"two connections subscribe and leave",
			rowsStart(0, 0, on(0, 1, 0), unsub(0, 2, 1), on(1, 1, 0), unsub(1, 2, 1)),
		},
		{"two connections come and go", rowsStart(0, 0, on(0, 1, 0), end(0), on(1, 1, 0), end(1))},
		{
			"one comes back, another comes and goes",
			rowsStart(0, 0, on(0, 1, 0), unsub(0, 2, 1), on(0, 3, 1), on(1, 1, 0), end(1)),
		},
		{
			"two connections come and go, a crash",
			rowsStart(1, 0, on(0, 1, 0), end(0), on(1, 1, 0), end(1)),
		},
		{
			"two connections come and go, the audit at any time",
			rowsStart(0, 0, on(0, 1, 0), end(0), on(1, 1, 0), end(1), job{kind: audit}),
		},
		{
			"two connections subscribe and leave, the audit, a crash",
			rowsStart(1, 0,
				on(0, 1, 0), unsub(0, 2, 1), on(1, 1, 0), unsub(1, 2, 1), job{kind: audit}),
		},
	})
}

func TestEvents(t *testing.T) {
	t.Parallel()
	checkAll(t, rowsRules(), []scenario[rowsState]{
		{"an event while a client subscribes, two crashes", rowsStart(2, 1, on(0, 1, 0))},
		{
			"events while a client subscribes and ends, a crash",
			rowsStart(1, 2, on(0, 1, 0), end(0)),
		},
		{
			"events while it leaves and comes back, a crash",
			rowsStart(1, 2, on(0, 1, 0), unsub(0, 2, 1), on(0, 3, 1)),
		},
		{"events while it subscribes twice, a crash", rowsStart(1, 2, on(0, 1, 0), on(0, 2, 0))},
		{
			"an event while it is invoked twice, a crash",
			rowsStart(1, 1, on(0, 1, 0), on(0, 1, 0), unsub(0, 2, 1), on(0, 3, 1)),
		},
		{"an event while two subscribe", rowsStart(0, 1, on(0, 1, 0), on(1, 1, 0))},
		{"an event while two subscribe, a crash", rowsStart(1, 1, on(0, 1, 0), on(1, 1, 0))},
	})
}

func TestRowsBig(t *testing.T) {
	t.Parallel()
	if !*big {
		t.Skip("-big")
	}
	checkAll(t, rowsRules(), []scenario[rowsState]{
		{
			"one comes back, another comes and goes, a crash",
			rowsStart(1, 0, on(0, 1, 0), unsub(0, 2, 1), on(0, 3, 1), on(1, 1, 0), end(1)),
		},
		{
			"two connections come and go, two crashes",
			rowsStart(2, 0, on(0, 1, 0), end(0), on(1, 1, 0), end(1)),
		},
		{
			"an event while one comes back and another comes",
			rowsStart(0, 1, on(0, 1, 0), unsub(0, 2, 1), on(0, 3, 1), on(1, 1, 0)),
		},
	})
}

func TestCache(t *testing.T) {
	t.Parallel()
	checkAll(t, cacheRules(), []scenario[rowsState]{
		{"three events while a client subscribes", rowsStart(0, 3, on(0, 1, 0))},
		{"events while a client subscribes, a crash", rowsStart(1, 2, on(0, 1, 0))},
		{"events while it subscribes twice", rowsStart(0, 3, on(0, 1, 0), on(0, 2, 0))},
		{
			"events while it leaves and comes back",
			rowsStart(0, 3, on(0, 1, 0), unsub(0, 2, 1), on(0, 3, 1)),
		},
		{"the same, a crash", rowsStart(1, 2, on(0, 1, 0), unsub(0, 2, 1), on(0, 3, 1))},
	})
}

// The consumer closes connections whose functions would still have sent the success, and does no
// other harm.
func TestFunctionsMayTakeLongerThanTheConsumerWaits(t *testing.T) {
	t.Parallel()
	for _, start := range []rowsState{
		rowsStart(1, 2, on(0, 1, 0), unsub(0, 2, 1), on(0, 3, 1)),
		rowsStart(1, 2, on(0, 1, 0), end(0)),
		rowsStart(0, 1, on(0, 1, 0), on(1, 1, 0)),
	} {
		p := rowsRules()
		p.patient = false
		checkHolds(t, p, start)
	}
}

func TestSubscriptionsAndTheMarkerNeedEveryRule(t *testing.T) {
	t.Parallel()
	checkNeeded(t, rowsRules(), []ablation[rows, rowsState]{
		{
			"no stamps", func(p *rows) { p.stamped = false },
			"P5 the last frame was subscribe",
			rowsStart(0, 0, on(0, 1, 0), unsub(0, 2, 1), on(0, 3, 1)),
		},
		{
			"a Forget in doubt keeps nothing", func(p *rows) { p.doubt = false },
			"P1 ghost subscription", rowsStart(1, 0, on(0, 1, 0), end(0), end(0)),
		},
		{
			"a step that lists the channel does not run Vacate", func(p *rows) { p.second = false },
			"P3 marker left",
			rowsStart(0, 0, on(0, 1, 0), unsub(0, 2, 1), on(1, 1, 0), unsub(1, 2, 1)),
		},
		{
			// docs/steps.md §5
			"not promised: invoked twice, the second dies, the connection ends between its steps",
			func(*rows) {},
			"P1 ghost subscription", rowsStart(1, 0, on(0, 1, 0), on(0, 1, 0), end(0)),
		},
		{
			"the audit only checks for empty channels", func(p *rows) { p.finish = false },
			"P3 marker missing", rowsStart(1, 0, on(0, 1, 0), on(1, 1, 0), unsub(1, 2, 1)),
		},
	})
}

func TestEventsNeedEveryRule(t *testing.T) {
	t.Parallel()
	checkNeeded(t, rowsRules(), []ablation[rows, rowsState]{
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
			"the consumer skips pending rows", func(p *rows) { p.waits = false },
			"P4 an event published after the success", rowsStart(0, 1, on(0, 1, 0), on(1, 1, 0)),
		},
		{
			"the cache is written after the posts",
			func(p *rows) { p.cache, p.early = true, false },
			"cache", rowsStart(0, 1, on(0, 1, 0), on(1, 1, 0)),
		},
		{
			"the cache is read once", func(p *rows) { p.cache, p.newest = true, false },
			"cache", rowsStart(0, 2, on(0, 1, 0), on(0, 2, 0)),
		},
	})
}
