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
	for _, test := range []struct {
		name  string
		start countState
	}{
		{"three come", countStart(0, 0, comes(0), comes(1), comes(2))},
		{"three come, two crashes", countStart(2, 0, comes(0), comes(1), comes(2))},
		{"two go, a crash", countStart(1, 3, goes(0), goes(1))},
		{"one comes, one goes, two crashes", countStart(2, 2, comes(2), goes(0))},
		{"two come, one goes, a crash", countStart(1, 1, comes(1), comes(2), goes(0))},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			holds(t, countRules(), test.start)
		})
	}
}

// Each rule of subscription counts is needed.
func TestSubscriptionCountAblations(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		remove func(p *count)
		kind   string
		start  countState
	}{
		{"no lease", func(p *count) { p.lease = false }, "count: the last", countStart(0, 2, comes(2), goes(0))},
		{"a lease in the running minute", func(p *count) { p.later = false }, "count: the last", countStart(0, 1, comes(1), comes(2), goes(0))},
		{"told before it is noted", func(p *count) { p.noteFirst = false }, "count: many", countStart(1, 2, comes(2), goes(0))},
		{"a count is queued before the row has changed", func(p *count) { p.changeFirst = false }, "count: the last", countStart(0, 0, comes(0))},
		{"a count is queued before the row is settled", func(p *count) { p.settled = false }, "count: the last", countStart(0, 0, comes(0))},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := countRules()
			test.remove(&p)
			violated(t, p, test.start, test.kind)
		})
	}
}
