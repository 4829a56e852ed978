package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"

	"hark/shared/pusher"
	"hark/shared/state"
)

// keyHeader carries the idempotency key of a publish, as in the IETF's draft of that name and in
// Stripe's API. The header is not signed; a key in the body is.
const keyHeader = "Idempotency-Key"

// key returns the idempotency key of a publish, "" if it has none. The header wins over the field.
func (r request) key(field *string) (string, error) {
	if values := r.header.Values(keyHeader); len(values) > 0 {
		field = &values[0]
	}
	if field == nil {
		return "", nil
	}
	return *field, validateKey(*field)
}

// maxKey is the longest idempotency key, in characters.
const maxKey = 255

// validateKey refuses a key that is not 1 to maxKey visible ASCII characters.
func validateKey(key string) error {
	if key == "" || len(key) > maxKey {
		return badRequestf(
			"Invalid idempotency key: %d bytes, it must have 1 to %d visible ASCII characters",
			len(key), maxKey)
	}
	for _, r := range key {
		if r <= ' ' || r > '~' {
			return badRequestf(
				"Invalid idempotency key %q: %q is not a visible ASCII character", key, r)
		}
	}
	return nil
}

// publish queues the events and returns the answer to their publisher. With a key, repeats of the
// publish get the answer of the first, and their events are delivered once (docs/steps.md §3.14).
//
// The key's row is written first, for two reasons: a key of another request is refused before
// anything is queued, and the row has expired when the queue no longer recognizes repeats. Every
// attempt queues all events. The queue drops those that it has, so the next attempt completes one
// that was killed half-way.
func (a *API) publish(
	ctx context.Context, app pusher.App, key string, events []event, answer any,
) (any, error) {
	if key != "" {
		text, err := json.Marshal(answer)
		if err != nil {
			return nil, fmt.Errorf("encode the answer to a publish: %w", err)
		}
		own := state.KeyedPublish{
			App: app.ID, Key: key, Request: digest(events), Answer: string(text),
		}
		first, err := a.State.KeepPublish(ctx, own, a.now())
		if err != nil {
			return nil, err
		}
		if first.Request != own.Request {
			return nil, pusher.HTTPErrorf(http.StatusUnprocessableEntity,
				"The idempotency key %s was used for another request within the last %.0f minutes",
				key, state.IdempotencyWindow.Minutes())
		}
		answer = json.RawMessage(first.Answer)
	}
	return answer, a.Publisher.Publish(ctx, messages(app, key, events)...)
}

// messages returns the events as they are queued. With a key, each has a RepeatKey by which the
// queue recognizes repeats.
func messages(app pusher.App, key string, events []event) []state.Broadcast {
	request := ""
	if key != "" {
		request = key + "#" + digest(events)
	}
	out := make([]state.Broadcast, len(events))
	for i, e := range events {
		m := e.message(app)
		if request != "" {
			m.RepeatKey = fmt.Sprintf("%s#%d", request, i)
		}
		out[i] = m
	}
	return out
}

// digest returns a hash of what a request publishes: two forms of the same request have the same
// digest. It leaves out the data of events on encrypted channels, because an SDK that repeats a
// publish encrypts the data with another nonce.
func digest(events []event) string {
	h := sha256.New()
	for _, e := range events {
		data := *e.Data
		if e.Channel.Encrypted() {
			data = ""
		}
		_, _ = fmt.Fprintf(h, "%q %q %q %q %q\n", // writing to a hash cannot fail
			e.Channel, e.Name, e.SocketID, e.Info, data)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
