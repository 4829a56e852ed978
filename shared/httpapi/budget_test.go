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

// line is the broadcasts queue on the local engine, spoken to as functions do. Its requests go on
// the same bill as the table's.
func (s *server) line(t *testing.T) *queue.Broadcasts {
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
	return &queue.Broadcasts{URL: endpoint + "/000000000000/broadcasts.fifo", Client: awssqs.New(awssqs.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(endpoint),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})}
}

// TestBudget asserts what requests cost on the table and the queue, exactly
// (docs/decisions/0022-cost-budgets.md): a publish that asks for nothing reads nothing. A strongly
// consistent read is a unit for each 4 KB of a channel's rows.
func TestBudget(t *testing.T) {
	s := newServer(t)
	s.api.Publisher = s.line(t)
	var crowd []pusher.ConnectionID
	for i := range 200 { // 11 KB of rows
		crowd = append(crowd, pusher.ConnectionID(fmt.Sprintf("connection-%05d", i)))
	}
	s.subscribe(t, "orders", crowd...)
	s.join(t, "presence-room", "a", "7")
	s.join(t, "presence-room", "b", "7")
	s.signIn(t, "c", "7")
	post := func(path, body string) request { return request{path: "/apps/3/" + path, body: body} }
	once := `{"name":"e","data":"","channel":"orders","idempotency_key":"order-7"}`
	get := func(path, query string) request {
		return request{method: "GET", path: "/apps/3/" + path, query: query}
	}
	for _, c := range []struct {
		name                 string
		r                    request
		reads, queue, writes float64
	}{
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
		t.Run(c.name, func(t *testing.T) {
			before := s.bill.Snapshot()
			if a := s.do(t, c.r); a.status != 200 {
				t.Fatalf("got %d %s", a.status, a.body)
			}
			after := s.bill.Snapshot()
			spent := func(u meter.Unit) float64 { return after[u] - before[u] }
			if spent(meter.WriteUnits) != c.writes || spent(meter.ReadUnits) != c.reads || spent(meter.QueueRequests) != c.queue {
				t.Errorf("%v write units, %v read units and %v queue requests, want %v, %v and %v",
					spent(meter.WriteUnits), spent(meter.ReadUnits), spent(meter.QueueRequests),
					c.writes, c.reads, c.queue)
			}
		})
	}
}
