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

// What happens to webhook events while an endpoint is down. These tests run on local clouds of
// their own whose clock runs faster, so that minutes of retries pass in seconds.

// retriesSpeed is how much faster the clock of those local clouds runs.
const retriesSpeed = 20

// ownCloud runs the test against a local cloud of its own, with webhooks and a changed template.
// Its clock runs faster, which shortens the delays between retries. The delays and visibility
// timeouts of queues are made longer by the same factor in the template, because functions and
// clients keep their pace.
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
	openOwn(t, target.Options{Template: path, Flags: []string{"-speed", fmt.Sprint(speed)}})
}

// redrives runs scripts/redrive on a queue of dead letters and returns its output.
func redrives(t *testing.T, queue string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join("..", "..", "scripts", "redrive"),
		hark.Queues[queue])
	cmd.Env = append(os.Environ(),
		"AWS_ENDPOINT_URL="+hark.AWS, "AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=admin", "AWS_SECRET_ACCESS_KEY=admin")
	var errors strings.Builder
	cmd.Stderr = &errors
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("scripts/redrive: %v: %s", err, errors.String())
	}
	return string(output)
}

// outage is an endpoint that is down for some time, beginning with the first request.
type outage struct {
	lasts time.Duration

	mu      sync.Mutex
	began   time.Time
	refused int
}

// answer returns the status of an answer, or 0 for no answer.
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

// While an endpoint is down for four minutes, no event is lost, and the order of each channel's
// events is kept. When a hundred clients reload their pages no event is sent; when they leave for
// good, one channel_vacated is sent.
func TestAnEndpointMayBeDownForFourMinutes(t *testing.T) {
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
				webhookEvent("client_event", room, "event", "client-n", "data", fmt.Sprint(n),
					"socket_id",
					c.SocketID),
			)
		}
	}
	e.receives(occupied...)
	down := &outage{lasts: 4 * time.Minute / retriesSpeed}
	e.answers(down.answer)
	closeAll(t, all)
	within(t, hookPatience, func() bool { return down.refusals() > 0 },
		"a refused request")
	for n := range events {
		before := sentByMessage(t)
		for i, c := range writers {
			c.whispers(rooms[i], "client-n", fmt.Sprint(n))
		}
		within(t, hookPatience, func() bool { return sentByMessage(t) == before+2*nRooms },
			"the acceptance of the client events")
	}

	got := e.byChannel(1 + nRooms*events)
	for ch := range want {
		if !slices.Equal(got[ch], want[ch]) {
			t.Errorf("of %s the endpoint got\n\t%s\nwant\n\t%s", ch,
				strings.Join(got[ch], "\n\t"), strings.Join(want[ch], "\n\t"))
		}
	}
	awaitChecks(t)
	e.receivesNothingMore()
	if n := waiting(t, "DeadDeliveries"); n != 0 {
		t.Errorf("%d events are dead letters", n)
	}
	t.Logf("%d requests were refused", down.refusals())
}

// byChannel reads that many events and returns them by channel, in the order in which they came.
func (e *endpoint) byChannel(count int) map[string][]string {
	e.t.Helper()
	got := map[string][]string{}
	for _, n := range e.distinct(count) {
		var of struct{ Channel string }
		if err := json.Unmarshal(n.Events[0], &of); err != nil {
			e.t.Fatal(err)
		}
		got[of.Channel] = append(got[of.Channel], string(n.Events[0]))
	}
	return got
}

// sentByMessage is how often frames of clients have sent a batch to a queue. A client event sends
// two: one to its channel, then one to the app's webhooks. Frames that do not wait for that have no
// order.
func sentByMessage(t *testing.T) int {
	t.Helper()
	return int(metered(t, "sqs.requests", "message", "SendMessageBatch"))
}

// reloadOfMany makes n clients join a channel and reload, for which the endpoint must get only the
// channel_occupied of their first join. It returns the connections after the reload, and the
// channel.
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
			"the channel to be found empty")
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

// skipRest waits for all requests that are still to come, and ignores them.
func (e *endpoint) skipRest(t *testing.T) {
	t.Helper()
	within(
		t, hookPatience,
		func() bool {
			return !disconnecting(t) && waiting(t, "Checks")+waiting(t, "Deliveries") == 0
		},
		"all deliveries",
	)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.read = len(e.all)
}
