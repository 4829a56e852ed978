package model

import (
	"flag"
	"strings"
	"testing"
)

// big adds the configurations that take minutes.
var big = flag.Bool("big", false, "also check the large configurations")

// most is how many states a configuration may have: a million take about a gigabyte.
const most = 3_000_000

// scenario is a configuration to begin with.
type scenario[S comparable] struct {
	name  string
	start S
}

// checkAll checks that the rules keep their promises in every scenario.
func checkAll[S comparable](t *testing.T, rules protocol[S], scenarios []scenario[S]) {
	t.Helper()
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			checkHolds(t, rules, s.start)
		})
	}
}

// checkHolds checks that the rules keep their promises, whatever happens.
func checkHolds[S comparable](t *testing.T, p protocol[S], start S) {
	t.Helper()
	r := explore(p, start, most)
	t.Logf("%d states, %d ends", r.states, r.ends)
	if !r.complete {
		t.Errorf("not checked to the end: more than %d states", most)
	}
	for _, f := range r.found {
		t.Errorf("violated: %s", f)
	}
}

// ablation is a rule to remove, and the promise that breaks without it: the beginning of a
// violation's name.
type ablation[P protocol[S], S comparable] struct {
	name   string
	remove func(rules *P)
	kind   string
	start  S
}

// checkNeeded checks that each rule is needed: without it its promise breaks.
func checkNeeded[P protocol[S], S comparable](t *testing.T, rules P, ablations []ablation[P, S]) {
	t.Helper()
	for _, a := range ablations {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			p := rules
			a.remove(&p)
			checkViolated(t, p, a.start, a.kind)
		})
	}
}

// checkViolated checks that a violation is found whose name begins with kind.
func checkViolated[S comparable](t *testing.T, p protocol[S], start S, kind string) {
	t.Helper()
	r := explore(p, start, most)
	t.Logf("%d states, %d ends", r.states, r.ends)
	for _, f := range r.found {
		if strings.HasPrefix(f.kind, kind) {
			t.Log(f)
			return
		}
	}
	t.Errorf("holds without the rule: no %q among %v", kind, r.found)
}
