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

// keyHeader carries the idempotency key of a publish, as in the IETF's draft of that name and Stripe's API. It is not signed, as a key
// in the body is.
const keyHeader = "Idempotency-Key"

// key is the publish's idempotency key, "" if it has none; the header wins over the field.
func (r request) key(field *string) (string, error) {
	if values := r.header.Values(keyHeader); len(values) > 0 {
		field = &values[0]
	}
	if field == nil {
		return "", nil
	}
	return *field, validateKey(*field)
}

// maxKey is the most characters of an idempotency key.
const maxKey = 255

// validateKey refuses what is not 1 to maxKey visible ASCII characters.
func validateKey(key string) error {
	if key == "" || len(key) > maxKey {
		return pusher.HTTPErrorf(http.StatusBadRequest,
			"Invalid idempotency key: %d bytes, it must have 1 to %d visible ASCII characters", len(key), maxKey)
	}
	for _, r := range key {
		if r <= ' ' || r > '~' {
			return pusher.HTTPErrorf(http.StatusBadRequest,
				"Invalid idempotency key %q: %q is not a visible ASCII character", key, r)
		}
	}
	return nil
}

// publish queues the events and returns what their publisher is told. With a key, repeats of the publish get the answer of the
// first, and their events are delivered once.
//
// The row is written first, so that a key that belongs to another request is refused before anything of this one is queued, and
// so that it has expired once the queue no longer tells repeats. After it every attempt queues everything: the queue drops what it
// has, so that an attempt that died halfway is completed by the next.
func (a *API) publish(ctx context.Context, app pusher.App, key string, events []event, answer any) (any, error) {
	if key != "" {
		text, err := json.Marshal(answer)
		if err != nil {
			return nil, fmt.Errorf("encode the answer to a publish: %w", err)
		}
		own := state.KeyedPublish{App: app.ID, Key: key, Request: digest(events), Answer: string(text)}
		first, err := a.State.KeepPublish(ctx, own, a.now())
		if err != nil {
			return nil, err
		}
		if first.Request != own.Request {
			return nil, pusher.HTTPErrorf(http.StatusUnprocessableEntity,
				"The idempotency key %s was used for another request within the last %.0f minutes", key, state.IdempotencyWindow.Minutes())
		}
		answer = json.RawMessage(first.Answer)
	}
	return answer, a.Publisher.Publish(ctx, broadcasts(app, key, events)...)
}

// broadcasts are the events as they are queued. Those of a publish with a key have names by which the queue knows them again.
func broadcasts(app pusher.App, key string, events []event) []state.Broadcast {
	request := ""
	if key != "" {
		request = key + "#" + digest(events)
	}
	out := make([]state.Broadcast, len(events))
	for i, e := range events {
		event := e.queued(app)
		if request != "" {
			event.RepeatKey = fmt.Sprintf("%s#%d", request, i)
		}
		out[i] = event
	}
	return out
}

// digest tells requests apart by what they ask for, not by how it is written. Data for an encrypted channel does not count: an SDK that
// is called again encrypts it with another nonce.
func digest(events []event) string {
	h := sha256.New()
	for _, e := range events {
		data := *e.Data
		if e.Channel.Encrypted() {
			data = ""
		}
		_, _ = fmt.Fprintf(h, "%q %q %q %q %q\n", e.Channel, e.Name, e.SocketID, e.Info, data) // a hash takes all it is given
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
