package state

import "time"

// IdempotencyWindow is how long a repeat of a publish with an idempotency key is recognized. SQS,
// which drops the repeated messages, fixes it (docs/aws.md §C).
const IdempotencyWindow = 5 * time.Minute

// KeyedPublish is a publish that carries an idempotency key.
type KeyedPublish struct {
	App, Key string
	Request  string // a digest of what is published: one key must not come with two requests
	Answer   string // the HTTP answer, as JSON
}
