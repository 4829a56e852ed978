package httpapi_test

import (
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"hark/localstack/cloud/meter"
	"hark/localstack/cloud/sqs"
	"hark/shared/pusher"
	"hark/shared/queue"
)

// localQueue returns the broadcasts queue in the local cloud. Its requests are on the same bill as
// those of the table.
func (s *server) localQueue(t *testing.T) *queue.Broadcasts {
	t.Helper()
	var engine *sqs.Service
	front := httptest.NewUnstartedServer(nil)
	endpoint := "http://" + front.Listener.Addr().String()
	engine = sqs.New(sqs.Options{
		Region: "us-east-1", Account: "000000000000", Endpoint: endpoint, Meter: s.bill,
	})
	err := engine.Create(sqs.QueueSpec{
		QueueName: "broadcasts.fifo", FifoQueue: true, DeduplicationScope: "messageGroup",
		FifoThroughputLimit: "perMessageGroupId",
	})
	if err != nil {
		t.Fatal(err)
	}
	front.Config.Handler = engine
	front.Start()
	t.Cleanup(front.Close)
	client := awssqs.New(awssqs.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(endpoint),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	return &queue.Broadcasts{URL: endpoint + "/000000000000/broadcasts.fifo", Client: client}
}

// newBudgetServer returns a server with the local queue, 200 subscribers of orders (11 KB of rows),
// and two members and a signed-in connection of one user.
func newBudgetServer(t *testing.T) *server {
	t.Helper()
	s := newServer(t)
	s.api.Publisher = s.localQueue(t)
	var crowd []pusher.ConnectionID
	for i := range 200 {
		crowd = append(crowd, pusher.ConnectionID(fmt.Sprintf("connection-%05d", i)))
	}
	s.subscribe(t, "orders", crowd...)
	s.join(t, "presence-room", "a", "7")
	s.join(t, "presence-room", "b", "7")
	s.signIn(t, "c", "7")
	return s
}

func post(path, body string) request { return request{path: "/apps/3/" + path, body: body} }

func get(path, query string) request {
	return request{method: "GET", path: "/apps/3/" + path, query: query}
}

// cost is what a request costs.
type cost struct {
	name                 string
	r                    request
	reads, queue, writes float64
}

func (c cost) check(t *testing.T, s *server) {
	t.Helper()
	before := s.bill.Snapshot()
	if a := s.do(t, c.r); a.status != 200 {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	after := s.bill.Snapshot()
	spent := func(u meter.Unit) float64 { return after[u] - before[u] }
	writes, reads := spent(meter.WriteUnits), spent(meter.ReadUnits)
	requests := spent(meter.QueueRequests)
	if writes != c.writes || reads != c.reads || requests != c.queue {
		t.Errorf("%v write units, %v read units and %v queue requests, want %v, %v and %v",
			writes, reads, requests, c.writes, c.reads, c.queue)
	}
}

// These tests assert the exact cost of requests on the table and the queue
// (docs/decisions/0022-cost-budgets.md). A publish without info and key reads nothing. A strongly
// consistent read costs a unit for each 4 KB of a channel's rows.
func TestBudgetOfPublishes(t *testing.T) {
	s := newBudgetServer(t)
	once := `{"name":"e","data":"","channel":"orders","idempotency_key":"order-7"}`
	for _, c := range []cost{
		{"a publish", post("events", `{"name":"e","data":"","channel":"orders"}`), 0, 1, 0},
		{"a publish with a key", post("events", once), 0, 1, 1},
		{"its repeat, which is queued again and dropped", post("events", once), 0, 1, 1},
		{
			"a publish to 10 channels",
			post("events", `{"name":"e","data":"","channels":`+channels(10)+`}`), 0, 1, 0,
		},
		{
			"a publish to a cache channel and a user",
			post("events", `{"name":"e","data":"","channels":["cache-a","#server-to-user-7"]}`), 0,
			1, 0,
		},
		{"a batch of 10", post("batch_events", batch(10)), 0, 1, 0},
		{
			"a publish that counts users",
			post("events", `{"name":"e","data":"","channel":"presence-room","info":"user_count"}`),
			1, 1, 0,
		},
		{
			"a publish that counts 200",
			post("events", `{"name":"e","data":"","channel":"orders","info":"subscription_count"}`),
			3, 1, 0,
		},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, s) })
	}
}

// See TestBudgetOfPublishes.
func TestBudgetOfOtherRequests(t *testing.T) {
	s := newBudgetServer(t)
	for _, c := range []cost{
		{"all channels, which are in 8 places", get("channels", ""), 8, 0, 0},
		{
			"all presence channels and how many users they have",
			get("channels", "filter_by_prefix=presence-&info=user_count"), 9, 0, 0,
		},
		{"whether a channel is occupied, of however many", get("channels/orders", ""), 1, 0, 0},
		{"how many those are", get("channels/orders", "info=subscription_count"), 3, 0, 0},
		{"the cached event", get("channels/cache-a", "info=cache"), 2, 0, 0},
		{"the users of a channel", get("channels/presence-room/users", ""), 1, 0, 0},
		{"all connections", get("connections", ""), 8 + 3 + 1, 0, 0},
		{
			"the end of a user's connections", post("users/7/terminate_connections", "{}"),
			1 + 8 + 1, 0, 0,
		},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, s) })
	}
}
