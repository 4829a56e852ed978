package lambda_test

import (
	"errors"
	"net/http"
	"strconv"
	"testing"
	"time"

	"hark/localstack/cloud/faults"
	"hark/localstack/cloud/iam"
	"hark/localstack/cloud/lambda"
	"hark/localstack/cloud/meter"
)

// newFaultyCloud starts a Service with faults. More may be set later.
func newFaultyCloud(t *testing.T, all ...faults.Fault) (*cloud, *faults.Set) {
	t.Helper()
	seed, set := uint64(7), new(faults.Set)
	set.Add(faults.Order{Seed: &seed, Faults: all})
	return newCloud(t, func(o *lambda.Options) { o.Faults = set }), set
}

// newObservedCloud starts a Service, and returns a channel with its processes as they start.
func newObservedCloud(t *testing.T) (*cloud, <-chan faults.Process) {
	t.Helper()
	processes := make(chan faults.Process, 10)
	return newCloud(t, func(o *lambda.Options) {
		o.Env = func(_ string, _ *iam.Role, p faults.Process) []string {
			processes <- p
			return nil
		}
	}), processes
}

// A process is killed in the middle of an invocation, by means of what Options.Env gets.
func TestAProcessCanBeKilled(t *testing.T) {
	t.Parallel()
	c, processes := newObservedCloud(t)
	g := newGate(t)
	c.create("call")
	done := c.invocation(t.Context(), "call", g.input())
	g.call()
	victim := <-processes
	victim.Kill()
	victim.Kill() // is dead already
	got := <-done
	if got.err != nil || got.functionError != "Unhandled" {
		t.Fatalf("the invocation ended with %+v", got)
	}
	contains(t, "the result", got.payload, "Runtime.ExitError", "signal: killed")
	contains(t, "the console", c.stderr.String(), "call | killed: a fault")

	again := c.invocation(t.Context(), "call", g.input())
	g.call().answer <- ""
	if got := <-again; got.err != nil || got.functionError != "" {
		t.Errorf("the next invocation ended with %+v", got)
	}
	if other := <-processes; other == victim {
		t.Error("the new process is the same as the killed one")
	}
}

// The count starts at zero with each invocation.
func TestWritesAreCountedByInvocation(t *testing.T) {
	t.Parallel()
	c, processes := newObservedCloud(t)
	c.create("echo")
	c.invoke("echo", `1`)
	p := <-processes
	first := p.Writes()
	if p.Writes() != first {
		t.Error("the counts of one invocation are not one")
	}
	c.invoke("echo", `2`)
	if p.Writes() == first {
		t.Error("the counts of the last invocation go on")
	}
}

func TestInvocationsCanBeRepeated(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		delay time.Duration
	}{
		{"at once", 0},
		{"afterwards", time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, _ := newFaultyCloud(
				t,
				faults.Fault{
					Do:       faults.RepeatInvocation,
					Function: "call",
					Delay:    faults.Duration(tt.delay),
					Count:    1,
				},
			)
			g := newGate(t)
			c.create("call")
			done := c.invocation(t.Context(), "call", g.input())
			first := g.call()
			if tt.delay == 0 {
				second := g.call() // while the first one runs
				second.answer <- ""
				first.answer <- ""
				<-done
			} else {
				first.answer <- ""
				<-done
				g.call().answer <- ""
			}
			c.invocation(t.Context(), "call", g.input()) // is not repeated: the count is used up
			g.call().answer <- ""
			eventually(t, "three invocations", func() bool {
				return c.meter.Snapshot()[meter.FunctionRequests] == 3
			})
		})
	}
}

func TestInvocationsCanBeRefused(t *testing.T) {
	t.Parallel()
	for status, code := range map[int]string{
		429: "TooManyRequestsException", 500: "ServiceException",
	} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			c, _ := newFaultyCloud(
				t,
				faults.Fault{
					Do:       faults.Answer,
					Service:  faults.Lambda,
					Function: "echo",
					Status:   status,
					Count:    1,
				},
			)
			c.create("echo")
			_, err := c.Invoke(t.Context(), "echo", []byte("1"))
			var refused *lambda.Error
			if !errors.As(err, &refused) || refused.Status != status || refused.Code != code {
				t.Errorf("error %v", err)
			}
			if got := c.invoke("echo", "1"); got != "1" {
				t.Errorf("then it returns %s", got)
			}
		})
	}
}

// A refusal does not count as one of the function's failures.
func TestARefusedEventIsTriedAgain(t *testing.T) {
	t.Parallel()
	c, set := newFaultyCloud(t)
	set.Add(faults.Order{
		Faults: []faults.Fault{
			{
				Do:      faults.Answer,
				Service: faults.Lambda,
				Status:  http.StatusServiceUnavailable,
				Count:   1,
			},
		},
	})
	g := newGate(t)
	c.create("call")
	if err := c.InvokeAsync(t.Context(), "call", []byte(g.input())); err != nil {
		t.Fatal(err)
	}
	g.call().answer <- "" // after a second
}

func TestInvocationsCanBeSlow(t *testing.T) {
	t.Parallel()
	const delay = 50 * time.Millisecond
	c, _ := newFaultyCloud(
		t, faults.Fault{Do: faults.Slow, Service: faults.Lambda, Delay: faults.Duration(delay)},
	)
	c.create("echo")
	began := time.Now()
	if c.invoke("echo", "1"); time.Since(began) < delay {
		t.Errorf("it took %v", time.Since(began))
	}
}
