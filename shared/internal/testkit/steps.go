package testkit

import (
	"context"
	"strings"
	"testing"
)

// Process is one invocation that stops before each of its steps until the test goes on. So a test
// can force any interleaving of the real code on the real engine, one step at a time. A process
// that has not ended when the test ends died there.
type Process struct {
	Name  string
	Next  string   // the step it stands before; "" when it has ended
	Err   error    // what it failed with
	After *Process // must end before this one's first step; nil if none

	at    chan string
	run   chan struct{}
	ended chan struct{}
}

// Ask stops before a step until the test goes on. It fails once the test has ended.
type Ask func(step string) error

// Start runs f up to its first step. f calls ask before each step.
func Start(t *testing.T, name string, f func(ctx context.Context, ask Ask) error) *Process {
	t.Helper()
	p := &Process{
		Name: name, at: make(chan string), run: make(chan struct{}), ended: make(chan struct{}),
	}
	ctx, cancel := context.WithCancel(t.Context())
	ask := func(step string) error {
		select {
		case p.at <- step:
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case <-p.run:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	go func() {
		defer close(p.ended)
		p.Err = f(ctx, ask)
	}()
	t.Cleanup(func() { cancel(); <-p.ended })
	p.arrive()
	return p
}

// arrive waits until the process stands before its next step, or has ended.
func (p *Process) arrive() {
	select {
	case p.Next = <-p.at:
	case <-p.ended:
		p.Next = ""
	}
}

// Step lets the process take one step.
func (p *Process) Step() {
	if p.After != nil {
		p.After.Finish()
	}
	p.run <- struct{}{}
	p.arrive()
}

// Finish lets the process run to its end.
func (p *Process) Finish() {
	for p.Next != "" {
		p.Step()
	}
}

// Play takes steps in the order of the script. A line "name Step" takes one step of the process
// with that name, which must be that step; "name *" lets it run to its end, and fails the test if
// it fails.
func Play(t *testing.T, script string, processes ...*Process) {
	t.Helper()
	for line := range strings.Lines(script) {
		name, step, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok {
			continue
		}
		for _, p := range processes {
			if p.Name == name {
				p.Play(t, step)
			}
		}
	}
}

// mostSteps is more than any invocation takes: one that takes more never ends.
const mostSteps = 1000

// Play takes the steps, parted by spaces, each of which must be the next one. "*" is all that are
// left.
func (p *Process) Play(t *testing.T, steps string) {
	t.Helper()
	for step := range strings.FieldsSeq(steps) {
		if step == "*" {
			p.end(t)
			return
		}
		if p.Next != step {
			t.Fatalf("%s stands before %q, the script says %s", p.Name, p.Next, step)
		}
		p.Step()
	}
}

// end lets the process run to its end, which must come and be without an error.
func (p *Process) end(t *testing.T) {
	t.Helper()
	for n := 0; p.Next != ""; n++ {
		if n == mostSteps {
			t.Fatalf("%s does not end", p.Name)
		}
		p.Step()
	}
	if p.Err != nil {
		t.Fatalf("%s: %v", p.Name, p.Err)
	}
}
