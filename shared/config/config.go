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
	AppsTable       = "HARK_APPS_TABLE"                          // name of the table of apps and their secrets
	StateTable      = "HARK_STATE_TABLE"                         // name of the table of connections and subscriptions
	BroadcastsQueue = "HARK_BROADCASTS_QUEUE"                    // URL of the FIFO queue of events to deliver
	ChecksQueue     = "HARK_CHECKS_QUEUE"                        // URL of the FIFO queue of channels to look at; like the next three, in stacks with webhooks only
	DeliveriesQueue = "HARK_DELIVERIES_QUEUE"                    // URL of the FIFO queue of notices to post
	Bus             = "HARK_BUS"                                 // name of the event bus that gets notices, too
	RefusedQueue    = "HARK_REFUSED_QUEUE"                       // URL of the FIFO queue of messages that could not be published
	WebhookLoopback = "HARK_WEBHOOK_LOOPBACK"                    // true lets webhooks point to this machine; the stack never sets it
	OriginSecret    = "HARK_ORIGIN_SECRET"                       // what CloudFront adds to show that a handshake came through it
	ActivityTimeout = "HARK_ACTIVITY_TIMEOUT"                    // seconds of silence after which clients ping
	CallbackURL     = "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI" // where frames are posted: the SDK's own variable
)

// What only the distribution may set on a handshake (docs/decisions/0021-origin-secret.md).
const (
	OriginSecretHeader = "x-hark-origin" // carries the origin secret
	ClientIPHeader     = "x-hark-ip"     // the viewer's address, believed only beside the secret
	KeyParameter       = "app"           // in the query: the app's key
)

// PublishDetailType is the detail-type of the events on the bus that are to be published.
const PublishDetailType = "hark.publish"

// What the template and the code agree on.
const (
	FunctionTimeout  = 10 * time.Second  // of every function
	QueueVisibility  = 15 * time.Second  // of the broadcasts queue: longer than any invocation lives
	QueueRetention   = 300 * time.Second // an event older than this is of no use to anybody
	QueueReceives    = 25                // receives before the dead-letter queue; retention ends a retry first
	QueuePatience    = time.Hour         // retention of the queues whose messages stay true: receives end a retry first
	CheckDelay       = 3 * time.Second   // of the checks queue: a page that reloads is back by then
	ChecksAtOnce     = 8                 // MaximumConcurrency of the checks mapping
	DeliveriesAtOnce = 50                // and of the deliveries mapping: each may wait for a slow endpoint
	DeliveryReceives = 8                 // receives before the dead-letter queue: some five minutes, as the delay between them grows
	DeliveryPatience = 12 * time.Hour    // retention of the deliveries queue: a channel's notices wait behind one that is retried
	PublishesAtOnce  = 4                 // MaximumConcurrency of the publish mapping
	BroadcastsAtOnce = 16                // MaximumConcurrency of the broadcasts mapping
	BroadcastBatch   = 10                // messages an invocation gets; FIFO allows no more
	DefaultActivity  = 120 * time.Second // pusher-js never waits longer by itself
	MaxActivity      = 540 * time.Second // what is silent for 10 minutes is cut: a minute is for the ping and its answer
)

// Config is what a function finds in its environment. Fields whose variable is not set are empty.
type Config struct {
	AppsTable       string
	StateTable      string
	BroadcastsQueue string
	ChecksQueue     string // like the next three, empty in a stack without webhooks
	DeliveriesQueue string
	Bus             string
	RefusedQueue    string
	WebhookLoopback bool
	OriginSecret    string
	CallbackURL     string
	ActivityTimeout time.Duration // DefaultActivity if not set
}

// FromEnv reads the environment. It fails with the names of all the required variables that are missing, and with
// what is wrong with a value that cannot be read.
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
			return Config{}, fmt.Errorf("%s: %q is not a number of seconds from 1 to %d", ActivityTimeout, s, most)
		}
		c.ActivityTimeout = time.Duration(n) * time.Second
	}
	return c, nil
}
