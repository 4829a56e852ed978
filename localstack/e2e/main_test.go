package e2e_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"hark/localstack/e2e/target"
)

// patience is how long a test waits for what must come. It is no measurement: it leaves room for a
// cold start on a busy machine, and for a redelivery by the queue after 15 seconds.
const patience = 40 * time.Second

// calm is how long a test waits to see that nothing more comes, after something that was sent later
// has come.
const calm = 300 * time.Millisecond

// hark is what all tests of the package run against; TestMain opens it.
var hark *target.Target

var names atomic.Int64

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	log := io.Discard
	if testing.Verbose() {
		log = os.Stderr
	}
	var err error
	hark, err = target.Open(context.Background(), target.Options{Getenv: os.Getenv, Log: log})
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	code := m.Run()
	if err := hark.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	return code
}

// openOwn runs the test against a local cloud of its own.
func openOwn(t *testing.T, o target.Options) {
	t.Helper()
	shared := hark
	own, err := target.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	hark = own
	t.Cleanup(func() { // after the test's connections have been closed
		hark = shared
		if err := own.Close(); err != nil {
			t.Error(err)
		}
	})
}

// unique returns a name of a channel, a user or an app that no other test uses, not even one of
// another run against the same deployment.
func unique(prefix string) string {
	return fmt.Sprintf("%s%d-%d", prefix, time.Now().UnixMilli(), names.Add(1))
}

// local skips a test that needs a local cloud, because it reads tables or sets faults.
func local(t *testing.T) {
	t.Helper()
	if !hark.Local() {
		t.Skip("looks into the local cloud, and HARK_URL names a deployment")
	}
}

// eventually waits for a condition that must soon hold.
func eventually(t *testing.T, ok func() bool, what string) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}
