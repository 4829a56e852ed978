package membership_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	awsdb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"hark/localstack/cloud/dynamodb"
	"hark/localstack/cloud/sqs"
	"hark/shared/consumer"
	"hark/shared/dynamo"
	"hark/shared/fanout"
	"hark/shared/internal/testkit"
	"hark/shared/membership"
	"hark/shared/pusher"
	"hark/shared/queue"
	"hark/shared/settings"
	"hark/shared/socket"
	"hark/shared/state"
)

const (
	queueName = "broadcasts.fifo"
	queueARN  = "arn:aws:sqs:" + testkit.Region + ":" + testkit.Account + ":" + queueName
	local     = "http://aws.local" // no request leaves the process
)

// visibility is that of the queue: longer than a function may run
// (docs/decisions/0012-visibility-and-retention.md).
const visibility = 15 * time.Second

// world is the whole stack: the table and the queue on the local engines, the connections, the
// functions as they are wired in functions/*, and what the model knows of them. It lives in a
// synctest bubble, in which time passes only when all goroutines wait for it.
type world struct {
	table, events http.Handler
	queue         *sqs.Service
	state         *dynamo.State
	without       correction
	apps          testkit.Apps

	mu    sync.Mutex
	calls []*call // that have not ended, the oldest first
	stops []*stop // the steps before which they stand
	made  int     // calls so far

	peers       []*peer
	ends        []*peer                     // clients whose $disconnect is to come
	lies        map[pusher.ConnectionID]int // how many more answers for it are a wrong 410
	hurt        map[string]bool             // rows that a call had in hand when it died or failed
	redelivered map[string]bool             // message groups of which a batch may have come twice
	sent        []*event                    // events that have reached the queue, in that order
	writers     map[string]*call            // the last call of each publisher
	numbers     map[string]int              // its last event
	leased      map[int64]bool              // minutes for which there were leases
	trace       []string
	wrong       string // the first violation
}

// correction is a wrapper that takes a correction of the model out of the product. The zero value
// leaves all in.
type correction struct {
	name   string
	store  func(*dynamo.State) testkit.Store
	groups bool // each message has a group of its own
}

func newWorld(without correction) *world {
	w := &world{
		without: without, apps: tenants(),
		lies: map[pusher.ConnectionID]int{}, hurt: map[string]bool{},
		redelivered: map[string]bool{}, leased: map[int64]bool{},
		writers: map[string]*call{}, numbers: map[string]int{},
	}
	engine := dynamodb.New(dynamodb.Options{Region: testkit.Region, Account: testkit.Account})
	w.queue = sqs.New(sqs.Options{
		Region: testkit.Region, Account: testkit.Account, Endpoint: local,
	})
	seconds := int(visibility / time.Second)
	err := errors.Join(engine.Create(testkit.StateTable()), w.queue.Create(sqs.QueueSpec{
		QueueName: queueName, FifoQueue: true, VisibilityTimeout: &seconds,
		DeduplicationScope: "messageGroup", FifoThroughputLimit: "perMessageGroupId",
	}))
	if err != nil {
		panic(err)
	}
	w.table, w.events = engine, w.queue
	w.state = &dynamo.State{Table: testkit.StateTable().TableName, Client: awsdb.New(awsdb.Options{
		Region: testkit.Region, BaseEndpoint: aws.String(local), RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(testkit.Credentials), HTTPClient: w.wire(engine),
	})}
	if err := w.state.SetSwept(context.Background(), time.Now().Add(-time.Minute)); err != nil {
		panic(err)
	}
	return w
}

// tenants are two apps with the same names for everything. One counts its connections and its
// subscribers.
func tenants() testkit.Apps {
	a := pusher.App{ID: "a", Key: "key-a", Secret: "secret-a", Settings: settings.Default()}
	b := pusher.App{ID: "b", Key: "key-b", Secret: "secret-b", Settings: settings.Default()}
	b.MaxConnections, b.SubscriptionCount = 1000, true
	return testkit.Apps{a, b}
}

// The functions, each wired as its main does. Each call has its own values, as if it had a process
// of its own.

func (w *world) members() *membership.Membership {
	var store testkit.Store = w.state
	if w.without.store != nil {
		store = w.without.store(w.state)
	}
	return &membership.Membership{
		Rows: testkit.Rows(visited{store, w}), Apps: w.apps, Gateway: w, Queue: w.broadcasts(),
		Timeout: timeout, Log: slog.New(slog.DiscardHandler),
	}
}

func (w *world) broadcasts() *queue.Broadcasts {
	client := awssqs.New(awssqs.Options{
		Region: testkit.Region, BaseEndpoint: aws.String(local), RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(testkit.Credentials), HTTPClient: w.wire(w.events),
	})
	return &queue.Broadcasts{URL: local + "/" + testkit.Account + "/" + queueName, Client: client}
}

func (w *world) consumer() *consumer.Consumer {
	m := w.members()
	out := &fanout.Fanout{
		Subscribers: m.Counts.(visited), Cache: w.state, Forgetter: m, Gateway: w, ClientsAtOnce: 1,
		Log: slog.New(slog.DiscardHandler),
	}
	steps := &membership.ConsumerSteps{Membership: m, Fanout: out}
	return &consumer.Consumer{Fanout: out, Membership: marked{steps}}
}

func (w *world) opener() *socket.Opener {
	return &socket.Opener{
		Apps: w.apps, Registry: w.members(), Gateway: w, Activity: 2 * time.Minute,
		Log: slog.New(slog.DiscardHandler),
	}
}

func (w *world) server() *socket.Server {
	return &socket.Server{
		Apps: w.apps, Membership: w.members(), Rates: w.state, Publisher: w.broadcasts(),
		Gateway: w, Log: slog.New(slog.DiscardHandler),
	}
}

// consume is the broadcast function with its event source mapping, which deletes the messages that
// are done from the queue. If that is lost, all messages come again.
func (w *world) consume(ctx context.Context, batch []sqs.Message, groups []string, lost bool) {
	handle := queue.ConsumeBroadcasts(grouped{w.consumer()}, slog.New(slog.DiscardHandler))
	var e events.SQSEvent
	for _, msg := range batch {
		e.Records = append(e.Records, events.SQSMessage{
			MessageId: msg.ID, Body: msg.Body, Attributes: msg.Attributes,
		})
	}
	out, err := handle(ctx, e)
	if err != nil {
		panic(err)
	}
	var done []string
	for i, msg := range batch {
		failure := events.SQSBatchItemFailure{ItemIdentifier: msg.ID}
		if slices.Contains(out.BatchItemFailures, failure) {
			w.again(groups[i])
		} else {
			done = append(done, msg.ReceiptHandle)
		}
	}
	if _, err := w.ask(ctx, "delete from the queue"); err != nil || lost || len(done) == 0 {
		return
	}
	if err := w.queue.Delete(context.Background(), queueARN, done...); err != nil {
		panic(err)
	}
}

// again keeps that messages of a group come again.
func (w *world) again(group string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.redelivered[group] = true
}

// receive takes a batch out of the queue.
func (w *world) receive(most int) []sqs.Message {
	batch, err := w.queue.Receive(context.Background(), queueARN, most, 0)
	if err != nil {
		panic(err)
	}
	return batch
}

// visited keeps for which minutes there are leases, so that hours without any pass quickly.
type visited struct {
	testkit.Store
	w *world
}

func (v visited) PutLease(ctx context.Context, id pusher.ConnectionID, due time.Time) error {
	v.w.lease(due)
	return v.Store.PutLease(ctx, id, due)
}

func (v visited) PutCountLease(
	ctx context.Context, app string, ch pusher.Channel, due time.Time,
) error {
	v.w.lease(due)
	return v.Store.PutCountLease(ctx, app, ch, due)
}

// Cached keeps that the next event which the call posts is the cached one.
func (v visited) Cached(
	ctx context.Context, app string, ch pusher.Channel, now time.Time,
) (state.Cached, error) {
	newest, err := v.Store.Cached(ctx, app, ch, now)
	if cache, ok := ctx.Value(cacheKey{}).(*cacheRead); ok {
		cache.read = err == nil && newest.Frame != nil
	}
	return newest, err
}

func (v visited) Due(ctx context.Context, minute time.Time) ([]state.Lease, error) {
	v.w.mu.Lock()
	leased := v.w.leased[minute.Unix()/60]
	v.w.mu.Unlock()
	if !leased {
		return nil, nil
	}
	return v.Store.Due(ctx, minute)
}

func (w *world) lease(due time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.leased[due.Unix()/60] = true
}

// close ends all calls, so that the bubble can end.
func (w *world) close() {
	for _, c := range w.calls {
		c.cancel()
	}
	synctest.Wait()
}

func (w *world) note(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	if n := len(w.trace); n > 0 && w.trace[n-1] == line {
		return // a call that waits repeats a request
	}
	w.trace = append(w.trace, line)
}
