package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hark/localstack/e2e/wire"
)

const patience = 30 * time.Second // how long a test waits for an event that must come

// faultsAtStart kills the first process of connect after it has written the connection, and
// throttles the first frame.
const faultsAtStart = `{"seed":7,"faults":[
	{"do":"kill-after-write","function":"connect","count":1},
	{"do":"answer","service":"lambda","function":"message","status":429,"count":1}]}`

// The flag sets faults at the start and POST adds more later; DELETE ends them.
func TestFaultsStrikeTheRealStack(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds every function")
	}
	path := filepath.Join(t.TempDir(), "faults.json")
	if err := os.WriteFile(path, []byte(faultsAtStart), 0o600); err != nil {
		t.Fatal(err)
	}
	r, stop := start(t, "-faults", path, "-speed", "2")
	defer func() {
		if err := stop(); err != nil {
			t.Errorf("it ended with %v", err)
		}
	}()
	address := "/app/" + r.App.Key + "?protocol=7"
	_, err := wire.Dial(t.Context(), r.Listen, address)
	if err == nil || !strings.Contains(err.Error(), "502") {
		t.Errorf("the killed process answered %v", err)
	}
	client, err := wire.Dial(t.Context(), r.Listen, address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Drop() }() // fails: the cloud has closed the connection by then
	if _, err := client.Greeting(patience); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Internal server error", "pusher:pong"} {
		if got := ping(t, client); !strings.Contains(got, want) {
			t.Errorf("a ping is answered %s, want %s", got, want)
		}
	}
	wantHits(t, r, http.MethodGet, "", 1, 1)

	wantHits(t, r, http.MethodDelete, "")
	wantHits(t, r, http.MethodPost, `{"faults":[{"do":"lose-disconnect"},{"do":"cut"}]}`, 1, 1)
	var closed *wire.ClosedError
	if _, err := client.Message(patience); !errors.As(err, &closed) || closed.Code != 1001 {
		t.Errorf("the connection was closed with %v", err)
	}
}

// ping sends a ping and returns the answer.
func ping(t *testing.T, client *wire.Conn) string {
	t.Helper()
	if err := client.Send(`{"event":"pusher:ping","data":{}}`); err != nil {
		t.Fatal(err)
	}
	got, err := client.Message(patience)
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

// wantHits calls /_hark/faults and checks how often each fault in the answer has struck.
func wantHits(t *testing.T, r ready, method, body string, want ...int) {
	t.Helper()
	req, err := http.NewRequestWithContext(
		t.Context(), method, r.AWS+"/_hark/faults", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	status, answer := do(t, req)
	var list struct{ Faults []struct{ Hits int } }
	if err := json.Unmarshal([]byte(answer), &list); err != nil || status != http.StatusOK {
		t.Fatal(status, answer, err)
	}
	var got []int
	for _, f := range list.Faults {
		got = append(got, f.Hits)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: %s, want hits %v", method, answer, want)
	}
}
