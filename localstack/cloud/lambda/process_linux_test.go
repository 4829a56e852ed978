package lambda_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// The test kills a copy of itself in which a function runs.
func TestNoProcessSurvivesTheLocalCloud(t *testing.T) {
	if os.Getenv(helper) != "" {
		c, g := newCloud(t), newGate(t)
		c.create("hang")
		c.invocation(t.Context(), "hang", g.input())
		g.call().answer <- "" // now it would not see that its Runtime API has gone
		fmt.Fprintln(os.Stdout, "running as", os.Getpid())
		select {}
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), helper+"="+binary)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid := strings.TrimPrefix(strings.TrimSpace(line), "running as ")
	children, err := os.ReadFile("/proc/" + pid + "/task/" + pid + "/children")
	if err != nil {
		t.Skip("this kernel does not list children")
	}
	threads, err := os.ReadDir("/proc/" + pid + "/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		more, err := os.ReadFile("/proc/" + pid + "/task/" + thread.Name() + "/children")
		if err == nil {
			children = append(children, more...)
		}
	}
	if len(strings.Fields(string(children))) == 0 {
		t.Fatal("no function runs")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	for _, child := range strings.Fields(string(children)) {
		eventually(t, "process "+child+" to end", func() bool { return !alive(child) })
	}
}

// When Kill returns, the process sends nothing more.
func TestKillReturnsAfterTheProcessHasEnded(t *testing.T) {
	t.Parallel()
	c, processes := newObservedCloud(t)
	g := newGate(t)
	c.create("call")
	done := c.invocation(t.Context(), "call", g.input())
	g.call().answer <- ""
	pid := (<-done).payload
	if !alive(pid) {
		t.Fatal("the process ended by itself")
	}
	(<-processes).Kill()
	if alive(pid) {
		t.Error("the process is alive")
	}
}

// alive reports whether a process runs. A zombie, which has ended and waits for its parent, does
// not.
func alive(pid string) bool {
	if _, err := strconv.Atoi(pid); err != nil {
		return false
	}
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}
