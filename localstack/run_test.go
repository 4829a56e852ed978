package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// start runs the program with the flags, on free ports, with the real template and functions, and
// waits until it is ready. The function that it returns stops the program and waits for its end.
func start(t *testing.T, flags ...string) (ready, func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, stdout := io.Pipe()
	var stderr bytes.Buffer
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, append(freePorts(), append(flags, "-json")...), stdout, &stderr)
		_ = stdout.CloseWithError(errors.Join(errors.New("it ended"), err))
		ended <- err
	}()
	stop := func() error {
		cancel()
		return <-ended
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		_ = stop()
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	var r ready
	if err := json.Unmarshal(line, &r); err != nil {
		t.Fatal(errors.Join(err, stop()))
	}
	return r, stop
}

// freePorts are flags that make the program listen on free ports.
func freePorts() []string { return []string{"-listen", "127.0.0.1:0", "-aws", "127.0.0.1:0"} }

func TestTheRealStackRunsAndLeavesNothingBehind(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds every function")
	}
	r, stop := start(t)
	checkUp(t, r)
	checkPublish(t, r)
	checkMeter(t, r)
	children := childProcesses(t)
	if len(children) == 0 {
		t.Error("no function runs as a process after it was invoked")
	}
	if err := stop(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	for _, pid := range children {
		kill := exec.CommandContext(t.Context(), "kill", "-0", strconv.Itoa(pid))
		if kill.Run() == nil {
			t.Errorf("process %d is still there", pid)
		}
	}
	for _, url := range []string{r.Listen, r.AWS} {
		dialer := net.Dialer{Timeout: time.Second}
		conn, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
		if err == nil {
			t.Errorf("%s still accepts", url)
			_ = conn.Close()
		}
	}
}

// checkUp checks one path of each host.
func checkUp(t *testing.T, r ready) {
	t.Helper()
	status, body := get(t, r.Listen+"/up")
	if status != http.StatusOK || !strings.Contains(body, "OK") {
		t.Errorf("/up answers %d %s", status, body)
	}
	if status, body := get(t, r.Listen+"/app/x/y"); status != http.StatusNotFound {
		t.Errorf("/app/x/y answers %d %s, want the stack's own 404", status, body)
	}
}

// checkPublish publishes the sample event.
func checkPublish(t *testing.T, r ready) {
	t.Helper()
	path := "/apps/" + r.App.ID + "/events"
	url := r.Listen + path + "?" + r.App.sign("POST", path, sampleBody, time.Now())
	req, err := http.NewRequestWithContext(
		t.Context(), http.MethodPost, url, strings.NewReader(sampleBody))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if status, body := do(t, req); status != http.StatusOK {
		t.Errorf("publishing answers %d %s", status, body)
	}
}

// checkMeter checks that the meter counted the publish of checkPublish.
func checkMeter(t *testing.T, r ready) {
	t.Helper()
	_, body := get(t, r.AWS+"/_hark/meter")
	var m struct {
		Units, USD map[string]float64
		By         []struct {
			Service, Unit, Function, Operation string
			N                                  float64
		}
	}
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		t.Fatal(err)
	}
	if m.Units["lambda.url_requests"] < 2 || m.Units["sqs.requests"] < 1 {
		t.Errorf("the meter shows %v", m.Units)
	}
	requests := 0.0
	for _, l := range m.By {
		if l.Service == "sqs" && l.Function == "Hark-api" && l.Unit == "sqs.requests" {
			requests += l.N
		}
	}
	if requests < 1 || m.USD["sqs"] <= 0 || m.USD["total"] <= m.USD["sqs"] {
		t.Errorf("the meter shows %+v", m)
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, req)
}

func do(t *testing.T, req *http.Request) (int, string) {
	t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// childProcesses returns the IDs of the processes that this one has started.
func childProcesses(t *testing.T) []int {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ps", "-e", "-o", "pid=,ppid=,comm=").Output()
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for line := range strings.Lines(string(out)) {
		var pid, parent int
		var command string
		_, err := fmt.Sscan(line, &pid, &parent, &command)
		if err == nil && parent == os.Getpid() && command != "ps" {
			pids = append(pids, pid)
		}
	}
	return pids
}

func TestAPortInUseIsExplained(t *testing.T) {
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, tt := range []struct{ flag, other string }{{"-listen", "-aws"}, {"-aws", "-listen"}} {
		args := []string{tt.flag, taken.Addr().String(), tt.other, "127.0.0.1:0"}
		err := run(t.Context(), args, io.Discard, io.Discard)
		want := taken.Addr().String() +
			" is in use: stop what listens there, or choose another address with " + tt.flag
		if err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func TestCurlPrintsASignedCommand(t *testing.T) {
	var out bytes.Buffer
	args := []string{"-curl", "-listen", "127.0.0.1:9000"}
	if err := run(t.Context(), args, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(out.String(), "curl ") ||
		!strings.Contains(out.String(), "'http://127.0.0.1:9000/apps/local/events?") {
		t.Errorf("it printed %s", out.String())
	}
}

func TestAMistakeInTheFaultsIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "faults.json")
	if err := os.WriteFile(path, []byte(`{"faults":[{"do":"burn"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	err := run(t.Context(), append(freePorts(), "-faults", path), io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), path+`: faults: fault 0: do is "burn"`) {
		t.Errorf("error %v", err)
	}
}

func TestAMissingTemplateIsNamed(t *testing.T) {
	err := run(t.Context(), append(freePorts(), "-template", "absent"), io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "absent.template.json") {
		t.Errorf("error %v", err)
	}
}
