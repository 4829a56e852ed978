package e2e_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"hark/localstack/e2e/wire"
)

// Idempotency keys are Hark's own and not on the checklist: a publisher that saw an error may
// publish again, and the event is delivered once.

// keyed is the body of a publish with a key.
func keyed(t *testing.T, key string, e wire.Event) []byte {
	t.Helper()
	return body(t, struct {
		wire.Event
		Key string `json:"idempotency_key"`
	}{e, key})
}

// headed adds a header that the signature does not cover.
type headed struct{ name, value string }

func (h headed) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set(h.name, h.value)
	return http.DefaultTransport.RoundTrip(r)
}

func TestAnIdempotencyKeyDeliversOnce(t *testing.T) {
	ch, key := unique("room-"), unique("order-")
	c := subscriber(t, ch)
	event := wire.Event{Name: "test", Channel: ch, Data: `{"n":7}`, Info: "subscription_count"}
	want := `{"channels":{"` + ch + `":{"subscription_count":1}}}`
	answers(t, post(t, wire.Request{Body: keyed(t, key, event)}), 200, want)
	c.next("test", ch)
	subscriber(t, ch) // the answers to repeats do not count this one
	t.Run("a repeat is answered alike and not delivered", func(t *testing.T) {
		answers(t, post(t, wire.Request{Body: keyed(t, key, event)}), 200, want)
	})
	t.Run("nor is one with the key in the header", func(t *testing.T) {
		byHeader := api()
		byHeader.Client = &http.Client{Transport: headed{"Idempotency-Key", key}}
		a, err := byHeader.Publish(t.Context(), event)
		if err != nil {
			t.Fatal(err)
		}
		answers(t, a, 200, want)
	})
	t.Run("the key of another request is refused", func(t *testing.T) {
		other := event
		other.Data = `{"n":8}`
		declined(t, wire.Request{Body: keyed(t, key, other)}, 422)
	})
	t.Run("an invalid key is refused", func(t *testing.T) {
		declined(t, wire.Request{Body: keyed(t, "", event)}, 400)
		declined(t, wire.Request{Body: keyed(t, strings.Repeat("k", 256), event)}, 400)
	})
	t.Run("without a key two equal events are two", func(t *testing.T) {
		publish(t, wire.Event{Name: "test", Channel: ch, Data: "{}"})
		publish(t, wire.Event{Name: "test", Channel: ch, Data: "{}"})
		for range 2 {
			if f := c.next("test", ch); f.Data != "{}" {
				t.Errorf("got %s, want the first event only once", f.Raw)
			}
		}
	})
	t.Run("a batch", func(t *testing.T) {
		one := wire.Event{Name: "one", Channel: ch, Data: "{}"}
		events, err := json.Marshal(map[string]any{
			"idempotency_key": unique("batch-"), "batch": []wire.Event{one, one},
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			answers(t, post(t, wire.Request{Path: "batch_events", Body: events}), 200, "{}")
		}
		c.next("one", ch)
		c.next("one", ch)
	})
	c.receives(ch)
	c.quiet()
}

func TestPublishesWithOneKeyAtTheSameMoment(t *testing.T) {
	ch, key := unique("room-"), unique("order-")
	c := subscriber(t, ch)
	text := keyed(t, key, wire.Event{Name: "test", Channel: ch, Data: "{}"})
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			a, err := api().Do(
				t.Context(),
				wire.Request{
					Method: http.MethodPost, Path: "/apps/" + hark.App.ID + "/events", Body: text,
				},
			)
			if err != nil || a.Status != 200 || a.Body != "{}" {
				t.Errorf("got %+v (%v)", a, err)
			}
		})
	}
	wg.Wait()
	c.next("test", ch)
	c.receives(ch)
	c.quiet()
}

// dyingPublish is a publish whose function dies.
type dyingPublish struct {
	fault    fault
	key      bool     // it has an idempotency key
	channels []string // one if nil
}

func dyingPublishes() map[string]dyingPublish {
	var many []string // three requests to the queue
	for range 25 {
		many = append(many, unique("many-"))
	}
	return map[string]dyingPublish{
		"before it is queued, without a key": {
			fault{"do": before, "service": "sqs"}, false, nil,
		},
		"before its answer is kept": {
			fault{"do": before, "service": "dynamodb"}, true, nil,
		},
		"before it is queued": {fault{"do": before, "service": "sqs"}, true, nil},
		"after it was queued": {fault{"do": after, "service": "sqs"}, true, nil},
		"between two of three requests": {
			fault{"do": after, "service": "sqs", "nth": 1}, true, many,
		},
		"before the last of the same": {
			fault{"do": before, "service": "sqs", "nth": 3}, true, many,
		},
		"after the last of the same, unanswered": {
			fault{"do": after, "service": "sqs", "nth": 3}, true, many,
		},
		"and again, before it is queued, twice": {
			fault{"do": before, "service": "sqs", "count": 2}, true, nil,
		},
	}
}

// publishUntilAccepted repeats the publish until it succeeds, and returns how many errors it got.
func publishUntilAccepted(t *testing.T, text []byte) (deaths int) {
	t.Helper()
	for {
		a := post(t, wire.Request{Body: text})
		if a.Status == 200 {
			answers(t, a, 200, "{}")
			return deaths
		}
		if deaths++; a.Status < 500 || deaths > 5 {
			t.Fatalf("got %d %s", a.Status, a.Body)
		}
	}
}

// An accepted event is durable. A publisher whose function dies sees an error. Without a key it
// does not know whether the event was published. With a key it publishes again, and the event is
// delivered once, wherever the function died.
func TestAKeyedPublishSurvivesItsFunction(t *testing.T) {
	local(t)
	for name, c := range dyingPublishes() {
		t.Run(name, func(t *testing.T) {
			channels := c.channels
			if channels == nil {
				channels = []string{unique("room-")}
			}
			first, last := channels[0], channels[len(channels)-1]
			listener := subscriber(t, first)
			if last != first {
				listener.join(last)
			}
			event := wire.Event{Name: "sale", Channels: channels, Data: "{}"}
			text := body(t, event)
			if c.key {
				text = keyed(t, unique("order-"), event)
			}
			if c.fault["count"] == nil {
				c.fault["count"] = 1
			}
			c.fault["function"] = "api"
			mend := breaks(t, c.fault)
			deaths := publishUntilAccepted(t, text)
			if hits := faultHits(t); deaths != hits || hits != c.fault["count"] {
				t.Errorf("%d errors, and the function died %d times", deaths, hits)
			}
			mend()
			seen := map[string]bool{}
			for range len(map[string]bool{first: true, last: true}) {
				f, err := listener.Next(patience)
				if err != nil || f.Event != "sale" || seen[f.Channel] {
					t.Fatalf("got %s (%v), and before it %v", f.Raw, err, seen)
				}
				seen[f.Channel] = true
			}
			listener.receives(first)
			listener.receives(last)
			listener.quiet()
		})
	}
}

// A key costs one write.
func TestAnIdempotencyKeyCostsOneWrite(t *testing.T) {
	local(t)
	ch := unique("news-")
	c := subscriber(t, ch)
	c.receives(ch) // every process that will be used has read the app
	var text []byte
	t.Run("a publish", func(t *testing.T) {
		costs(t, bill{
			"lambda.requests": 2, "sqs.requests": 3, "dynamodb.write_units": 1,
			"dynamodb.read_units": 1, "apigateway.messages": 1,
		}, func() {
			text = keyed(t, unique("order-"), wire.Event{Name: "headline", Channel: ch, Data: "{}"})
			answers(t, post(t, wire.Request{Body: text}), 200, "{}")
		})
	})
	t.Run("its repeat", func(t *testing.T) {
		costs(t, bill{"lambda.requests": 1, "sqs.requests": 1, "dynamodb.write_units": 1}, func() {
			answers(t, post(t, wire.Request{Body: text}), 200, "{}")
		})
	})
}
