package queue_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"hark/shared/pusher"
	"hark/shared/queue"
	"hark/shared/state"
)

// deliverer is a function as a queue.Deliverer.
type deliverer func(d state.Delivery) error

func (f deliverer) Deliver(_ context.Context, d state.Delivery) error { return f(d) }

func (deliverer) Delay(receives int) time.Duration { return time.Duration(receives) * time.Minute }

func delivery(app, url string, ch pusher.Channel) state.Delivery {
	event := pusher.WebhookEvent{Name: "cache_miss", Channel: ch}
	return state.Delivery{App: app, URL: url, Event: event, At: 5}
}

// Each app, endpoint and channel has a group of its own, and no group waits for another.
func TestEachEndpointAndChannelHasAGroup(t *testing.T) {
	q := newQueue(t)
	d := &queue.Deliveries{Client: q.Client, URL: q.URL}
	sent := []state.Delivery{
		delivery("shop", "a", "c"), delivery("shop", "a", "d"), delivery("shop", "b", "c"),
		delivery("shop", "", "c"), delivery("shop2", "a", "c"),
	}
	must(t, d.Send(t.Context(), append(sent, sent...)...))
	if n := q.requests.Load(); n != 1 {
		t.Errorf("%d requests for 10 deliveries", n)
	}
	groups := map[string]int{}
	for _, m := range q.all(t) {
		groups[m.Attributes["MessageGroupId"]]++
		var got state.Delivery
		must(t, json.Unmarshal([]byte(m.Body), &got))
		if !slices.Contains(sent, got) {
			t.Errorf("queued %s", m.Body)
		}
	}
	if len(groups) != len(sent) {
		t.Errorf("%d groups for %d orders: %v", len(groups), len(sent), groups)
	}
	must(t, d.Send(t.Context())) // nothing
}

// Messages that do not fit into one request go into several, in order.
func TestLongMessagesAreSentInSeveralRequests(t *testing.T) {
	q := newQueue(t)
	d := &queue.Deliveries{Client: q.Client, URL: q.URL}
	data := strings.Repeat("x", 300<<10)
	var sent []state.Delivery
	for i := range 5 {
		x := delivery("shop", "a", "c")
		x.At, x.Event.Data = int64(i), &data
		sent = append(sent, x)
	}
	must(t, d.Send(t.Context(), sent...))
	if n := q.requests.Load(); n != 2 {
		t.Errorf("%d requests", n)
	}
	for i, m := range q.all(t) {
		var got state.Delivery
		must(t, json.Unmarshal([]byte(m.Body), &got))
		if got.At != int64(i) || len(*got.Event.Data) != len(data) {
			t.Errorf("message %d is %d, of %d bytes", i, got.At, len(*got.Event.Data))
		}
	}
}

// A delivery that fails is hidden with its group. Other groups are delivered.
func TestADeliveryThatFailsIsHidden(t *testing.T) {
	q := newQueue(t)
	d := &queue.Deliveries{Client: q.Client, URL: q.URL}
	must(t, d.Send(t.Context(),
		delivery("shop", "bad", "c"), delivery("shop", "bad", "c"), delivery("shop", "good", "c")))
	messages, err := q.engine.Receive(t.Context(), q.arn, 10, 0)
	must(t, err)
	var records []events.SQSMessage
	for _, m := range messages {
		records = append(records, events.SQSMessage{
			MessageId: m.ID, ReceiptHandle: m.ReceiptHandle, Body: m.Body, Attributes: m.Attributes,
		})
	}
	var mu sync.Mutex // groups run at the same time
	var got []string
	h := d.Consume(deliverer(func(x state.Delivery) error {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, fmt.Sprint(x.URL, " ", x.Receives))
		if x.URL == "bad" {
			return errors.New("broken")
		}
		return nil
	}), slog.New(slog.DiscardHandler))
	before := q.requests.Load()
	out, err := h(t.Context(), events.SQSEvent{Records: records})
	must(t, err)
	slices.Sort(got)
	if !slices.Equal(got, []string{"bad 1", "good 1"}) || len(out.BatchItemFailures) != 2 {
		t.Errorf("delivered %q, %v are given back", got, out.BatchItemFailures)
	}
	if n := q.requests.Load() - before; n != 1 {
		t.Errorf("%d requests, want the one that hides", n)
	}
}

func TestADeliveryThatCannotBeHiddenIsGivenBack(t *testing.T) {
	q := newQueue(t)
	d := &queue.Deliveries{Client: q.Client, URL: q.URL + "-of-another-name"}
	broken := func(state.Delivery) error { return errors.New("broken") }
	h := d.Consume(deliverer(broken), slog.New(slog.DiscardHandler))
	out, err := h(t.Context(), events.SQSEvent{Records: []events.SQSMessage{
		{MessageId: "m", Body: `{"app":"shop"}`, ReceiptHandle: "r"},
	}})
	if err != nil || len(out.BatchItemFailures) != 1 {
		t.Errorf("%v are given back, error %v", out.BatchItemFailures, err)
	}
}

// FuzzDelivery handles messages with any text. Each is delivered as it is read or dropped, and none
// is given back because of its text.
func FuzzDelivery(f *testing.F) {
	for _, text := range []string{
		`{"app":"shop","url":"https://example.com",` +
			`"notice":{"name":"cache_miss","channel":"c"},"time_ms":5}`,
		`{"app":"shop",` +
			`"notice":{"name":"client_event","channel":"c","data":"","socket_id":"1.2"},` +
			`"socket_id":"1.2","duration_ms":7}`,
		`{"Receives":9,"receives":9}`, `{"time_ms":1e99}`, `{"notice":7}`,
		`null`, `[]`, `"x"`, "", "{", "\xff",
	} {
		f.Add(text, "1")
	}
	f.Fuzz(func(t *testing.T, text, receives string) {
		var got []state.Delivery
		h := (&queue.Deliveries{}).Consume(deliverer(func(d state.Delivery) error {
			got = append(got, d)
			return nil
		}), slog.New(slog.DiscardHandler))
		out, err := h(t.Context(), events.SQSEvent{Records: []events.SQSMessage{
			{MessageId: "m", Body: text, Attributes: map[string]string{
				"ApproximateReceiveCount": receives,
			}},
		}})
		if err != nil || len(out.BatchItemFailures) != 0 || len(got) > 1 {
			t.Fatalf("%v are given back, error %v, delivered %+v", out.BatchItemFailures, err, got)
		}
		if len(got) == 0 {
			if json.Unmarshal([]byte(text), new(state.Delivery)) == nil {
				t.Error("one that can be read is dropped")
			}
			return
		}
		if got[0].Receives < 1 {
			t.Errorf("received %d times", got[0].Receives)
		}
		again, err := json.Marshal(got[0])
		if err != nil {
			t.Fatal(err)
		}
		var same state.Delivery
		must(t, json.Unmarshal(again, &same))
		same.Receives = got[0].Receives
		if fmt.Sprintf("%+v", deref(same)) != fmt.Sprintf("%+v", deref(got[0])) {
			t.Errorf("read %+v, written %s", got[0], again)
		}
	})
}

// deref returns a delivery and the values to which it points.
func deref(d state.Delivery) []any {
	all := []any{"", 0}
	if d.Event.Data != nil {
		all[0] = *d.Event.Data
	}
	if d.Event.Count != nil {
		all[1] = *d.Event.Count
	}
	d.Event.Data, d.Event.Count = nil, nil
	return append(all, d)
}
