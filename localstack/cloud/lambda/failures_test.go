package lambda_test

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"hark/localstack/cloud/lambda"
)

func TestAFunctionFails(t *testing.T) {
	for _, tc := range []struct {
		name, handler string
		payload       []string // what the error says
		printed       []string
	}{
		{
			"by an error", "error",
			[]string{`"errorMessage":"no luck"`, `"errorType":"errorString"`},
			[]string{"error | about to fail"},
		},
		{
			"by a panic", "panic",
			[]string{`"errorMessage":"boom"`},
			[]string{"panic | about to panic"},
		},
		{
			"by exiting", "exit",
			[]string{
				`{"errorType":"Runtime.ExitError","errorMessage":"RequestId: `,
				` Error: Runtime exited with error: exit status 3"}`,
			},
			[]string{"exit | about to exit\n", "exit | Runtime exited with error: exit status 3\n"},
		},
		{
			"by exiting before it is ready", "init-exit",
			[]string{`"errorType":"Runtime.ExitError"`, "exit status 1"},
			[]string{"init-exit | cannot start\n"},
		},
		{
			"by an error before it is ready", "init-error",
			[]string{`{"errorType":"Runtime.NoSuchModule","errorMessage":"no module"}`},
			[]string{"its initialization failed"},
		},
		{
			"in the middle of a response", "break",
			[]string{`"errorMessage":"the reader broke"`},
			nil,
		},
		{
			"by a response that is too large", "huge",
			[]string{`"errorType":"Function.ResponseSizeTooLarge"`},
			nil,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newCloud(t)
			c.create(tc.handler)
			for range 2 { // the second has a process, too
				r, err := c.Invoke(t.Context(), tc.handler, []byte("{}"))
				if err != nil || r.FunctionError != "Unhandled" {
					t.Fatalf("got %v, %q, %s", err, r.FunctionError, r.Payload)
				}
				contains(t, "payload", string(r.Payload), tc.payload...)
			}
			contains(t, "output", c.stderr.String(), tc.printed...)
		})
	}
}

func TestACrashAfterTheResponseFailsNoInvocation(t *testing.T) {
	c := newCloud(t)
	c.create("greet")
	for range 3 {
		if got := c.invoke("greet", `{"url":"exit"}`); got != `"hello"` {
			t.Errorf("got %s", got)
		}
	}
	eventually(t, "the crashes to be printed", func() bool {
		return strings.Count(
			c.stderr.String(), "greet | Runtime exited with error: exit status 4\n",
		) == 3
	})
}

func TestATimeoutKills(t *testing.T) {
	c, g := newCloud(t), newGate(t)
	c.create("call", func(f *lambda.FunctionSpec) { f.Timeout = 3 })
	first := c.invocation(t.Context(), "call", g.input())
	stuck := g.call()
	got := <-first
	if got.functionError != "Unhandled" {
		t.Errorf("got %+v", got)
	}
	contains(
		t, "payload", got.payload, `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: `,
		` Error: Task timed out after 3.00 seconds"}`,
	)
	contains(t, "output", c.stderr.String(), "call | killed: the invocation timed out\n")
	<-stuck.Context().Done() // its connection is gone with it

	second := c.invocation(t.Context(), "call", g.input())
	g.call().answer <- ""
	if got := <-second; got.err != nil || got.functionError != "" {
		t.Errorf("the next invocation got %+v", got)
	}
}

func TestCloseLeavesNoProcess(t *testing.T) {
	c, g := newCloud(t), newGate(t)
	c.create("call")
	idle := c.invocation(t.Context(), "call", g.input())
	busy := c.invocation(t.Context(), "call", g.input())
	g.call().answer <- ""
	g.call()
	var pid int
	var still <-chan outcome
	select {
	case got := <-idle:
		_, _ = fmt.Sscan(got.payload, &pid)
		still = busy
	case got := <-busy:
		_, _ = fmt.Sscan(got.payload, &pid)
		still = idle
	}
	if err := syscall.Kill(pid, 0); err != nil {
		t.Fatalf("process %d: %v", pid, err)
	}
	c.Close()
	if got := <-still; got.err == nil && got.functionError == "" {
		t.Errorf("a running invocation got %+v", got)
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d: %v", pid, err)
	}
	if _, err := c.Invoke(t.Context(), "call", nil); !errors.Is(err, lambda.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if err := c.InvokeAsync(t.Context(), "call", nil); !errors.Is(err, lambda.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if strings.Contains(c.stderr.String(), "exited") {
		t.Errorf("an orderly end was printed as a crash: %s", c.stderr.String())
	}
}
