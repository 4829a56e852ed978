package model

import (
	"fmt"
	"slices"
	"strings"
)

// step is one atomic operation: a write, a strongly consistent read, a post to a connection, a
// queue call, or a fault. It is formatted only when a trace is printed.
type step struct {
	actor string // which function; "" for what happens outside of functions
	c, t  uint8  // which connection, and the stamp of the frame
	what  string
}

func (s step) String() string {
	if s.actor == "" {
		return fmt.Sprintf("%s (%d)", s.what, s.c)
	}
	return fmt.Sprintf("%s%d@%d: %s", s.actor, s.c, s.t, s.what)
}

// edge leads from one state to the next.
type edge[S comparable] struct {
	to   S
	step step
}

// protocol is a set of rules to be checked.
type protocol[S comparable] interface {
	// next returns all that can happen in a state. A state in which nothing can happen is an end.
	next(s S) []edge[S]
	// bad names the violation in a state, "" if there is none. last says that it is an end.
	bad(s S, last bool) string
}

// finding is one kind of violation and a shortest trace that leads to it.
type finding struct {
	kind  string
	trace []step
}

func (f finding) String() string {
	lines := make([]string, len(f.trace))
	for i, s := range f.trace {
		lines[i] = "\n\t" + s.String()
	}
	return f.kind + strings.Join(lines, "")
}

// result is what a walk has found.
type result struct {
	states, ends int
	complete     bool // the limit was not reached
	found        []finding
}

// explore walks every interleaving breadth first, so that the first trace of each kind of violation
// is a shortest one. It does not go on behind a violation. It stops at limit states.
func explore[S comparable](p protocol[S], start S, limit int) result {
	seen := map[S]struct{}{start: {}}
	states, parent := []S{start}, []int32{-1}
	first := map[string]int32{}
	var r result
	for i := 0; i < len(states) && len(states) < limit; i++ {
		edges := p.next(states[i])
		if len(edges) == 0 {
			r.ends++
		}
		if kind := p.bad(states[i], len(edges) == 0); kind != "" {
			if _, known := first[kind]; !known {
				first[kind] = int32(i)
			}
			continue
		}
		for _, e := range edges {
			if _, known := seen[e.to]; !known {
				seen[e.to] = struct{}{}
				states, parent = append(states, e.to), append(parent, int32(i))
			}
		}
	}
	r.states, r.complete = len(states), len(states) < limit
	for kind, at := range first {
		r.found = append(r.found, finding{kind, trace(p, states, parent, at)})
	}
	slices.SortFunc(r.found, func(a, b finding) int { return strings.Compare(a.kind, b.kind) })
	return r
}

// trace returns the steps that lead to a state. The walk does not keep them, since most are never
// printed.
func trace[S comparable](p protocol[S], states []S, parent []int32, at int32) []step {
	var steps []step
	for ; parent[at] >= 0; at = parent[at] {
		for _, e := range p.next(states[parent[at]]) {
			if e.to == states[at] {
				steps = append(steps, e.step)
				break
			}
		}
	}
	slices.Reverse(steps)
	return steps
}
