package model

import "testing"

// countStart has that many connections subscribed.
func countStart(crashes, subscribed uint8, jobs ...change) countState {
	s := countState{crashes: crashes, left: crashes}
	for c := range subscribed {
		s.S[c], s.sent[c] = subscription{exists: true}, subscribed
	}
	if subscribed > many {
		s.stored = subscribed
	}
	copy(s.J[:], jobs)
	return s
}

func comes(c uint8) change { return change{kind: subscribe, c: c} }
func goes(c uint8) change  { return change{kind: unsubscribe, c: c} }

func TestSubscriptionCount(t *testing.T) {
	t.Parallel()
	checkAll(t, countRules(), []scenario[countState]{
		{"three come", countStart(0, 0, comes(0), comes(1), comes(2))},
		{"three come, two crashes", countStart(2, 0, comes(0), comes(1), comes(2))},
		{"two go, a crash", countStart(1, 3, goes(0), goes(1))},
		{"one comes, one goes, two crashes", countStart(2, 2, comes(2), goes(0))},
		{"two come, one goes, a crash", countStart(1, 1, comes(1), comes(2), goes(0))},
	})
}

func TestSubscriptionCountNeedsEveryRule(t *testing.T) {
	t.Parallel()
	checkNeeded(t, countRules(), []ablation[count, countState]{
		{
			"no lease", func(p *count) { p.lease = false },
			"count: the last", countStart(0, 2, comes(2), goes(0)),
		},
		{
			"a lease in the running minute", func(p *count) { p.later = false },
			"count: the last", countStart(0, 1, comes(1), comes(2), goes(0)),
		},
		{
			"sent before it is stored", func(p *count) { p.noteFirst = false },
			"count: many", countStart(1, 2, comes(2), goes(0)),
		},
		{
			"a count is queued before the row has changed",
			func(p *count) { p.changeFirst = false },
			"count: the last", countStart(0, 0, comes(0)),
		},
		{
			"a count is queued before the row is settled", func(p *count) { p.settled = false },
			"count: the last", countStart(0, 0, comes(0)),
		},
	})
}
