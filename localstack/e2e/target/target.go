package target

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"hark/localstack/e2e/wire"
)

const (
	readyTimeout = 10 * time.Minute // a first start compiles every function and the SDK
	stopTimeout  = 20 * time.Second // functions may finish their invocations, in 10 s at most
)

// Options say where a deployment is, or how to start a local cloud. The zero value starts a local
// cloud.
type Options struct {
	// Getenv returns HARK_URL and its companions, or HARK_TEMPLATE: os.Getenv, or nil to ignore the
	// environment.
	Getenv func(string) string
	Log    io.Writer // for the local cloud's output, from two goroutines; nil discards it
	Flags  []string  // more flags for a local cloud

	// Template is the form of the stack that a local cloud runs. If it is empty, HARK_TEMPLATE
	// decides, and without that the local cloud's default.
	Template string
}

// Target is a running Hark. The fields that only a local cloud has are empty for a deployment.
type Target struct {
	URL    string // the client host
	APIURL string // the publish host
	App    wire.App

	AWS    string            // endpoint of the local cloud's AWS port
	Tables map[string]string // names, by logical id: Apps, State
	Queues map[string]string // URLs, by logical id: Broadcasts
	PID    int               // of the local cloud

	cmd  *exec.Cmd
	done chan error // what cmd.Wait returned
	dir  string     // holds the binary
}

// Local reports whether the target is a local cloud that Open has started.
func (t *Target) Local() bool { return t.cmd != nil }

// Open returns the deployment that the environment names. Without HARK_URL it builds the local
// cloud from the module around the working directory, starts it with the template that
// HARK_TEMPLATE names, if any, and waits until it is ready.
func Open(ctx context.Context, o Options) (*Target, error) {
	if o.Getenv == nil {
		o.Getenv = func(string) string { return "" }
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	url := o.Getenv("HARK_URL")
	template := o.Getenv("HARK_TEMPLATE")
	if url == "" {
		flags := o.Flags
		if form := cmp.Or(o.Template, template); form != "" {
			flags = append([]string{"-template", form}, flags...)
		}
		return start(ctx, o.Log, flags)
	}
	if template != "" {
		return nil, errors.New(
			"HARK_TEMPLATE is for a local cloud, and HARK_URL names a deployment",
		)
	}
	t := &Target{
		URL:    url,
		APIURL: o.Getenv("HARK_API_URL"),
		App: wire.App{
			ID: o.Getenv("HARK_APP_ID"), Key: o.Getenv("HARK_APP_KEY"),
			Secret: o.Getenv("HARK_APP_SECRET"),
		},
	}
	if t.APIURL == "" {
		t.APIURL = url
	}
	if t.App.ID == "" || t.App.Key == "" || t.App.Secret == "" {
		return nil, errors.New(
			"HARK_URL needs HARK_APP_ID, HARK_APP_KEY and HARK_APP_SECRET beside it",
		)
	}
	return t, nil
}

func start(ctx context.Context, log io.Writer, flags []string) (_ *Target, err error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return nil, err
	}
	t := &Target{done: make(chan error, 1)}
	if t.dir, err = os.MkdirTemp("", "hark-e2e-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(t.dir))
		}
	}()
	binary := filepath.Join(t.dir, "localstack")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./localstack")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build ./localstack: %w\n%s", err, out)
	}
	// Not CommandContext, which would kill it: Close sends it a signal, so that it can stop its
	// processes.
	t.cmd = exec.Command(binary,
		append([]string{"-listen", "127.0.0.1:0", "-aws", "127.0.0.1:0", "-json"}, flags...)...)
	t.cmd.Dir = root
	t.cmd.Stderr = log
	stdout, err := t.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := t.cmd.Start(); err != nil {
		return nil, err
	}
	if err := t.ready(ctx, stdout, log); err != nil {
		_ = t.cmd.Process.Kill() // fails if it has ended
		return nil, errors.Join(err, <-t.done)
	}
	return t, nil
}

// ready waits for the line in which the local cloud prints its addresses, and copies its later
// output to log.
func (t *Target) ready(ctx context.Context, stdout io.Reader, log io.Writer) error {
	var line struct {
		Listen, AWS    string
		App            wire.App
		Tables, Queues map[string]string
		PID            int
	}
	read := make(chan error, 1)
	go func() {
		dec := json.NewDecoder(stdout)
		read <- dec.Decode(&line)
		_, err := io.Copy(log, io.MultiReader(dec.Buffered(), stdout))
		t.done <- errors.Join(err, t.cmd.Wait())
	}()
	select {
	case err := <-read:
		if err != nil {
			return fmt.Errorf("local cloud: ready line: %w", err)
		}
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(readyTimeout):
		return fmt.Errorf("local cloud: not ready within %s", readyTimeout)
	}
	t.URL, t.APIURL, t.AWS = line.Listen, line.Listen, line.AWS
	t.App, t.Tables, t.Queues, t.PID = line.App, line.Tables, line.Queues, line.PID
	return nil
}

// Close stops a local cloud as Ctrl-C does. It fails if the cloud takes too long, had ended before,
// or leaves a process behind. It leaves a deployment alone.
func (t *Target) Close() error {
	if !t.Local() {
		return nil
	}
	defer os.RemoveAll(t.dir)
	children, err := Descendants(t.PID)
	if err != nil {
		return errors.Join(err, t.cmd.Process.Kill())
	}
	if err := t.cmd.Process.Signal(os.Interrupt); err != nil {
		return fmt.Errorf("local cloud ended too early: %w", <-t.done)
	}
	select {
	case err := <-t.done:
		if err != nil {
			return fmt.Errorf("local cloud: %w", err)
		}
	case <-time.After(stopTimeout):
		return errors.Join(fmt.Errorf("local cloud: still there %s after Ctrl-C", stopTimeout),
			t.cmd.Process.Kill())
	}
	var left []string
	for _, p := range children {
		if p.Alive() {
			left = append(left, p.String())
		}
	}
	if len(left) > 0 {
		return fmt.Errorf("local cloud: left behind: %s", strings.Join(left, ", "))
	}
	return nil
}

func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	return filepath.Dir(strings.TrimSpace(string(out))), nil
}
