package e2e_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"testing"
	"time"

	"hark/localstack/e2e/wire"
)

// bill is what the local cloud's meter counted, in AWS's units.
type bill map[string]float64

// counted are the units that budgets are about. Minutes, milliseconds and bytes depend on the machine or the moment.
func counted() []string {
	return []string{"lambda.requests", "dynamodb.write_units", "dynamodb.read_units", "sqs.requests", "apigateway.messages"}
}

func readMeter(t *testing.T) bill {
	t.Helper()
	res, err := http.Get(hark.AWS + "/_hark/meter")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }() // read to its end
	var m struct {
		Units bill `json:"units"`
	}
	if err := json.NewDecoder(res.Body).Decode(&m); err != nil {
		t.Fatal(err)
	}
	return m.Units
}

// costs does the same thing up to five times, until it has cost exactly this: in between, sweep or the end of an earlier
// test may have been counted too, but what costs more than its budget does so every time.
func costs(t *testing.T, want bill, do func()) {
	t.Helper()
	var got bill
	for range 5 {
		before := readMeter(t)
		do()
		for deadline := time.Now().Add(2 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			after := readMeter(t)
			got = bill{}
			for _, unit := range counted() {
				if d := after[unit] - before[unit]; d != 0 {
					got[unit] = d
				}
			}
			if maps.Equal(got, want) {
				return
			}
		}
	}
	t.Errorf("costs %v, want %v", got, want)
}

// TestBudgets asserts design.md §7 on the whole stack, in units that do not depend on the machine. Messages count both ways:
// a subscribe is the frame and its answer.
func TestBudgets(t *testing.T) {
	local(t)
	news := unique("news-")
	const subscribers = 5
	for range subscribers {
		subscriber(t, news)
	}
	visitor := connect(t)
	visitor.pings() // the app is known to every process that will be asked
	t.Run("connect, greeting and disconnect", func(t *testing.T) {
		want := bill{"lambda.requests": 2, "dynamodb.write_units": 3, "apigateway.messages": 1}
		costs(t, want, func() {
			if err := connect(t).Close(); err != nil {
				t.Fatal(err)
			}
		})
	})
	t.Run("ping", func(t *testing.T) {
		costs(t, bill{"lambda.requests": 1, "apigateway.messages": 2}, func() { visitor.pings() })
	})
	t.Run("subscribe to an occupied channel", func(t *testing.T) {
		want := bill{"lambda.requests": 1, "dynamodb.write_units": 2, "dynamodb.read_units": 3, "apigateway.messages": 2}
		costs(t, want, func() { visitor.join(news) })
	})
	t.Run("subscribe to it and leave it", func(t *testing.T) {
		want := bill{"lambda.requests": 2, "dynamodb.write_units": 4, "dynamodb.read_units": 5, "apigateway.messages": 3}
		costs(t, want, func() {
			visitor.join(news)
			visitor.leave(news)
		})
	})
	t.Run(fmt.Sprintf("publish to %d, queued", subscribers), func(t *testing.T) {
		// Send, receive and delete are one queue request each; one read of the subscribers.
		want := bill{"lambda.requests": 2, "dynamodb.read_units": 1, "sqs.requests": 3, "apigateway.messages": subscribers}
		costs(t, want, func() { publish(t, wire.Event{Name: "headline", Channel: news, Data: `{}`}) })
	})
}
