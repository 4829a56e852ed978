package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	pusher "github.com/pusher/pusher-http-go/v5"

	"hark/localstack/e2e/wire"
)

// Helpers for the tests of webhooks: the endpoint of an app's own server.

// hookPatience is how long a test waits for a webhook event: checks wait for three seconds, and a
// failed delivery waits longer.
const hookPatience = 4 * patience

// webhookRequest is a request that an endpoint got.
type webhookRequest struct {
	header http.Header
	body   []byte
	came   time.Time
	At     int64             `json:"time_ms"`
	Events []json.RawMessage `json:"events"`
}

// endpoint is the server behind a webhook of an app. It is closed when the test ends.
type endpoint struct {
	*httptest.Server
	t          *testing.T
	app        wire.App
	attributes item // of the webhook, besides its url

	mu     sync.Mutex
	answer func(webhookRequest) int // returns a status, 0 for no answer; nil: always 200
	all    []webhookRequest         // that were answered with 2xx
	read   int                      // how many of them the test has read
}

// newEndpoint starts an endpoint whose webhook has the given attributes besides its url.
func newEndpoint(t *testing.T, attributes item) *endpoint {
	t.Helper()
	e := &endpoint{t: t, attributes: attributes}
	e.Server = httptest.NewServer(http.HandlerFunc(e.serve))
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) serve(w http.ResponseWriter, r *http.Request) {
	n := webhookRequest{header: r.Header, came: time.Now()}
	var err error
	if n.body, err = io.ReadAll(r.Body); err != nil {
		return // the sender has given up
	}
	_ = json.Unmarshal(n.body, &n) // check reports a body without events
	e.mu.Lock()
	answer := e.answer
	e.mu.Unlock()
	status := http.StatusOK
	if answer != nil {
		status = answer(n)
	}
	if status == 0 {
		panic(http.ErrAbortHandler) // the connection ends without an answer
	}
	// An ended context means that the sender has given up and will try again.
	if status/100 == 2 && r.Context().Err() == nil {
		e.mu.Lock()
		e.all = append(e.all, n)
		e.mu.Unlock()
	}
	w.WriteHeader(status)
}

// answers sets how the endpoint answers from now on; with 200 if f is nil.
func (e *endpoint) answers(f func(webhookRequest) int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answer = f
}

// appWithWebhooks returns a new app that has a webhook for each of the endpoints. The webhooks are
// removed when the test ends, so that the stack does not retry for minutes.
func appWithWebhooks(t *testing.T, settings item, endpoints ...*endpoint) wire.App {
	t.Helper()
	if hark.Local() && hark.Queues["Checks"] == "" {
		t.Skip("this form of the stack has no webhooks")
	}
	var hooks []any
	for _, e := range endpoints {
		hook := item{"url": e.URL + "/hook"}
		maps.Copy(hook, e.attributes)
		hooks = append(hooks, map[string]any(hook))
	}
	all := maps.Clone(settings)
	if all == nil {
		all = item{}
	}
	all["webhooks"] = hooks
	app := newApp(t, all)
	for _, e := range endpoints {
		e.app = app
	}
	db, table := tables(), hark.Tables["Apps"]
	silent := item{
		"pk": "app#" + app.ID, "id": app.ID, "key": app.Key, "secret": app.Secret,
	}.attributes(t)
	t.Cleanup(func() {
		in := &dynamodb.PutItemInput{TableName: &table, Item: silent}
		if _, err := db.PutItem(context.WithoutCancel(t.Context()), in); err != nil {
			t.Error(err)
		}
	})
	return app
}

// next returns the next request, after the checks that a receiver may make.
func (e *endpoint) next() webhookRequest {
	e.t.Helper()
	for end := time.Now().Add(hookPatience); time.Now().Before(end); {
		if unread := e.unread(); len(unread) > 0 {
			e.mu.Lock()
			e.read++
			e.mu.Unlock()
			e.check(unread[0])
			return unread[0]
		}
		time.Sleep(10 * time.Millisecond)
	}
	e.t.Fatalf("the endpoint got nothing within %s", hookPatience)
	return webhookRequest{}
}

func (e *endpoint) unread() []webhookRequest {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.all[e.read:])
}

// check checks a request as Pusher's SDKs do: the official one for Go must accept it as the app's.
func (e *endpoint) check(n webhookRequest) {
	e.t.Helper()
	if got := n.header["Content-Type"]; !slices.Equal(got, []string{"application/json"}) {
		e.t.Errorf("129 Content-Type %q", got)
	}
	if len(n.Events) != 1 {
		e.t.Fatalf("130 %d events in %s", len(n.Events), n.body)
	}
	client := pusher.Client{Key: e.app.Key, Secret: e.app.Secret}
	hook, err := client.Webhook(n.header, n.body)
	if err != nil || hook == nil || len(hook.Events) != 1 || hook.Events[0].Name == "" ||
		hook.Events[0].Channel == "" {
		e.t.Errorf("129 pusher-http-go reads %s as %+v (%v)", n.body, hook, err)
	}
}

// receives reads as many events and fails unless they are these, in any order. The order of one
// channel's events has tests of its own.
func (e *endpoint) receives(want ...string) {
	e.t.Helper()
	var got []string
	for range want {
		got = append(got, string(e.next().Events[0]))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		e.t.Errorf("the endpoint got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"),
			strings.Join(want, "\n\t"))
	}
}

// distinct reads that many requests. It skips duplicates, which are sent if an answer was late.
func (e *endpoint) distinct(count int) (all []webhookRequest) {
	e.t.Helper()
	seen := map[string]bool{}
	for len(all) < count {
		n := e.next()
		if seen[string(n.body)] {
			e.t.Logf("twice: %s", n.body)
			continue
		}
		seen[string(n.body)] = true
		all = append(all, n)
	}
	return all
}

// receivesNothingMore fails if there is a request that the test has not read.
func (e *endpoint) receivesNothingMore() {
	e.t.Helper()
	time.Sleep(calm)
	for _, n := range e.unread() {
		e.t.Errorf("the endpoint got %s", n.body)
	}
}

// webhookEvent is the JSON of a webhook event with a name, a channel, and more fields as name,
// value, name, value.
func webhookEvent(name, channel string, more ...string) string {
	var b bytes.Buffer
	b.WriteString(`{"name":` + strconv.Quote(name) + `,"channel":` + strconv.Quote(channel))
	for i := 0; i < len(more); i += 2 {
		b.WriteString(`,` + strconv.Quote(more[i]) + `:` + strconv.Quote(more[i+1]))
	}
	return b.String() + "}"
}

// awaitChecks waits until every check that is queued has been made.
func awaitChecks(t *testing.T) {
	t.Helper()
	within(t, hookPatience, func() bool { return waiting(t, "Checks") == 0 },
		"the end of all checks")
}

// vacant reports whether the channel was found empty, so that a check is queued (docs/steps.md
// §3.4).
func vacant(t *testing.T, app wire.App, channel string) bool {
	t.Helper()
	for shard := range 8 {
		if it, ok := find(t, fmt.Sprintf("app#%s#%d", app.ID, shard), "chan#"+channel); ok {
			return it["vac"] != nil
		}
	}
	return false
}

// waiting returns the number of messages in the queue, including those in flight.
func waiting(t *testing.T, queue string) (n int) {
	t.Helper()
	names := []sqstypes.QueueAttributeName{
		sqstypes.QueueAttributeNameApproximateNumberOfMessages,
		sqstypes.QueueAttributeNameApproximateNumberOfMessagesDelayed,
		sqstypes.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
	}
	out, err := queues().GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: aws.String(hark.Queues[queue]), AttributeNames: names,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		i, err := strconv.Atoi(out.Attributes[string(name)])
		if err != nil {
			t.Fatalf("%s of %s: %v", name, queue, err)
		}
		n += i
	}
	return n
}

func queues() *sqs.Client {
	return sqs.New(sqs.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(hark.AWS), Credentials: admin(),
	})
}

// within is eventually with a given time.
func within(t *testing.T, patience time.Duration, ok func() bool, what string) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}
