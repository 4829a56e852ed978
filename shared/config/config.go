package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The variables that the stack sets on its functions. A function gets only those that it uses.
const (
	// AppsTable is the name of the table of apps and their secrets.
	AppsTable = "HARK_APPS_TABLE"
	// StateTable is the name of the table of connections, subscriptions and other state.
	StateTable = "HARK_STATE_TABLE"
	// BroadcastsQueue is the URL of the FIFO queue of events to deliver.
	BroadcastsQueue = "HARK_BROADCASTS_QUEUE"
	// ChecksQueue is the URL of the FIFO queue of checks. It, DeliveriesQueue, Bus and RefusedQueue
	// are set in a stack with webhooks only.
	ChecksQueue = "HARK_CHECKS_QUEUE"
	// DeliveriesQueue is the URL of the FIFO queue of webhook events to post.
	DeliveriesQueue = "HARK_DELIVERIES_QUEUE"
	// Bus is the name of the event bus, which gets the webhook events too.
	Bus = "HARK_BUS"
	// RefusedQueue is the URL of the FIFO queue of messages that could not be published.
	RefusedQueue = "HARK_REFUSED_QUEUE"
	// WebhookLoopback lets webhooks point to this machine if it is "true". The stack never sets it.
	WebhookLoopback = "HARK_WEBHOOK_LOOPBACK"
	// OriginSecret is what CloudFront adds to a handshake to show that it came through CloudFront.
	OriginSecret = "HARK_ORIGIN_SECRET"
	// ActivityTimeout is the number of seconds of silence after which clients ping.
	ActivityTimeout = "HARK_ACTIVITY_TIMEOUT"
	// CallbackURL is the URL to which frames are posted. The name is the SDK's own.
	CallbackURL = "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"
)

// What only the distribution may set on a handshake (docs/decisions/0021-origin-secret.md).
const (
	OriginSecretHeader = "x-hark-origin" // the origin secret
	ClientIPHeader     = "x-hark-ip"     // the client's address; trusted only with the secret
	KeyParameter       = "app"           // of the query: the app's key
)

// PublishDetailType is the detail-type of the events on the bus that are to be published.
const PublishDetailType = "hark.publish"

// Durations and numbers of the template that the code relies on
// (docs/decisions/0012-visibility-and-retention.md,
// docs/decisions/0036-checks-and-deliveries.md).
const (
	// FunctionTimeout is the timeout of every function.
	FunctionTimeout = 10 * time.Second

	// QueueVisibility is the visibility timeout of every queue that feeds a function. It is longer
	// than any invocation runs.
	QueueVisibility = 15 * time.Second
	// QueueRetention is the retention of the broadcasts queue: an older event is of no use.
	QueueRetention = 300 * time.Second
	// QueueReceives is how often a message is received before it goes to a dead-letter queue. On
	// the broadcasts queue retention ends a retry first.
	QueueReceives = 25
	// QueuePatience is the retention of queues whose messages stay valid. On them QueueReceives
	// ends a retry first.
	QueuePatience = time.Hour

	// BroadcastsAtOnce is the MaximumConcurrency of the broadcasts mapping.
	BroadcastsAtOnce = 16
	// BroadcastBatch is how many messages an invocation gets. SQS allows no more for FIFO queues.
	BroadcastBatch = 10

	// CheckDelay is the delay of the checks queue. A page that reloads is back within it.
	CheckDelay = 3 * time.Second
	// ChecksAtOnce is the MaximumConcurrency of the checks mapping.
	ChecksAtOnce = 8

	// DeliveriesAtOnce is the MaximumConcurrency of the deliveries mapping. It is high, because
	// each invocation may wait for a slow endpoint.
	DeliveriesAtOnce = 50
	// DeliveryReceives is how often a delivery is received before it goes to the dead-letter queue.
	// With the delays between them that takes about five minutes.
	DeliveryReceives = 8
	// DeliveryPatience is the retention of the deliveries queue. A channel's webhook events wait
	// behind one that is retried.
	DeliveryPatience = 12 * time.Hour

	// PublishesAtOnce is the MaximumConcurrency of the publish mapping.
	PublishesAtOnce = 4

	// DefaultActivity is the activity timeout if none is set. pusher-js never waits longer.
	DefaultActivity = 120 * time.Second
	// MaxActivity is the longest activity timeout. API Gateway closes a connection that is silent
	// for 10 minutes; it leaves a minute for the ping and the pong.
	MaxActivity = 540 * time.Second
)

// Config holds the values of the variables. A field whose variable is not set is empty.
type Config struct {
	AppsTable       string
	StateTable      string
	BroadcastsQueue string
	ChecksQueue     string
	DeliveriesQueue string
	Bus             string
	RefusedQueue    string
	WebhookLoopback bool
	OriginSecret    string
	CallbackURL     string
	ActivityTimeout time.Duration // DefaultActivity if not set
}

// FromEnv reads the variables. It fails if a required variable is not set or a value is invalid;
// the error names all required variables that are missing.
func FromEnv(getenv func(string) string, required ...string) (Config, error) {
	c := Config{
		AppsTable:       getenv(AppsTable),
		StateTable:      getenv(StateTable),
		BroadcastsQueue: getenv(BroadcastsQueue),
		ChecksQueue:     getenv(ChecksQueue),
		DeliveriesQueue: getenv(DeliveriesQueue),
		Bus:             getenv(Bus),
		RefusedQueue:    getenv(RefusedQueue),
		WebhookLoopback: getenv(WebhookLoopback) == "true",
		OriginSecret:    getenv(OriginSecret),
		CallbackURL:     getenv(CallbackURL),
		ActivityTimeout: DefaultActivity,
	}
	var missing []string
	for _, name := range required {
		if getenv(name) == "" {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return Config{}, errors.New("not set: " + strings.Join(missing, ", "))
	}
	if s := getenv(ActivityTimeout); s != "" {
		n, err := strconv.Atoi(s)
		if most := int(MaxActivity / time.Second); err != nil || n < 1 || n > most {
			return Config{}, fmt.Errorf("%s: %q is not a number of seconds from 1 to %d",
				ActivityTimeout, s, most)
		}
		c.ActivityTimeout = time.Duration(n) * time.Second
	}
	return c, nil
}
