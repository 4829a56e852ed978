package webhook_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"hark/localstack/cloud/sqs"
	"hark/shared/config"
	"hark/shared/internal/testkit"
	"hark/shared/pusher"
	"hark/shared/queue"
	"hark/shared/state"
	"hark/shared/webhook"
)

// post is the deliveries queue over HTTP, with the pollers of its mapping, on a clock that makes an
// hour of six seconds.
type post struct {
	*queue.Deliveries
	engine *sqs.Service

	mu     sync.Mutex
	hidden []int // seconds for which failed deliveries were hidden, in order
}

func newPost(t *testing.T) *post {
	t.Helper()
	p := &post{}
	handler := func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".ChangeMessageVisibility") {
			text, err := io.ReadAll(r.Body)
			var in struct{ VisibilityTimeout int }
			if err == nil && json.Unmarshal(text, &in) == nil {
				p.mu.Lock()
				p.hidden = append(p.hidden, in.VisibilityTimeout)
				p.mu.Unlock()
			}
			r.Body = io.NopCloser(strings.NewReader(string(text)))
		}
		p.engine.ServeHTTP(w, r)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(handler))
	endpoint := "http://" + server.Listener.Addr().String()
	p.engine = sqs.New(sqs.Options{
		Region: testkit.Region, Account: account, Endpoint: endpoint, Speed: 600,
	})
	for _, spec := range queues() {
		spec.VisibilityTimeout = aws.Int(3600) // six seconds: long enough for a slow machine
		must(t, p.engine.Create(spec))
	}
	server.Start()
	t.Cleanup(server.Close)
	client := awssqs.New(awssqs.Options{
		Region: testkit.Region, BaseEndpoint: &endpoint,
		Credentials: aws.CredentialsProviderFunc(testkit.Credentials),
	})
	p.Deliveries = &queue.Deliveries{
		Client: client, URL: endpoint + "/" + account + "/deliveries.fifo",
	}
	return p
}

// run has pollers hand over deliveries, one in each invocation, until the test ends or stop is
// called.
func (p *post) run(t *testing.T, d *webhook.Deliverer, pollers int) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	h := p.Consume(d, slog.New(slog.DiscardHandler))
	var all sync.WaitGroup
	for range pollers {
		all.Go(func() { feed(ctx, t, p.engine, "deliveries.fifo", 1, h) })
	}
	stop = sync.OnceFunc(func() { cancel(); all.Wait() })
	t.Cleanup(stop)
	return stop
}

// dead waits for so many dead letters and returns their deliveries.
func (p *post) dead(t *testing.T, n int) []state.Delivery {
	t.Helper()
	var dead []state.Delivery
	for len(dead) < n {
		messages, err := p.engine.Receive(t.Context(), arns+"dead.fifo", 10, 0)
		must(t, err)
		for _, m := range messages {
			var d state.Delivery
			must(t, json.Unmarshal([]byte(m.Body), &d))
			must(t, p.engine.Delete(t.Context(), arns+"dead.fifo", m.ReceiptHandle))
			dead = append(dead, d)
		}
	}
	return dead
}

func numbered(url string, ch pusher.Channel, n int) state.Delivery {
	event := pusher.WebhookEvent{Name: pusher.WebhookChannelOccupied, Channel: ch}
	return state.Delivery{App: "3", URL: url, At: int64(n), Event: event}
}

func TestRetriesEndWithTheDeadLetters(t *testing.T) {
	e := newEndpoint(t)
	e.status = http.StatusServiceUnavailable
	p := newPost(t)
	p.run(t, deliverer(pusher.Webhook{URL: e.URL}), 3)
	must(t, p.Send(t.Context(), numbered(e.URL, "a", 1)))
	dead := p.dead(t, 1)
	if dead[0].At != 1 || len(e.requests()) != config.DeliveryReceives {
		t.Errorf("136 %+v is dead after %d attempts", dead[0], len(e.requests()))
	}
	if want := []int{2, 5, 10, 20, 40, 80, 160, 0}; !slices.Equal(p.hidden, want) {
		t.Errorf("136 it was hidden for %d seconds, want %d", p.hidden, want)
	}
}

// An endpoint that comes back after some attempts gets every event, in the order of its channel.
func TestNothingIsLostWhileAnEndpointIsDown(t *testing.T) {
	p := newPost(t)
	const channels, each = 4, 5
	var mu sync.Mutex
	refused, got, all := map[string]int{}, map[string][]int{}, make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			TimeMs int `json:"time_ms"`
			Events []struct{ Channel string }
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || len(body.Events) != 1 {
			t.Errorf("130 body %+v, error %v", body, err)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		ch, sum := body.Events[0].Channel, 0
		if refused[ch]++; refused[ch] <= 6 { // some four minutes
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		got[ch] = append(got[ch], body.TimeMs)
		for _, numbers := range got {
			sum += len(numbers)
		}
		if sum == channels*each {
			close(all)
		}
	}))
	t.Cleanup(server.Close)
	var sent []state.Delivery
	for n := range each {
		for ch := range channels {
			sent = append(sent, numbered(server.URL, pusher.Channel(fmt.Sprint("c", ch)), n))
		}
	}
	must(t, p.Send(t.Context(), sent...))
	stop := p.run(t, deliverer(pusher.Webhook{URL: server.URL}), 5)
	<-all
	stop()
	for ch, numbers := range got {
		if !slices.Equal(numbers, []int{0, 1, 2, 3, 4}) {
			t.Errorf("of %s came %d", ch, numbers)
		}
	}
}

// The slow endpoint answers only when the other app has been sent everything. If the other app had
// to wait for it, the test would never end.
func TestSlowEndpointDelaysNoOtherApp(t *testing.T) {
	p := newPost(t)
	released, quick := make(chan struct{}), make(chan struct{}, 100)
	serve := func(answer http.HandlerFunc) *httptest.Server {
		server := httptest.NewServer(answer)
		t.Cleanup(server.Close)
		return server
	}
	slow := serve(func(http.ResponseWriter, *http.Request) { <-released })
	fast := serve(func(http.ResponseWriter, *http.Request) { quick <- struct{}{} })
	one, other := tenant(), tenant()
	one.Webhooks = []pusher.Webhook{{URL: slow.URL}}
	other.ID, other.Webhooks = "4", []pusher.Webhook{{URL: fast.URL}}
	d := deliverer(pusher.Webhook{})
	d.Apps, d.Patience = testkit.Apps{one, other}, config.FunctionTimeout
	for n := range 10 { // about the same channel: each app has an order of its own
		theirs := numbered(fast.URL, "a", n)
		theirs.App = "4"
		must(t, p.Send(t.Context(), numbered(slow.URL, "a", n), theirs))
	}
	p.run(t, d, 2)
	for range 10 {
		<-quick
	}
	close(released)
}
