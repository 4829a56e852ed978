package e2e_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// How the endpoints of apps affect each other, and what webhooks cost.

// One app has more events than the stack has processes that deliver them, and its endpoints do not
// answer or do not exist. They answer only after another app has got all of its events. If that app
// had to wait for them, the test would never end.
func TestSlowAndDeadEndpointsDelayNoOtherApp(t *testing.T) {
	const channels = 15
	slow, dead, fast := newEndpoint(t, nil), newEndpoint(t, nil), newEndpoint(t, nil)
	dead.Close()
	answer := make(chan struct{})
	release := sync.OnceFunc(func() { close(answer) })
	t.Cleanup(release)
	var tried atomic.Int64
	slow.answers(func(webhookRequest) int {
		tried.Add(1)
		<-answer
		return http.StatusOK
	})
	theirs, ours := appWithWebhooks(t, nil, slow, dead), appWithWebhooks(t, nil, fast)
	var occupied []string
	c := connectTo(t, theirs)
	for i := range channels {
		ch := fmt.Sprint("news-", i)
		c.join(ch)
		occupied = append(occupied, webhookEvent("channel_occupied", ch))
	}
	within(t, hookPatience, func() bool { return tried.Load() > 3 },
		"requests that are not answered")
	ann := connectTo(t, ours)
	for i := range channels {
		ann.join(fmt.Sprint("news-", i))
	}
	fast.receives(slices.Clone(occupied)...)
	if err := ann.Close(); err != nil {
		t.Fatal(err)
	}
	for range channels {
		fast.next()
	}
	t.Logf("meanwhile %d requests were not answered", tried.Load())
	if n := len(slow.unread()); n > 0 {
		t.Errorf("the slow endpoint has accepted %d", n)
	}

	release()
	var got []string
	for _, n := range slow.distinct(channels) {
		got = append(got, string(n.Events[0]))
	}
	slices.Sort(got)
	slices.Sort(occupied)
	if !slices.Equal(got, occupied) {
		t.Errorf("the slow endpoint got %v, want %v", got, occupied)
	}
}

// TestWebhooksCostTheirBudget checks docs/decisions/0022-cost-budgets.md on the whole stack: a
// channel that is occupied and vacated costs 5 write units and 2 messages to the queue of checks
// more than without webhooks.
func TestWebhooksCostTheirBudget(t *testing.T) {
	ownCloud(t, 1, nil)
	e := newEndpoint(t, nil)
	c := connectTo(t, appWithWebhooks(t, nil, e))
	cycle := func() {
		c.join("news")
		e.receives(webhookEvent("channel_occupied", "news"))
		c.leave("news")
		e.receives(webhookEvent("channel_vacated", "news"))
	}
	cycle() // every process has read the app
	const (
		checks = 2 // messages to the queue of checks
		// messages to the queue of deliveries: each event for the endpoint and for the bus
		deliveries = 4
	)
	want := bill{
		"lambda.requests":     2 + checks + deliveries,
		"apigateway.messages": 3,
		// one request sends both deliveries of an event
		"sqs.requests": checks*3 + deliveries*2 + 2,
		// C twice, S put, settled and deleted; K put, announced, flagged, being announced, deleted
		"dynamodb.write_units": 5 + 5,
	}
	var got bill
	for range 5 { // sweep may be counted as well
		before := atRest(t)
		cycle()
		got = atRest(t).minus(before)
		delete(got, "dynamodb.read_units") // processes read the app anew every ten seconds
		if maps.Equal(got, want) {
			return
		}
	}
	t.Errorf("costs %v, want %v", got, want)
}
