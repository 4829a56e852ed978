package pusher

import "time"

// OnceFor is how long a publish with an idempotency key is told from its repeats. It is what SQS does, whose queue it is that drops
// them (aws-facts.md §C).
const OnceFor = 5 * time.Minute

// MaxOnceKey is the length of an idempotency key, in characters.
const MaxOnceKey = 255

// Once is a publish that carries an idempotency key.
type Once struct {
	App, Key string
	Request  string // a digest of what is published: the key of one request must not come with another
	Answer   string // what its publisher is told, as JSON
}

// ValidateOnceKey returns nil for an idempotency key: 1 to MaxOnceKey visible ASCII characters. The *Error says what is wrong with it.
func ValidateOnceKey(key string) error {
	if key == "" || len(key) > MaxOnceKey {
		return Errorf(CodeRejected, "Invalid idempotency key: %d bytes, it must have 1 to %d visible ASCII characters", len(key), MaxOnceKey)
	}
	for _, r := range key {
		if r <= ' ' || r > '~' {
			return Errorf(CodeRejected, "Invalid idempotency key %q: %q is not a visible ASCII character", key, r)
		}
	}
	return nil
}
