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

// trigger notes what it is to publish: app and body. What is to go to an app with an error fails.
type trigger struct {
	got  []string
	errs map[string]error
}

func (g *trigger) Trigger(_ context.Context, app string, body []byte) error {
	g.got = append(g.got, app+" "+string(body))
	return g.errs[app]
}

// deadEnd is the queue of what is refused, and all that went there.
type deadEnd struct {
	*queue.Refused
	engine *sqs.Service
	down   bool
}

func newDeadEnd(t *testing.T) *deadEnd {
	t.Helper()
	d := &deadEnd{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.down {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		d.engine.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	d.engine = sqs.New(sqs.Options{Region: "us-east-1", Account: account, Endpoint: server.URL})
	if err := d.engine.Create(sqs.QueueSpec{QueueName: "dead.fifo", FifoQueue: true}); err != nil {
		t.Fatal(err)
	}
	d.Refused = &queue.Refused{Client: newClient(server.URL), URL: server.URL + "/" + account + "/dead.fifo"}
	return d
}

func (d *deadEnd) all(t *testing.T) []sqs.Message {
	t.Helper()
	got, err := d.engine.Receive(t.Context(), "arn:aws:sqs:us-east-1:"+account+":dead.fifo", 10, 0)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// consume hands the bodies over, as messages m0, m1 and so on of one group, and returns which of them must come again.
func (d *deadEnd) consume(t *testing.T, g *trigger, bodies ...string) []string {
	t.Helper()
	var e events.SQSEvent
	for i, body := range bodies {
		e.Records = append(e.Records, events.SQSMessage{
			MessageId: "m" + string(rune('0'+i)), Body: body, Attributes: map[string]string{"MessageGroupId": "shop"},
		})
	}
	out, err := d.Consume(g, slog.New(slog.DiscardHandler))(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	var again []string
	for _, f := range out.BatchItemFailures {
		again = append(again, f.ItemIdentifier)
	}
	return again
}

func TestMessagesArePublishedInTheirOrder(t *testing.T) {
	const event = `{"app_id":"shop","name":"e","data":"<b>","channel":"c"}`
	d, g := newDeadEnd(t), &trigger{}
	again := d.consume(t, g,
		event,
		`{"version":"0","id":"1","detail-type":"hark.publish","source":"any","detail":{"app_id":"other","name":"f"}}`,
		`{"app_id":"shop","detail-type":"sale","detail":{"app_id":"other"}}`, // an event of ours with fields that nobody knows
	)
	want := []string{
		"shop " + event, `other {"app_id":"other","name":"f"}`, `shop {"app_id":"shop","detail-type":"sale","detail":{"app_id":"other"}}`,
	}
	if diff := cmp.Diff(want, g.got); diff != "" || len(again) > 0 || len(d.all(t)) > 0 {
		t.Errorf("come again: %v; published: %s", again, diff)
	}
}

func TestWhatIsRefusedGoesToTheDeadLettersWithTheReason(t *testing.T) {
	d := newDeadEnd(t)
	g := &trigger{errs: map[string]error{"shop": pusher.HTTPErrorf(413, "Too much\x00 for \"\xff\"")}}
	refused := []string{
		`{"app_id":"shop"}`, `{"name":"e"}`, `{"app_id":7}`, `{"app_id":null}`, `[]`, `{`,
		`{"detail-type":"hark.publish"}`, `{"detail-type":"hark.publish","detail":{"name":"e"}}`,
	}
	for range 2 { // the second time as after a crash between sending and deleting
		if again := d.consume(t, g, refused...); len(again) > 0 {
			t.Errorf("come again: %v", again)
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
	for _, m := range d.all(t) {
		got = append(got, [3]string{m.Body, m.MessageAttributes["Status"].StringValue, m.MessageAttributes["Reason"].StringValue})
		if m.Attributes["MessageGroupId"] != "shop" {
			t.Errorf("%v", m.Attributes)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatFailsComesAgainBeforeTheRestOfItsGroup(t *testing.T) {
	d, g := newDeadEnd(t), &trigger{errs: map[string]error{"down": errors.New("the table is down")}}
	again := d.consume(t, g, `{"app_id":"a"}`, `{"app_id":"down"}`, `{"app_id":"b"}`)
	if want := []string{"m1", "m2"}; !slices.Equal(again, want) || len(g.got) != 2 {
		t.Errorf("come again: %v, published %v", again, g.got)
	}
}

func TestWhatCannotBeBuriedComesAgain(t *testing.T) {
	d, g := newDeadEnd(t), &trigger{}
	d.down = true
	if again := d.consume(t, g, `{`, `{"app_id":"a"}`); !slices.Equal(again, []string{"m0", "m1"}) || len(g.got) > 0 {
		t.Errorf("come again: %v, published %v", again, g.got)
	}
}
