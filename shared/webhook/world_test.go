package webhook_test

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"hark/localstack/cloud/meter"
	"hark/localstack/cloud/sqs"
	"hark/shared/config"
	"hark/shared/consumer"
	"hark/shared/dynamo"
	"hark/shared/internal/testkit"
	"hark/shared/membership"
	"hark/shared/pusher"
	"hark/shared/queue"
	"hark/shared/state"
	"hark/shared/webhook"
)

const (
	account = testkit.Account
	arns    = "arn:aws:sqs:us-east-1:" + account + ":"

	news  = pusher.Channel("news")
	lobby = pusher.Channel("presence-lobby")
	hook  = "https://example.com/hook"
)

// tenant has one webhook, which wants every webhook event.
func tenant() pusher.App {
	return testkit.App(func(a *pusher.App) { a.Webhooks = []pusher.Webhook{{URL: hook}} })
}

// world is a stack with webhooks on the engines of the local cloud, without a network in between,
// so that it can live in a bubble of package synctest, where three seconds take no time. Nothing is
// handled until a test calls run.
type world struct {
	bill     *meter.Meter
	apps     testkit.Apps
	state    *dynamo.State
	engine   *sqs.Service
	checks   *queue.Checks
	posts    *queue.Deliveries
	events   *queue.Broadcasts
	members  *membership.Membership
	notifier *webhook.Notifier
	checker  *webhook.Checker
	again    func(state.Check) state.Check // changes a check before it runs; nil if none
	sent     sent
	last     atomic.Int64 // stamp of a frame
}

// sent are the deliveries to the app's webhook and to the event bus.
type sent struct {
	mu  sync.Mutex
	all []state.Delivery
}

func (s *sent) Deliver(_ context.Context, d state.Delivery) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, d)
	return nil
}

func (s *sent) Delay(int) time.Duration { return 0 }

// about returns the events about the channel that the webhook was sent, with the users of members:
// "channel_occupied", "member_added u".
func (s *sent) about(ch pusher.Channel) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, d := range s.all {
		if d.URL == "" || d.Event.Channel != ch {
			continue
		}
		name := d.Event.Name
		if d.Event.UserID != "" {
			name += " " + d.Event.UserID
		}
		names = append(names, name)
	}
	return names
}

func newWorld(t *testing.T) *world {
	t.Helper()
	const endpoint = "http://sqs.local"
	w := &world{bill: &meter.Meter{}, apps: testkit.Apps{tenant()}}
	w.state = testkit.Table(t, w.bill)
	w.engine = sqs.New(sqs.Options{
		Region: testkit.Region, Account: account, Endpoint: endpoint, Meter: w.bill,
	})
	for _, spec := range queues() {
		if err := w.engine.Create(spec); err != nil {
			t.Fatal(err)
		}
	}
	sender := awssqs.New(awssqs.Options{
		Region: testkit.Region, BaseEndpoint: aws.String(endpoint),
		HTTPClient:  testkit.Direct(w.engine),
		Credentials: aws.CredentialsProviderFunc(testkit.Credentials),
	})
	url := endpoint + "/" + account + "/"
	w.checks = &queue.Checks{Client: sender, URL: url + "checks.fifo"}
	w.posts = &queue.Deliveries{Client: sender, URL: url + "deliveries.fifo"}
	w.events = &queue.Broadcasts{Client: sender, URL: url + "broadcasts.fifo"}
	w.notifier = &webhook.Notifier{Deliveries: w.posts}
	w.checker = &webhook.Checker{
		Markers: w.state, Members: w.state, Misses: w.state, Apps: w.apps, Notifier: w.notifier,
	}
	w.members = &membership.Membership{
		Rows: testkit.Rows(w.state),
		Apps: w.apps, Gateway: &testkit.Gateway{}, Queue: w.events,
		Checks: w.checks, Webhooks: w.notifier,
		Timeout: config.FunctionTimeout, Log: slog.New(slog.DiscardHandler),
	}
	return w
}

// fanout posts to clients that take every frame.
type fanout struct{}

func (fanout) Post(context.Context, []state.Subscription, []byte) error { return nil }
func (fanout) Events(_ context.Context, all []state.Event) (int, error) { return len(all), nil }

// channelConsumer is the consumer of the broadcasts queue.
func channelConsumer(m *membership.Membership) *consumer.Consumer {
	steps := &membership.ConsumerSteps{Membership: m, Fanout: fanout{}}
	return &consumer.Consumer{Fanout: fanout{}, Membership: steps}
}

func (w *world) Check(ctx context.Context, k state.Check) error {
	if w.again != nil {
		k = w.again(k)
	}
	return w.checker.Check(ctx, k)
}

// queues are those of the template.
func queues() []sqs.QueueSpec {
	seconds := func(d time.Duration) *int { n := int(d / time.Second); return &n }
	fifo := func(name string, receives int) sqs.QueueSpec {
		return sqs.QueueSpec{
			QueueName: name + ".fifo", FifoQueue: true,
			DeduplicationScope: "messageGroup", FifoThroughputLimit: "perMessageGroupId",
			VisibilityTimeout: seconds(config.QueueVisibility),
			RedrivePolicy: &sqs.RedrivePolicy{
				DeadLetterTargetARN: arns + "dead.fifo", MaxReceiveCount: receives,
			},
		}
	}
	checks := fifo("checks", config.QueueReceives)
	checks.DelaySeconds = seconds(config.CheckDelay)
	return []sqs.QueueSpec{
		checks,
		fifo("deliveries", config.DeliveryReceives),
		fifo("broadcasts", config.QueueReceives),
		{QueueName: "dead.fifo", FifoQueue: true},
	}
}

// run has the functions handle what is queued until the context ends, in several invocations at
// once.
func (w *world) run(ctx context.Context, t *testing.T) (wait func()) {
	log := slog.New(slog.DiscardHandler)
	var all sync.WaitGroup
	for name, f := range map[string]struct {
		batch int
		h     queue.Handler
	}{
		"checks":     {config.BroadcastBatch, queue.ConsumeChecks(w, log)},
		"deliveries": {1, w.posts.Consume(&w.sent, log)},
		"broadcasts": {
			config.BroadcastBatch, queue.ConsumeBroadcasts(channelConsumer(w.members), log),
		},
	} {
		for range 3 {
			all.Go(func() { feed(ctx, t, w.engine, name+".fifo", f.batch, f.h) })
		}
	}
	return all.Wait
}

// feed is one poller of an event source mapping.
func feed(
	ctx context.Context, t *testing.T, engine *sqs.Service, name string, batch int, h queue.Handler,
) {
	for ctx.Err() == nil {
		messages, err := engine.Receive(ctx, arns+name, batch, 20*time.Second)
		if err != nil && ctx.Err() == nil {
			t.Error(err)
			return
		}
		if len(messages) > 0 {
			invoke(ctx, t, engine, name, messages, h)
		}
	}
}

// invoke hands a batch to the function and deletes the messages that are done.
func invoke(
	ctx context.Context, t *testing.T, engine *sqs.Service, name string, messages []sqs.Message,
	h queue.Handler,
) {
	var e events.SQSEvent
	for _, m := range messages {
		e.Records = append(e.Records, events.SQSMessage{
			MessageId: m.ID, ReceiptHandle: m.ReceiptHandle, Body: m.Body, Attributes: m.Attributes,
			EventSourceARN: arns + name,
		})
	}
	inTime, cancel := context.WithTimeout(ctx, config.FunctionTimeout)
	defer cancel()
	out, err := h(inTime, e)
	if err != nil {
		t.Error(err)
		return
	}
	for _, m := range messages {
		failure := events.SQSBatchItemFailure{ItemIdentifier: m.ID}
		if slices.Contains(out.BatchItemFailures, failure) {
			continue
		}
		if err := engine.Delete(ctx, arns+name, m.ReceiptHandle); err != nil && ctx.Err() == nil {
			t.Error(err)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) open(t *testing.T, ids ...pusher.ConnectionID) {
	t.Helper()
	for _, id := range ids {
		c := state.Connection{ID: id, App: w.apps[0].ID, ConnectedAt: time.Now()}
		must(t, w.members.Open(t.Context(), w.apps[0], c))
	}
}

// subscribe is a frame that subscribes, on a presence channel as that user.
func (w *world) subscribe(t *testing.T, id pusher.ConnectionID, ch pusher.Channel, user string) {
	t.Helper()
	c, err := w.members.Connection(t.Context(), id)
	must(t, err)
	if ch.Presence() {
		member := pusher.Member{UserID: user}
		must(t, w.members.SubscribePresence(t.Context(), c, ch, member, w.stamp()))
		return
	}
	must(t, w.members.Subscribe(t.Context(), w.apps[0], c, ch, w.stamp()))
}

func (w *world) unsubscribe(t *testing.T, id pusher.ConnectionID, ch pusher.Channel) {
	t.Helper()
	c, err := w.members.Connection(t.Context(), id)
	must(t, err)
	must(t, w.members.Unsubscribe(t.Context(), w.apps[0], c, ch, w.stamp()))
}

// stamp returns the clock's stamp, but a newer one than any before.
func (w *world) stamp() state.Stamp {
	for {
		last := w.last.Load()
		next := max(time.Now().UnixMilli(), last+1)
		if w.last.CompareAndSwap(last, next) {
			return state.Stamp(next)
		}
	}
}
