package webhook_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	official "github.com/pusher/pusher-http-go/v5"

	"hark/shared/config"
	"hark/shared/internal/testkit"
	"hark/shared/pusher"
	"hark/shared/state"
	"hark/shared/webhook"
)

// endpoint is an app's own server. It answers with a status and keeps the requests.
type endpoint struct {
	*httptest.Server
	status int

	mu  sync.Mutex
	got []request
}

type request struct {
	header http.Header
	body   string
	path   string
}

func newEndpoint(t *testing.T) *endpoint {
	t.Helper()
	e := &endpoint{status: http.StatusOK}
	e.Server = httptest.NewServer(e)
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.got = append(e.got, request{r.Header, string(text), r.URL.RequestURI()})
	if e.status/100 == 3 {
		w.Header().Set("Location", "/elsewhere")
	}
	w.WriteHeader(e.status)
}

func (e *endpoint) requests() []request {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.got)
}

// deliverer delivers for tenant, whose one webhook is as given.
func deliverer(hook pusher.Webhook) *webhook.Deliverer {
	app := tenant()
	app.Webhooks = []pusher.Webhook{hook}
	return &webhook.Deliverer{
		Apps: testkit.Apps{app}, Client: webhook.NewClient(true), Attempts: config.DeliveryReceives,
		Log: slog.New(slog.DiscardHandler),
	}
}

func occupied(url string) state.Delivery {
	return state.Delivery{
		App: "3", URL: url, At: 1_327_078_148_132, Receives: 1,
		Event: pusher.WebhookEvent{Name: pusher.WebhookChannelOccupied, Channel: "my-channel"},
	}
}

func TestRequestOfADelivery(t *testing.T) {
	e := newEndpoint(t)
	url := e.URL + "/hook?a=1&b=2"
	d := deliverer(pusher.Webhook{URL: url, Headers: map[string]string{
		"X-Token": "t", "user-agent": "theirs", "content-type": "text/plain",
		"X-Pusher-Key": "no", "x-pusher-signature": "no", "Host": "no",
	}})
	must(t, d.Deliver(t.Context(), occupied(url)))
	got := e.requests()
	if len(got) != 1 {
		t.Fatalf("%d requests", len(got))
	}
	r := got[0]
	t.Run("129 and 130 the vector of the protocol", func(t *testing.T) {
		want := `{"time_ms":1327078148132,` +
			`"events":[{"name":"channel_occupied","channel":"my-channel"}]}`
		if r.body != want {
			t.Errorf("body %s, want %s", r.body, want)
		}
		const signature = "c19001ae3963ccb13bf618e5b16ba9848e7e74df0993aa0689168e341c6833cf"
		for name, want := range map[string]string{
			"Content-Type": "application/json", "X-Token": "t", "User-Agent": "theirs",
			"X-Pusher-Key":       "278d425bdf160c739803",
			"X-Pusher-Signature": signature,
		} {
			if diff := cmp.Diff([]string{want}, r.header.Values(name)); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
		if r.path != "/hook?a=1&b=2" {
			t.Errorf("posted to %s", r.path)
		}
	})
	t.Run("129 an official SDK takes it", func(t *testing.T) {
		client := official.Client{Key: tenant().Key, Secret: tenant().Secret}
		hook, err := client.Webhook(r.header, []byte(r.body))
		if err != nil || len(hook.Events) != 1 {
			t.Fatalf("%+v, error %v", hook, err)
		}
		if hook.TimeMs != 1_327_078_148_132 || hook.Events[0].Name != "channel_occupied" {
			t.Errorf("%+v", hook)
		}
	})
}

// Each webhook event as an official SDK reads it: all its fields are strings (docs/protocol.md
// §6.1).
func TestWebhookEventsAsTheSDKReadsThem(t *testing.T) {
	data, seven := `<{"a":1}>`, 7
	for _, c := range []struct {
		name  string
		event pusher.WebhookEvent
		want  string
	}{
		{
			"133 a member",
			pusher.WebhookEvent{Name: "member_added", Channel: "presence-a", UserID: "7"},
			`{"name":"member_added","channel":"presence-a","user_id":"7"}`,
		},
		{
			"134 a client event",
			pusher.WebhookEvent{
				Name: "client_event", Channel: "presence-a", Event: "client-a", Data: &data,
				SocketID: "1.2", UserID: "7",
			},
			`{"name":"client_event","channel":"presence-a","event":"client-a",` +
				`"data":"<{\"a\":1}>","socket_id":"1.2","user_id":"7"}`,
		},
		{
			"135 a cache miss",
			pusher.WebhookEvent{Name: "cache_miss", Channel: "cache-a"},
			`{"name":"cache_miss","channel":"cache-a"}`,
		},
		{
			"a count",
			pusher.WebhookEvent{Name: "subscription_count", Channel: "a", Count: &seven},
			`{"name":"subscription_count","channel":"a","subscription_count":7}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := newEndpoint(t)
			d := occupied(e.URL)
			d.Event, d.SocketID, d.Lasted = c.event, "3.4", 5 // only the bus is sent these two
			must(t, deliverer(pusher.Webhook{URL: e.URL}).Deliver(t.Context(), d))
			r := e.requests()[0]
			if want := `{"time_ms":1327078148132,"events":[` + c.want + `]}`; r.body != want {
				t.Errorf("body %s\nwant %s", r.body, want)
			}
			client := official.Client{Key: tenant().Key, Secret: tenant().Secret}
			hook, err := client.Webhook(r.header, []byte(r.body))
			if err != nil || hook.Events[0].UserID != c.event.UserID {
				t.Errorf("%+v, error %v", hook, err)
			}
		})
	}
}

func TestDeliveryIsRepeatedUnlessItIsAnswered2xx(t *testing.T) {
	for status, received := range map[int]bool{
		200: true, 201: true, 204: true, 299: true,
		301: false, 302: false, 307: false, 308: false,
		400: false, 404: false, 410: false, 429: false, 500: false, 503: false,
	} {
		e := newEndpoint(t)
		e.status = status
		err := deliverer(pusher.Webhook{URL: e.URL}).Deliver(t.Context(), occupied(e.URL))
		if (err == nil) != received {
			t.Errorf("136 %d: error %v", status, err)
		}
		if n := len(e.requests()); n != 1 {
			t.Errorf("%d: %d requests, a redirect was followed", status, n)
		}
	}
}

// What an app has changed since the webhook event was queued holds.
func TestWebhookEventsThatAreNotWantedAnyMoreAreNotPosted(t *testing.T) {
	e := newEndpoint(t)
	for name, d := range map[string]*webhook.Deliverer{
		"137 the webhook wants other events now": deliverer(pusher.Webhook{
			URL: e.URL, Events: []string{pusher.WebhookChannelVacated},
		}),
		"137 the webhook wants other channels now": deliverer(pusher.Webhook{
			URL: e.URL, Prefix: "private-",
		}),
		"there is another webhook now": deliverer(pusher.Webhook{URL: e.URL + "/other"}),
		"there is no such app": {
			Apps: testkit.Apps{}, Client: webhook.NewClient(true),
			Log: slog.New(slog.DiscardHandler),
		},
	} {
		err := d.Deliver(t.Context(), occupied(e.URL))
		if err != nil || len(e.requests()) != 0 {
			t.Errorf("%s: error %v, %d requests", name, err, len(e.requests()))
		}
	}
}

// Errors and the log show neither secrets nor URLs, in which many hide one.
func TestErrorsAndLogHoldNoSecret(t *testing.T) {
	e := newEndpoint(t)
	e.status = 500
	gone := newEndpoint(t)
	gone.Close()
	for _, base := range []string{
		e.URL, gone.URL, "http://localhost:0", "http://no.such.host.invalid",
	} {
		url := base + "/?token=hidden"
		var log bytes.Buffer
		d := deliverer(pusher.Webhook{URL: url, Headers: map[string]string{"X-Token": "hidden"}})
		d.Log = slog.New(slog.NewTextHandler(&log, nil))
		err := d.Deliver(t.Context(), occupied(url))
		if err == nil {
			t.Fatal("the delivery succeeded")
		}
		secret := strings.Contains(err.Error(), tenant().Secret)
		if secret || strings.Contains(err.Error()+log.String(), "hidden") {
			t.Errorf("error %v, log %s", err, log.String())
		}
	}
}

func TestDelaysGrowAndGoOnForFiveMinutes(t *testing.T) {
	d := &webhook.Deliverer{Attempts: config.DeliveryReceives}
	var total, last time.Duration
	for n := 1; n < d.Attempts; n++ {
		if d.Delay(n) <= last {
			t.Errorf("136 the delay after %d attempts is %s, before it %s", n, d.Delay(n), last)
		}
		last = d.Delay(n)
		total += last
	}
	if total < 5*time.Minute || total > 6*time.Minute {
		t.Errorf("136 retries go on for %s, want five minutes", total)
	}
	if d.Delay(d.Attempts) != 0 || d.Delay(0) != 0 || d.Delay(100) != 0 {
		t.Error("a delivery that goes to the dead letters waits")
	}
	many := &webhook.Deliverer{Attempts: 1000}
	if delay := many.Delay(999); delay <= 0 || delay > time.Hour {
		t.Errorf("a delay of %s", delay)
	}
}

func TestFormOfDeliveriesInTheQueue(t *testing.T) {
	text, err := json.Marshal(occupied("https://example.com"))
	want := `{"app":"3","url":"https://example.com",` +
		`"notice":{"name":"channel_occupied","channel":"my-channel"},"time_ms":1327078148132}`
	if err != nil || string(text) != want {
		t.Errorf("%s, error %v, want %s", text, err, want)
	}
}

// roundTripper is a server without a network: done is closed when the client has given up.
type roundTripper func(done <-chan struct{}) int

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	status := f(r.Context().Done())
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Body: http.NoBody, Request: r}, nil
}
