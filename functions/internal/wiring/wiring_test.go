package wiring_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hark/functions/internal/wiring"
	"hark/shared/apigw"
	"hark/shared/config"
	"hark/shared/pusher"
)

// child is the variable that names the function as which this test program runs.
const child = "HARK_TEST_CHILD"

func TestMain(m *testing.M) {
	switch os.Getenv(child) {
	case "connect":
		wiring.Main(connect, config.CallbackURL)
	case "broken":
		wiring.Main(func(*wiring.Parts) (any, error) { return nil, errors.New("no such thing") })
	default:
		os.Exit(m.Run())
	}
}

// connect greets as functions/connect does, but reads no app.
func connect(p *wiring.Parts) (any, error) {
	gateway, err := p.Gateway(1)
	if err != nil {
		return nil, err
	}
	return apigw.Connect(greeter{gateway}, apigw.Handshakes{}, p.Log), nil
}

type greeter struct{ gateway *apigw.Gateway }

func (g greeter) Open(_ context.Context, h pusher.Handshake) (func(context.Context), error) {
	return func(ctx context.Context) {
		if err := g.gateway.Post(ctx, h.Connection, []byte("welcome")); err != nil {
			panic(err)
		}
	}, nil
}

// start returns the command that runs the child, with env and little else in its environment.
func start(t *testing.T, which string, env ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(env, child+"="+which, "GOCOVERDIR="+t.TempDir(),
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret")
	return cmd
}

func TestMainLogsWhyAFunctionCannotStart(t *testing.T) {
	for _, c := range []struct{ name, child, says string }{
		{"a variable is missing", "connect", config.CallbackURL},
		{"the handler cannot be made", "broken", "no such thing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := start(t, c.child).CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 1 {
				t.Errorf("ended with %v", err)
			}
			line := string(out)
			if strings.Count(line, "\n") != 1 ||
				!strings.Contains(line, "cannot start") || !strings.Contains(line, c.says) {
				t.Errorf("wrote %s, want one line that says %s", out, c.says)
			}
		})
	}
}

// runtime is Lambda's Runtime API for one invocation, and API Gateway's @connections. It records
// the order of requests.
type runtime struct {
	event []byte
	idle  chan struct{} // closed when the function asks for a second invocation

	mu   sync.Mutex
	seen []string
}

func (r *runtime) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	what := filepath.Base(req.URL.Path)
	r.mu.Lock()
	r.seen = append(r.seen, strings.TrimSpace(what+" "+string(body)))
	n := len(r.seen)
	r.mu.Unlock()
	switch {
	case what == "response":
		w.WriteHeader(http.StatusAccepted)
	case what == "next" && n > 1:
		close(r.idle)
		<-req.Context().Done()
	case what == "next":
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "request-1")
		deadline := time.Now().Add(time.Minute).UnixMilli()
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(deadline, 10))
		_, _ = w.Write(r.event)
	}
}

// API Gateway takes a post only after it has the answer to $connect (docs/aws.md §A2), and Lambda
// may freeze a process that has asked for its next invocation (docs/aws.md §B). So the greeting
// must be posted between the two.
func TestGreetingIsPostedBetweenTheAnswerAndTheNextInvocation(t *testing.T) {
	event, err := os.ReadFile(filepath.Join("..", "..", "..", "events", "connect.json"))
	if err != nil {
		t.Fatal(err)
	}
	r := &runtime{event: event, idle: make(chan struct{})}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	cmd := start(t, "connect",
		"AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(server.URL, "http://"),
		config.CallbackURL+"="+server.URL)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-r.idle:
		_ = cmd.Process.Kill()
		_ = (<-ended).Error() // it was killed
	case err := <-ended:
		t.Fatalf("the function ended: %v", err)
	}
	want := []string{"next", `response {"statusCode":200}`, "L0SM9cOFvHcCIhw= welcome", "next"}
	if !slices.Equal(r.seen, want) {
		t.Errorf("got %q, want %q", r.seen, want)
	}
}

func TestPartsUseTheNamesOfTheEnvironment(t *testing.T) {
	p := &wiring.Parts{Config: config.Config{
		AppsTable: "apps", StateTable: "state",
		BroadcastsQueue: "https://sqs/q.fifo", CallbackURL: "https://api/prod",
	}}
	if p.Apps().Table != "apps" || p.State().Table != "state" ||
		p.Broadcasts().URL != "https://sqs/q.fifo" {
		t.Error("a part has another name")
	}
	if p.Membership(nil, nil).Timeout != config.FunctionTimeout {
		t.Error("membership has another timeout")
	}
	if _, err := p.Gateway(1); err != nil {
		t.Error(err)
	}
	if m := p.Membership(nil, nil); m.Checks != nil || m.Webhooks != nil {
		t.Error("a stack without webhooks queues checks or webhook events")
	}
	p.Config.ChecksQueue, p.Config.DeliveriesQueue = "https://sqs/c.fifo", "https://sqs/d.fifo"
	p.Config.Bus = "Hark"
	if m := p.Membership(nil, nil); m.Checks == nil || m.Webhooks == nil {
		t.Error("a stack with webhooks queues no checks, or no webhook events")
	}
	if p.Deliveries().URL != "https://sqs/d.fifo" || p.Bus().Name != "Hark" {
		t.Error("a part of webhooks has another name")
	}
	p.Config.CallbackURL = ""
	if _, err := p.Gateway(1); err == nil {
		t.Error("a gateway without a URL")
	}
}
