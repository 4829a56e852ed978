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

// TestNoProcessSurvivesTheLocalCloud kills a copy of the test in which a function runs.
func TestNoProcessSurvivesTheLocalCloud(t *testing.T) {
	if os.Getenv(helper) != "" {
		c, g := newCloud(t), newGate(t)
		c.create("hang")
		c.invocation(t.Context(), "hang", g.input())
		g.call().answer <- "" // now it would not notice that its Runtime API has gone
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

// TestTheKilledAreDead: when Kill returns, nothing more comes from the process.
func TestTheKilledAreDead(t *testing.T) {
	t.Parallel()
	c, processes := known(t)
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

// alive reports whether a process runs, as opposed to waiting for its parent to notice that it has
// ended.
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
