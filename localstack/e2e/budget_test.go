package e2e_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"testing"
	"time"

	"hark/localstack/e2e/target"
	"hark/localstack/e2e/wire"
)

// bill is what the local cloud's meter has counted, in AWS's units.
type bill map[string]float64

// counted are the units that have budgets. Minutes, milliseconds and bytes depend on the machine or
// the moment.
func counted() []string {
	return []string{
		"lambda.requests", "dynamodb.write_units", "dynamodb.read_units", "sqs.requests",
		"apigateway.messages",
	}
}

// meter is what the local cloud's meter answers (localstack/README.md).
type meter struct {
	Units bill `json:"units"`
	By    []struct {
		Unit, Function, Operation string
		N                         float64
	} `json:"by"`
}

func askMeter(t *testing.T) (m meter) {
	t.Helper()
	res, err := http.Get(hark.AWS + "/_hark/meter")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }() // the body was read to its end
	if err := json.NewDecoder(res.Body).Decode(&m); err != nil {
		t.Fatal(err)
	}
	return m
}

func readMeter(t *testing.T) bill {
	t.Helper()
	return askMeter(t).Units
}

// metered returns how much of a unit was counted for an operation of a function.
func metered(t *testing.T, unit, function, operation string) (n float64) {
	t.Helper()
	for _, entry := range askMeter(t).By {
		if entry.Unit == unit && entry.Function == "Hark-"+function &&
			entry.Operation == operation {
			n += entry.N
		}
	}
	return n
}

// costs fails unless the action costs exactly this. It tries up to five times, since sweep or the
// end of an earlier test may be counted too; an action over its budget costs too much every time.
func costs(t *testing.T, want bill, do func()) {
	t.Helper()
	costsAfter(t, want, func() {}, do)
}

// costsAfter is costs for an action that needs a preparation each time, which is not counted.
func costsAfter(t *testing.T, want bill, prepare, do func()) {
	t.Helper()
	var got bill
	for range 5 {
		prepare()
		before := atRest(t)
		do()
		for deadline := time.Now().Add(2 * time.Second); time.Now().Before(deadline); {
			got = readMeter(t).minus(before)
			if maps.Equal(got, want) && maps.Equal(atRest(t).minus(before), want) {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	t.Errorf("costs %v, want %v", got, want)
}

// atRest reads the meter when nothing has been counted for a while.
func atRest(t *testing.T) bill {
	t.Helper()
	last := readMeter(t)
	for end := time.Now().Add(patience); time.Now().Before(end); {
		time.Sleep(calm)
		now := readMeter(t)
		if len(now.minus(last)) == 0 {
			return now
		}
		last = now
	}
	t.Fatalf("something is counted all the time: %v", last)
	return nil
}

// minus returns what has been counted since before.
func (b bill) minus(before bill) bill {
	since := bill{}
	for _, unit := range counted() {
		if d := b[unit] - before[unit]; d != 0 {
			since[unit] = d
		}
	}
	return since
}

// TestCostsMatchTheBudgets checks docs/decisions/0022-cost-budgets.md on the whole stack, in units
// that do not depend on the machine. Messages count in both directions: a subscribe is its frame
// and its answer. A queue's message is three requests: it is sent, received and deleted.
func TestCostsMatchTheBudgets(t *testing.T) {
	local(t)
	withoutWebhooks(t)
	news := unique("news-")
	const subscribers = 5
	for range subscribers {
		subscriber(t, news)
	}
	visitor := connect(t)
	visitor.pings() // every process that will be used has read the app
	t.Run("connect, greeting and disconnect", func(t *testing.T) {
		want := bill{"lambda.requests": 2, "dynamodb.write_units": 3, "apigateway.messages": 1}
		costs(t, want, func() {
			if err := connect(t).Close(); err != nil {
				t.Fatal(err)
			}
		})
	})
	t.Run("ping: an idle connection costs nothing in DynamoDB", func(t *testing.T) {
		costs(t, bill{"lambda.requests": 1, "apigateway.messages": 2}, func() { visitor.pings() })
	})
	t.Run("subscribe to an occupied channel", func(t *testing.T) {
		want := bill{
			"lambda.requests": 1, "dynamodb.write_units": 3, "dynamodb.read_units": 3,
			"apigateway.messages": 2,
		}
		costs(t, want, func() { visitor.join(news) })
	})
	t.Run("subscribe to it and leave it", func(t *testing.T) {
		want := bill{
			"lambda.requests": 2, "dynamodb.write_units": 5, "dynamodb.read_units": 5,
			"apigateway.messages": 3,
		}
		costs(t, want, func() {
			visitor.join(news)
			visitor.leave(news)
		})
	})
	t.Run(fmt.Sprintf("publish to %d, queued", subscribers), func(t *testing.T) {
		want := bill{
			"lambda.requests": 2, "dynamodb.read_units": 1, "sqs.requests": 3,
			"apigateway.messages": subscribers,
		}
		costs(t, want,
			func() { publish(t, wire.Event{Name: "headline", Channel: news, Data: `{}`}) })
	})
	t.Run("sign-in", func(t *testing.T) { budgetOfSignIn(t) })
	t.Run("presence", func(t *testing.T) { budgetOfPresence(t) })
	t.Run("client event", func(t *testing.T) { budgetOfClientEvent(t) })
}

// withoutWebhooks runs the test against a local cloud of its own whose stack has no webhooks, the
// default of deployments. The tests of webhooks check what those add.
func withoutWebhooks(t *testing.T) {
	t.Helper()
	if os.Getenv("HARK_TEMPLATE") != "" {
		return // measure the chosen form as it is
	}
	openOwn(t, target.Options{Template: "default"})
}

// budgetOfPresence checks joins and leaves of a channel that has other members.
func budgetOfPresence(t *testing.T) {
	const others = 4
	room := unique("presence-room-")
	for i := range others {
		member(t, room, fmt.Sprint(i), "")
	}
	c := connect(t)
	join := bill{
		"lambda.requests": 2, "sqs.requests": 3,
		"dynamodb.write_units": 4, // lease, C, S, S settled
		"dynamodb.read_units":  4, // C, all S (up to 4 KB), C, K
		"apigateway.messages":  2 + others,
	}
	leave := bill{
		"lambda.requests": 2, "sqs.requests": 3,
		"dynamodb.write_units": 2, // C, S
		"dynamodb.read_units":  3, // C, all S, whether there is any S left
		"apigateway.messages":  1 + others,
	}
	t.Run("join", func(t *testing.T) {
		costsAfter(t, join, func() { c.leave(room) }, func() {
			c.enter(room, channelData("visitor", ""))
			c.welcomed(room)
		})
	})
	t.Run("leave", func(t *testing.T) {
		costsAfter(t, leave, func() {
			c.enter(room, channelData("visitor", ""))
			c.welcomed(room)
		}, func() { c.leave(room) })
	})
	t.Run("another connection of a member: no frame to the others", func(t *testing.T) {
		second := maps.Clone(join)
		second["apigateway.messages"] = 2
		costsAfter(t, second, func() { c.leave(room) }, func() {
			c.enter(room, channelData("0", ""))
			c.welcomed(room)
		})
	})
	t.Run("connect, join and disconnect", func(t *testing.T) {
		c.leave(room)
		costs(t, bill{
			"lambda.requests": 5, "sqs.requests": 6,
			"dynamodb.write_units": 1 + 4 + 3, // C; join; C dead, C deleted, S
			"dynamodb.read_units":  4 + 2,     // join; all S, whether there is any S left
			"apigateway.messages":  1 + 2 + 2*others,
		}, func() {
			c := connect(t)
			c.enter(room, channelData("another visitor", ""))
			c.welcomed(room)
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
		})
	})
}

func budgetOfSignIn(t *testing.T) {
	var c client
	var data string
	prepare := func() {
		c = connect(t)
		data = `{"id":"` + unique("user-") + `"}`
	}
	t.Run("without a watchlist", func(t *testing.T) {
		costsAfter(t, bill{
			"lambda.requests":      1,
			"dynamodb.write_units": 3, // lease, C, the user's row
			"dynamodb.read_units":  3, // C twice, whether the user has watchers
			"apigateway.messages":  2,
		}, prepare, func() {
			c.signIn(data)
			c.signedIn(data)
		})
	})
	t.Run("the user's channel: nothing is written", func(t *testing.T) {
		id := unique("user-")
		c := user(t, id)
		costs(t, bill{"lambda.requests": 1, "dynamodb.read_units": 1, "apigateway.messages": 2},
			func() {
				c.subscribe("#server-to-user-"+id, "")
				c.succeeds("#server-to-user-" + id)
			})
	})
}

func budgetOfClientEvent(t *testing.T) {
	for prefix, reads := range map[string]float64{
		"private-room-":  2, // C, all S
		"presence-room-": 3, // also the sender's S, for its user
	} {
		t.Run(prefix, func(t *testing.T) {
			ch := unique(prefix)
			all := make([]client, 3)
			for i := range all {
				all[i] = connect(t)
				all[i].joinAny(ch)
			}
			costs(t, bill{
				"lambda.requests": 2, "sqs.requests": 3,
				"dynamodb.write_units": 1, // the count of events within the second
				"dynamodb.read_units":  reads,
				"apigateway.messages":  3,
			}, func() { all[0].whispers(ch, "client-typing", "{}") })
		})
	}
}
