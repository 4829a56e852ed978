package lambda_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"hark/localstack/cloud/lambda"
	"hark/localstack/cloud/meter"
)

// binary is the function of testdata/function, built once for all tests.
var binary string

// helper is the environment variable with the path of the function. It is set if a test has started
// this test binary.
const helper = "LAMBDA_TEST_FUNCTION"

func TestMain(m *testing.M) {
	if binary = os.Getenv(helper); binary != "" {
		os.Exit(m.Run())
	}
	code, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(code)
}

func buildAndRun(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "lambda")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "bootstrap")
	out, err := exec.Command(
		"go", "build", "-tags", "lambda.norpc", "-o", binary, "./testdata/function",
	).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("build the function: %w\n%s", err, out)
	}
	return m.Run(), nil
}

// cloud is a Service and what it has printed and counted.
type cloud struct {
	*lambda.Service
	t      testing.TB
	meter  *meter.Meter
	stderr *safeBuffer
}

// newCloud starts a Service. When the test ends it closes the Service and checks that no goroutine
// is left.
func newCloud(t testing.TB, change ...func(*lambda.Options)) *cloud {
	t.Helper()
	before := runtime.NumGoroutine()
	c := &cloud{t: t, meter: &meter.Meter{}, stderr: &safeBuffer{}}
	o := lambda.Options{
		Region: "us-east-1", Account: "000000000000", Meter: c.meter, Stderr: c.stderr,
		Now: func() time.Time { return time.Date(2026, 11, 24, 12, 30, 0, 0, time.UTC) },
	}
	for _, f := range change {
		f(&o)
	}
	c.Service = lambda.New(o)
	c.Start()
	t.Cleanup(func() {
		c.Close()
		c.Close() // may be called twice
		eventually(t, "goroutines to end", func() bool { return runtime.NumGoroutine() <= before })
	})
	return c
}

// counted returns how much of a unit was used by a function and operation.
func (c *cloud) counted(unit meter.Unit, by meter.By) (n float64) {
	for _, l := range c.meter.Lines() {
		if l.Unit == unit && l.Function == by.Function && l.Operation == by.Operation {
			n += l.N
		}
	}
	return n
}

// create adds a function named after its handler.
func (c *cloud) create(handler string, change ...func(*lambda.FunctionSpec)) {
	c.t.Helper()
	spec := lambda.FunctionSpec{
		FunctionName: handler,
		Handler:      handler,
		Runtime:      "provided.al2023",
		Binary:       binary,
		Timeout:      30,
	}
	for _, f := range change {
		f(&spec)
	}
	if err := c.Create(spec); err != nil {
		c.t.Fatal(err)
	}
}

// createCalling adds a function whose handler calls the gate.
func (c *cloud) createCalling(g *gate, handler string, change ...func(*lambda.FunctionSpec)) {
	c.t.Helper()
	c.create(handler, append(change, func(f *lambda.FunctionSpec) {
		f.Environment.Variables = map[string]string{"TEST_URL": g.URL}
	})...)
}

// invoke runs a function that is expected to succeed.
func (c *cloud) invoke(function, payload string) string {
	c.t.Helper()
	r, err := c.Invoke(c.t.Context(), function, []byte(payload))
	if err != nil || r.FunctionError != "" {
		c.t.Fatalf("%s failed: %v, %s, %s", function, err, r.FunctionError, r.Payload)
	}
	return string(r.Payload)
}

// invocation runs a function in the background.
func (c *cloud) invocation(ctx context.Context, function, payload string) <-chan outcome {
	done := make(chan outcome, 1)
	go func() {
		r, err := c.Invoke(ctx, function, []byte(payload))
		done <- outcome{string(r.Payload), r.FunctionError, err}
	}()
	return done
}

type outcome struct {
	payload, functionError string
	err                    error
}

// gate is a server that functions call. Each call waits until the test answers it.
type gate struct {
	*httptest.Server
	t     testing.TB
	calls chan call
}

// call is a call that waits for its answer.
type call struct {
	*http.Request
	body   string
	answer chan<- string
}

func newGate(t testing.TB) *gate {
	g, closed := &gate{t: t, calls: make(chan call)}, make(chan struct{})
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		_, _ = body.ReadFrom(r.Body)
		answer := make(chan string, 1)
		select {
		case g.calls <- call{r, body.String(), answer}:
		case <-closed:
			return
		}
		select {
		case text := <-answer:
			fmt.Fprint(w, text)
		case <-r.Context().Done():
		case <-closed:
		}
	}))
	t.Cleanup(func() {
		close(closed)
		g.CloseClientConnections()
		g.Close()
	})
	return g
}

// call waits for a function to call.
func (g *gate) call() call {
	g.t.Helper()
	select {
	case c := <-g.calls:
		return c
	case <-time.After(10 * time.Second):
		g.t.Fatal("no function calls")
		return call{}
	}
}

// input is the payload with which a function calls the gate.
func (g *gate) input() string { return fmt.Sprintf(`{"url":%q}`, g.URL) }

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// eventually waits until ok reports true, for things that happen in other processes or goroutines.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		if ok() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	buf := make([]byte, 1<<20)
	t.Errorf("still waiting for %s\n%s", what, buf[:runtime.Stack(buf, true)])
}

func contains(t testing.TB, what, got string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(got, want) {
			t.Errorf("%s has no %q:\n%s", what, want, got)
		}
	}
}
