package queue_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"hark/shared/pusher"
	"hark/shared/queue"
	"hark/shared/state"
)

// checker is a function as a queue.Checker, deliverer one as a queue.Teller.

type checker func(k state.Check) error

func (c checker) Check(_ context.Context, k state.Check) error { return c(k) }

type deliverer func(d state.Delivery) error

func (f deliverer) Deliver(_ context.Context, d state.Delivery) error { return f(d) }

func (deliverer) Delay(receives int) time.Duration { return time.Duration(receives) * time.Minute }

func TestChecks(t *testing.T) {
	l := newLine(t)
	c := &queue.Checks{Client: l.Client, URL: l.URL}
	for range 2 { // two equal ones are two: what is to be seen may have changed
		must(t, c.Check(t.Context(), "shop", "presence-a", "u"))
	}
	must(t, c.Check(t.Context(), "shop", "presence-a", ""))
	must(t, c.Missed(t.Context(), "shop", "presence-a"))
	must(t, c.Check(t.Context(), "shop", "presence-b", ""))
	must(t, c.Check(t.Context(), "shop2", "presence-a", ""))
	groups := map[string][]string{}
	for _, m := range l.all(t) {
		groups[m.Attributes["MessageGroupId"]] = append(groups[m.Attributes["MessageGroupId"]], m.Body)
	}
	var all []string
	for _, bodies := range groups {
		all = append(all, strings.Join(bodies, " "))
	}
	slices.Sort(all)
	want := []string{
		`{"app":"shop","channel":"presence-a","user":"u"} {"app":"shop","channel":"presence-a","user":"u"} ` +
			`{"app":"shop","channel":"presence-a"} {"app":"shop","channel":"presence-a","miss":true}`,
		`{"app":"shop","channel":"presence-b"}`, `{"app":"shop2","channel":"presence-a"}`,
	}
	if !slices.Equal(all, want) {
		t.Errorf("queued %q, want %q", all, want)
	}
}

// A check that comes again knows it, and those behind one that failed wait.
func TestConsumeChecks(t *testing.T) {
	var got []state.Check
	h := queue.ConsumeChecks(checker(func(k state.Check) error {
		got = append(got, k)
		if k.User == "fails" {
			return errors.New("broken")
		}
		return nil
	}), slog.New(slog.DiscardHandler))
	check := func(id, user, receives string) events.SQSMessage {
		return events.SQSMessage{
			MessageId: id, Body: `{"app":"shop","channel":"presence-a","user":"` + user + `"}`,
			Attributes: map[string]string{"MessageGroupId": "a", "ApproximateReceiveCount": receives},
		}
	}
	out, err := h(t.Context(), events.SQSEvent{Records: []events.SQSMessage{
		check("m1", "first", "1"), check("m2", "again", "2"), check("m3", "unknown", "x"), check("m4", "fails", "3"), check("m5", "waits", "1"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	for _, k := range got {
		seen = append(seen, fmt.Sprintf("%s %t", k.User, k.Again))
	}
	if !slices.Equal(seen, []string{"first false", "again true", "unknown false", "fails true"}) {
		t.Errorf("checked %q", seen)
	}
	want := []events.SQSBatchItemFailure{{ItemIdentifier: "m4"}, {ItemIdentifier: "m5"}}
	if !slices.Equal(out.BatchItemFailures, want) {
		t.Errorf("%v come back, want %v", out.BatchItemFailures, want)
	}
}

func delivery(app, url string, ch pusher.Channel) state.Delivery {
	return state.Delivery{App: app, URL: url, Event: pusher.WebhookEvent{Name: "cache_miss", Channel: ch}, At: 5}
}

// No group waits for another, and each app, endpoint and channel has one.
func TestDeliveries(t *testing.T) {
	l := newLine(t)
	d := &queue.Deliveries{Client: l.Client, URL: l.URL}
	sent := []state.Delivery{
		delivery("shop", "a", "c"), delivery("shop", "a", "d"), delivery("shop", "b", "c"), delivery("shop", "", "c"), delivery("shop2", "a", "c"),
	}
	must(t, d.Send(t.Context(), append(sent, sent...)...))
	if n := l.requests.Load(); n != 1 {
		t.Errorf("%d requests for 10 deliveries", n)
	}
	groups := map[string]int{}
	for _, m := range l.all(t) {
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

// What does not fit into one request goes into several, in order.
func TestSendLongMessages(t *testing.T) {
	l := newLine(t)
	d := &queue.Deliveries{Client: l.Client, URL: l.URL}
	data := strings.Repeat("x", 300<<10)
	var sent []state.Delivery
	for i := range 5 {
		x := delivery("shop", "a", "c")
		x.At, x.Event.Data = int64(i), &data
		sent = append(sent, x)
	}
	must(t, d.Send(t.Context(), sent...))
	if n := l.requests.Load(); n != 2 {
		t.Errorf("%d requests", n)
	}
	for i, m := range l.all(t) {
		var got state.Delivery
		must(t, json.Unmarshal([]byte(m.Body), &got))
		if got.At != int64(i) || len(*got.Event.Data) != len(data) {
			t.Errorf("message %d is %d, of %d bytes", i, got.At, len(*got.Event.Data))
		}
	}
}

// A delivery that failed is hidden for as long as its receives say, with all of its group and nothing else.
func TestConsumeDeliveries(t *testing.T) {
	l := newLine(t)
	d := &queue.Deliveries{Client: l.Client, URL: l.URL}
	must(t, d.Send(t.Context(), delivery("shop", "bad", "c"), delivery("shop", "bad", "c"), delivery("shop", "good", "c")))
	messages, err := l.engine.Receive(t.Context(), l.arn, 10, 0)
	must(t, err)
	var records []events.SQSMessage
	for _, m := range messages {
		records = append(records, events.SQSMessage{MessageId: m.ID, ReceiptHandle: m.ReceiptHandle, Body: m.Body, Attributes: m.Attributes})
	}
	var mu sync.Mutex // groups run side by side
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
	before := l.requests.Load()
	out, err := h(t.Context(), events.SQSEvent{Records: records})
	must(t, err)
	slices.Sort(got)
	if !slices.Equal(got, []string{"bad 1", "good 1"}) || len(out.BatchItemFailures) != 2 {
		t.Errorf("delivered %q, %v come back", got, out.BatchItemFailures)
	}
	if n := l.requests.Load() - before; n != 1 {
		t.Errorf("%d requests, want the one that hides", n)
	}
}

// Whoever cannot hide a delivery gives it back all the same.
func TestConsumeDeliveriesThatCannotBeHidden(t *testing.T) {
	l := newLine(t)
	d := &queue.Deliveries{Client: l.Client, URL: l.URL + "-of-another-name"}
	h := d.Consume(deliverer(func(state.Delivery) error { return errors.New("broken") }), slog.New(slog.DiscardHandler))
	out, err := h(t.Context(), events.SQSEvent{Records: []events.SQSMessage{{MessageId: "m", Body: `{"app":"shop"}`, ReceiptHandle: "r"}}})
	if err != nil || len(out.BatchItemFailures) != 1 {
		t.Errorf("%v come back, error %v", out.BatchItemFailures, err)
	}
}

// One function is fed by two queues, and tells them apart by the recorded events.
func TestRoute(t *testing.T) {
	var got []string
	h := queue.Route(map[string]queue.Handler{
		"https://sqs.us-east-1.amazonaws.com/000000000000/Hark-checks.fifo": queue.ConsumeChecks(checker(func(k state.Check) error {
			got = append(got, fmt.Sprintf("check %+v", k))
			return nil
		}), slog.New(slog.DiscardHandler)),
		"http://localhost:4566/000000000000/Hark-deliveries.fifo": (&queue.Deliveries{}).Consume(deliverer(func(d state.Delivery) error {
			got = append(got, fmt.Sprintf("delivery %+v", d))
			return nil
		}), slog.New(slog.DiscardHandler)),
	})
	for _, c := range []struct{ file, want string }{
		{"checks.json", "check {App:local Channel:news User: Missed:false Again:false}"},
		{
			"deliveries.json", "delivery {App:local URL:https://example.com/hook Event:{Name:channel_occupied Channel:news Event: Data:<nil> SocketID: UserID: " +
				"Count:<nil>} At:1795521603000 SocketID: Lasted:0 Receives:2}",
		},
	} {
		got = nil
		text, err := os.ReadFile(filepath.Join("..", "..", "events", c.file))
		must(t, err)
		out, err := lambda.NewHandler(h).Invoke(t.Context(), text)
		if err != nil || string(out) != `{"batchItemFailures":[]}` || !slices.Equal(got, []string{c.want}) {
			t.Errorf("%s: got %q, %s, %v", c.file, got, out, err)
		}
	}
	if out, err := h(t.Context(), events.SQSEvent{}); err != nil || out.BatchItemFailures == nil {
		t.Errorf("nothing: %v, %v", out, err)
	}
	if _, err := h(t.Context(), events.SQSEvent{Records: []events.SQSMessage{{EventSourceARN: "arn:aws:sqs:us-east-1:0:Other"}}}); err == nil {
		t.Error("a queue of somebody else is worked on")
	}
}

// FuzzDelivery has anything for a message: it is delivered as it is read, or dropped, and never comes again because of what it says.
func FuzzDelivery(f *testing.F) {
	for _, text := range []string{
		`{"app":"shop","url":"https://example.com","notice":{"name":"cache_miss","channel":"c"},"time_ms":5}`,
		`{"app":"shop","notice":{"name":"client_event","channel":"c","data":"","socket_id":"1.2"},"socket_id":"1.2","duration_ms":7}`,
		`{"Receives":9,"receives":9}`, `{"time_ms":1e99}`, `{"notice":7}`, `null`, `[]`, `"x"`, "", "{", "\xff",
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
			{MessageId: "m", Body: text, Attributes: map[string]string{"ApproximateReceiveCount": receives}},
		}})
		if err != nil || len(out.BatchItemFailures) != 0 || len(got) > 1 {
			t.Fatalf("%v come back, error %v, delivered %+v", out.BatchItemFailures, err, got)
		}
		if len(got) == 0 {
			if json.Unmarshal([]byte(text), new(state.Delivery)) == nil {
				t.Error("one that can be read is dropped")
			}
			return
		}
		if got[0].Receives < 1 {
			t.Errorf("handed out %d times", got[0].Receives)
		}
		again, err := json.Marshal(got[0]) // what is read is written as it was
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

// deref is a delivery with what it points to.
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

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
