package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"hark/localstack/e2e/target"
	"hark/localstack/e2e/wire"
)

// What becomes of notices while an endpoint is down: on clouds of their own, whose clock makes
// seconds of minutes of retries.

// retriesSpeed is how much faster retries come there.
const retriesSpeed = 20

// ownCloud has the test run against a cloud of its own, with webhooks, whose template was changed
// first. On its clock the delays between retries are so much shorter. Queues have their delay and
// their visibility timeout in front of functions and clients, which keep their pace: so these are
// made as much longer in the template.
func ownCloud(t *testing.T, speed int, change func(resources map[string]map[string]any)) {
	t.Helper()
	local(t)
	if os.Getenv("HARK_TEMPLATE") != "" {
		t.Skip("this is about the form with webhooks")
	}
	text, err := os.ReadFile(filepath.Join(
		"..", "..", "infra", "testdata", "webhooks.template.json",
	))
	if err != nil {
		t.Fatal(err)
	}
	var whole map[string]any
	resources := struct{ Resources map[string]map[string]any }{}
	for _, into := range []any{&whole, &resources} {
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range resources.Resources {
		properties, ok := r["Properties"].(map[string]any)
		if ok && r["Type"] == "AWS::SQS::Queue" {
			for _, name := range []string{"DelaySeconds", "VisibilityTimeout"} {
				if seconds, ok := properties[name].(float64); ok {
					properties[name] = seconds * float64(speed)
				}
			}
		}
	}
	if change != nil {
		change(resources.Resources)
	}
	whole["Resources"] = resources.Resources
	path := filepath.Join(t.TempDir(), "webhooks.template.json")
	if err := os.WriteFile(path, body(t, whole), 0o600); err != nil {
		t.Fatal(err)
	}
	shared := hark
	own, err := target.Open(t.Context(),
		target.Options{Template: path, Flags: []string{"-speed", fmt.Sprint(speed)}})
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

// redrives runs scripts/redrive on a queue of dead letters, and returns what it says.
func redrives(t *testing.T, queue string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join("..", "..", "scripts", "redrive"),
		hark.Queues[queue])
	cmd.Env = append(os.Environ(),
		"AWS_ENDPOINT_URL="+hark.AWS, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=admin", "AWS_SECRET_ACCESS_KEY=admin")
	var errors strings.Builder
	cmd.Stderr = &errors
	said, err := cmd.Output()
	if err != nil {
		t.Fatalf("scripts/redrive: %v: %s", err, errors.String())
	}
	return string(said)
}

// outage is an endpoint that is down for a time, from the first notice on that it does not take.
type outage struct {
	lasts time.Duration

	mu      sync.Mutex
	began   time.Time
	refused int
}

// answer is how the endpoint answers, if it does.
func (o *outage) answer(n webhookRequest) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.began.IsZero() {
		o.began = n.came
	}
	if n.came.Sub(o.began) >= o.lasts {
		return http.StatusOK
	}
	o.refused++
	if o.refused%2 == 0 {
		return 0
	}
	return http.StatusServiceUnavailable
}

func (o *outage) refusals() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.refused
}

// TestEndpointIsDownForFourMinutes: nothing is lost, and the order of each channel is kept. When a
// hundred clients reload their pages nothing is told of it, and when they leave for good, one
// notice says so.
func TestEndpointIsDownForFourMinutes(t *testing.T) {
	const clients, nRooms, events = 100, 4, 5
	const grace = 10 * time.Second // so that a hundred clients of a slow machine are back in time
	ownCloud(t, retriesSpeed, func(resources map[string]map[string]any) {
		checks := resources["Checks"]["Properties"].(map[string]any)
		checks["DelaySeconds"] = retriesSpeed * grace / time.Second
	})
	e := newEndpoint(t,
		item{"event_types": []string{"channel_occupied", "channel_vacated", "client_event"}})
	hark.App = appWithWebhooks(t, nil, e)
	lobby, all := reloadOfMany(t, e, clients, grace)

	var writers []client
	var occupied []string
	rooms := make([]string, nRooms)
	want := map[string][]string{lobby: {webhookEvent("channel_vacated", lobby)}}
	for i := range rooms {
		c, room := connect(t), unique("private-room-")
		c.join(room)
		writers, rooms[i], occupied = append(writers, c), room, append(occupied,
			webhookEvent("channel_occupied", room))
		for n := range events {
			want[room] = append(
				want[room],
				webhookEvent("client_event", room, "event", "client-n", "data", fmt.Sprint(n), "socket_id",
					c.SocketID),
			)
		}
	}
	e.receives(occupied...)
	down := &outage{lasts: 4 * time.Minute / retriesSpeed}
	e.answers(down.answer)
	closeAll(t, all)
	within(t, hookPatience, func() bool { return down.refusals() > 0 },
		"a notice that is not taken")
	for n := range events {
		before := sentByMessage(t)
		for i, c := range writers {
			c.whispers(rooms[i], "client-n", fmt.Sprint(n))
		}
		within(t, hookPatience, func() bool { return sentByMessage(t) == before+2*nRooms },
			"the acceptance of client events")
	}

	got := map[string][]string{}
	for _, n := range e.distinct(1 + nRooms*events) {
		var of struct{ Channel string }
		if err := json.Unmarshal(n.Events[0], &of); err != nil {
			t.Fatal(err)
		}
		got[of.Channel] = append(got[of.Channel], string(n.Events[0]))
	}
	for ch := range want {
		if !slices.Equal(got[ch], want[ch]) {
			t.Errorf("of %s the endpoint heard\n\t%s\nwant\n\t%s", ch,
				strings.Join(got[ch], "\n\t"), strings.Join(want[ch], "\n\t"))
		}
	}
	awaitChecks(t)
	e.receivesNothingMore()
	if n := waiting(t, "DeadDeliveries"); n != 0 {
		t.Errorf("%d notices are dead", n)
	}
	t.Logf("%d requests were refused", down.refusals())
}

// sentByMessage is how often clients' frames have had something queued: a client event does twice,
// first for the others and then for the app. Frames that do not wait for that have no order.
func sentByMessage(t *testing.T) int {
	t.Helper()
	return int(metered(t, "sqs.requests", "message", "SendMessageBatch"))
}

// reloadOfMany has n clients come to a channel and reload, of which the endpoint must hear nothing
// but that they have come. It returns them as they are afterwards, and the channel.
func reloadOfMany(
	t *testing.T, e *endpoint, n int, grace time.Duration,
) (channel string, all []*wire.Conn) {
	t.Helper()
	for range 5 {
		lobby := unique("lobby-")
		to := func(int) string { return lobby }
		all := crowd(t, n, to)
		e.receives(webhookEvent("channel_occupied", lobby))
		awaitChecks(t)
		began := time.Now()
		closeAll(t, all)
		within(t, hookPatience, func() bool { return vacant(t, hark.App, lobby) },
			"that somebody finds the channel empty")
		all = crowd(t, n, to)
		if away := time.Since(began); away >= grace {
			t.Logf("they were back after %s", away)
			closeAll(t, all)
			e.skipRest(t)
			continue
		}
		awaitChecks(t)
		e.receivesNothingMore()
		return lobby, all
	}
	t.Fatalf("they were never back within %s: this machine is too slow", grace)
	return "", nil
}

func closeAll(t *testing.T, all []*wire.Conn) {
	t.Helper()
	var g errgroup.Group
	g.SetLimit(atOnce)
	for _, c := range all {
		g.Go(c.Close)
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}

// forgets waits for what is to come, and does not look at it.
func (e *endpoint) skipRest(t *testing.T) {
	t.Helper()
	within(
		t, hookPatience,
		func() bool {
			return !disconnecting(t) && waiting(t, "Checks")+waiting(t, "Deliveries") == 0
		},
		"all notices",
	)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.read = len(e.all)
}
