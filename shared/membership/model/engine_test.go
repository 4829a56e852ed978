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

// holds checks that the rules keep what they promise, whatever happens.
func holds[S comparable](t *testing.T, p protocol[S], start S) {
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

// violated checks that a rule is needed: without it the promise whose name begins so is broken.
func violated[S comparable](t *testing.T, p protocol[S], start S, kind string) {
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
