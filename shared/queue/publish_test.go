package queue_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"hark/localstack/cloud/sqs"
	"hark/shared/pusher"
	"hark/shared/queue"
)

// trigger records what it is to publish, as app and body. It fails for apps that have an error.
type trigger struct {
	got  []string
	errs map[string]error
}

func (p *trigger) Trigger(_ context.Context, app string, body []byte) error {
	p.got = append(p.got, app+" "+string(body))
	return p.errs[app]
}

// refusedQueue is the refused queue in the local SQS engine.
type refusedQueue struct {
	*queue.Refused
	engine *sqs.Service
	down   bool // it answers 503
}

func newRefusedQueue(t *testing.T) *refusedQueue {
	t.Helper()
	r := &refusedQueue{}
	serve := func(w http.ResponseWriter, req *http.Request) {
		if r.down {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		r.engine.ServeHTTP(w, req)
	}
	server := httptest.NewServer(http.HandlerFunc(serve))
	t.Cleanup(server.Close)
	r.engine = sqs.New(sqs.Options{Region: "us-east-1", Account: account, Endpoint: server.URL})
	err := r.engine.Create(sqs.QueueSpec{QueueName: "refused.fifo", FifoQueue: true})
	if err != nil {
		t.Fatal(err)
	}
	r.Refused = &queue.Refused{
		Client: newClient(server.URL), URL: server.URL + "/" + account + "/refused.fifo",
	}
	return r
}

func (r *refusedQueue) all(t *testing.T) []sqs.Message {
	t.Helper()
	arn := "arn:aws:sqs:us-east-1:" + account + ":refused.fifo"
	got, err := r.engine.Receive(t.Context(), arn, 10, 0)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// consume handles messages m0, m1 and so on of one group with these bodies. It returns those that
// it gives back.
func (r *refusedQueue) consume(t *testing.T, p *trigger, bodies ...string) []string {
	t.Helper()
	var e events.SQSEvent
	for i, body := range bodies {
		e.Records = append(e.Records, received("m"+string(rune('0'+i)), "shop", body))
	}
	out, err := r.Consume(p, slog.New(slog.DiscardHandler))(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	var back []string
	for _, f := range out.BatchItemFailures {
		back = append(back, f.ItemIdentifier)
	}
	return back
}

func TestMessagesArePublishedInOrder(t *testing.T) {
	const (
		event         = `{"app_id":"shop","name":"e","data":"<b>","channel":"c"}`
		unknownFields = `{"app_id":"shop","detail-type":"sale","detail":{"app_id":"other"}}`
	)
	r, p := newRefusedQueue(t), &trigger{}
	back := r.consume(t, p,
		event,
		`{"version":"0","id":"1","detail-type":"hark.publish","source":"any",`+
			`"detail":{"app_id":"other","name":"f"}}`,
		unknownFields,
	)
	want := []string{
		"shop " + event, `other {"app_id":"other","name":"f"}`, "shop " + unknownFields,
	}
	if diff := cmp.Diff(want, p.got); diff != "" || len(back) > 0 || len(r.all(t)) > 0 {
		t.Errorf("given back: %v; published: %s", back, diff)
	}
}

func TestRefusedMessagesGoToTheRefusedQueueWithTheReason(t *testing.T) {
	r := newRefusedQueue(t)
	p := &trigger{
		errs: map[string]error{"shop": pusher.HTTPErrorf(413, "Too much\x00 for \"\xff\"")},
	}
	refused := []string{
		`{"app_id":"shop"}`, `{"name":"e"}`, `{"app_id":7}`, `{"app_id":null}`, `[]`, `{`,
		`{"detail-type":"hark.publish"}`, `{"detail-type":"hark.publish","detail":{"name":"e"}}`,
	}
	for range 2 { // a repeat, as after a crash before the message was deleted
		if back := r.consume(t, p, refused...); len(back) > 0 {
			t.Errorf("given back: %v", back)
		}
	}
	want := [][3]string{
		{refused[0], "413", "Too much� for \"�\""},
		{refused[1], "400", "The app_id field is required"},
		{refused[2], "400", "The app_id field must not be a JSON number"},
		{refused[3], "400", "The app_id field is required"},
		{refused[4], "400", "The message is not a JSON object"},
		{refused[5], "400", "The message is not a JSON object"},
		{refused[6], "400", "The message is not a JSON object"},
		{refused[7], "400", "The app_id field is required"},
	}
	var got [][3]string
	for _, m := range r.all(t) {
		a := m.MessageAttributes
		got = append(got, [3]string{m.Body, a["Status"].StringValue, a["Reason"].StringValue})
		if m.Attributes["MessageGroupId"] != "shop" {
			t.Errorf("%v", m.Attributes)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAMessageThatFailsIsGivenBackWithTheRestOfItsGroup(t *testing.T) {
	r, p := newRefusedQueue(t), &trigger{
		errs: map[string]error{"down": errors.New("the table is down")},
	}
	back := r.consume(t, p, `{"app_id":"a"}`, `{"app_id":"down"}`, `{"app_id":"b"}`)
	if want := []string{"m1", "m2"}; !slices.Equal(back, want) || len(p.got) != 2 {
		t.Errorf("given back: %v, published %v", back, p.got)
	}
}

func TestARefusedMessageIsGivenBackIfTheRefusedQueueFails(t *testing.T) {
	r, p := newRefusedQueue(t), &trigger{}
	r.down = true
	back := r.consume(t, p, `{`, `{"app_id":"a"}`)
	if !slices.Equal(back, []string{"m0", "m1"}) || len(p.got) > 0 {
		t.Errorf("given back: %v, published %v", back, p.got)
	}
}
