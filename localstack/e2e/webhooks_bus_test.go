package e2e_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"hark/localstack/e2e/wire"
)

// Webhook events are put on the stack's event bus as well.

// copyBusToQueue adds a rule that copies the channel events of the bus to a queue, as an app's own
// stack could.
func copyBusToQueue(resources map[string]map[string]any) {
	arn := func(id string) any { return map[string]any{"Fn::GetAtt": []string{id, "Arn"}} }
	ref := func(id string) any { return map[string]any{"Ref": id} }
	resources["BusCopy"] = map[string]any{
		"Type":       "AWS::SQS::Queue",
		"Properties": map[string]any{"FifoQueue": true, "ContentBasedDeduplication": true},
	}
	allow := map[string]any{
		"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arn("BusCopy"),
		"Principal": map[string]any{"Service": "events.amazonaws.com"},
		"Condition": map[string]any{
			"ArnEquals": map[string]any{"aws:SourceArn": arn("BusCopyRule")},
		},
	}
	resources["BusCopyPolicy"] = map[string]any{
		"Type": "AWS::SQS::QueuePolicy",
		"Properties": map[string]any{
			"Queues": []any{ref("BusCopy")},
			"PolicyDocument": map[string]any{
				"Version": "2012-10-17", "Statement": []any{allow},
			},
		},
	}
	resources["BusCopyRule"] = map[string]any{
		"Type": "AWS::Events::Rule",
		"Properties": map[string]any{
			"EventBusName": ref("Bus"), "EventPattern": map[string]any{"source": []string{"hark"}},
			"State": "ENABLED",
			"Targets": []any{map[string]any{
				"Arn": arn("BusCopy"), "Id": "bus-copy",
				"SqsParameters": map[string]any{"MessageGroupId": "bus-copy"},
			}},
		},
	}
}

// busEvent is an event as EventBridge passes it on.
type busEvent struct {
	DetailType string         `json:"detail-type"`
	Source     string         `json:"source"`
	Time       time.Time      `json:"time"`
	Detail     map[string]any `json:"detail"`
}

// busEvents reads the events that the rule has sent so far.
func busEvents(t *testing.T) (all []busEvent) {
	t.Helper()
	for {
		out, err := queues().ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: aws.String(hark.Queues["BusCopy"]), MaxNumberOfMessages: 10,
			WaitTimeSeconds: 2,
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			return all
		}
		for _, m := range out.Messages {
			var e busEvent
			if err := json.Unmarshal([]byte(*m.Body), &e); err != nil {
				t.Fatalf("%s: %v", *m.Body, err)
			}
			all = append(all, e)
			_, err := queues().DeleteMessage(t.Context(), &sqs.DeleteMessageInput{
				QueueUrl: aws.String(hark.Queues["BusCopy"]), ReceiptHandle: m.ReceiptHandle,
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Each kind of webhook event happens once. The bus gets every event that the endpoint gets, once,
// with the socket ID and the duration where they exist.
func TestTheBusGetsEveryWebhookEvent(t *testing.T) {
	ownCloud(t, 1, copyBusToQueue)
	e := newEndpoint(t, nil)
	app := appWithWebhooks(t, item{"subscription_count": true}, e)
	// presence channels count users, not subscriptions
	const room, news = "presence-cache-room", "news"
	counted := func(n int) string {
		return fmt.Sprintf(`{"name":"subscription_count","channel":%q,"subscription_count":%d}`,
			news, n)
	}
	began := time.Now()
	c, other := connectTo(t, app), connectTo(t, app)
	c.enter(room, channelData("7", ""))
	c.next(wire.SubscriptionSucceeded, room)
	c.whispers(room, "client-typing", `{}`)
	whispered := webhookEvent("client_event", room, "event", "client-typing", "data", "{}",
		"socket_id",
		c.SocketID, "user_id", "7")
	e.receives(webhookEvent("channel_occupied", room),
		webhookEvent("member_added", room, "user_id", "7"),
		webhookEvent("cache_miss", room), whispered)
	other.join(news)
	e.receives(webhookEvent("channel_occupied", news), counted(1))
	c.leave(room)
	e.receives(webhookEvent("channel_vacated", room),
		webhookEvent("member_removed", room, "user_id", "7"))
	other.leave(news)
	e.receives(webhookEvent("channel_vacated", news), counted(0))
	e.receivesNothingMore()

	e.mu.Lock()
	requests := slices.Clone(e.all)
	e.mu.Unlock()
	within(t, hookPatience, func() bool { return waiting(t, "Deliveries") == 0 },
		"the end of all deliveries")
	events := busEvents(t)
	if len(events) != len(requests) {
		t.Errorf("the bus got %d events, the endpoint %d", len(events), len(requests))
	}
	for _, n := range requests {
		onBus(t, events, n, app.ID, c.SocketID, began)
	}
}

// onBus fails unless the event of the request is among the events of the bus, with the app, and
// with the socket ID and the duration where they exist.
func onBus(
	t *testing.T, events []busEvent, n webhookRequest, appID, socketID string, began time.Time,
) {
	t.Helper()
	var want map[string]any
	if err := json.Unmarshal(n.Events[0], &want); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(events, func(b busEvent) bool {
		return b.Detail["name"] == want["name"] && b.Detail["channel"] == want["channel"] &&
			b.Detail["time_ms"] == float64(n.At)
	})
	if i < 0 {
		t.Errorf("the bus did not get %s", n.Events[0])
		return
	}
	got := events[i]
	want["app"], want["time_ms"] = appID, float64(n.At)
	switch got.DetailType {
	case "member_added":
		want["socket_id"] = socketID
	case "member_removed":
		want["socket_id"] = socketID
		want["duration_ms"] = lasted(t, got, began, n)
	case "channel_vacated":
		want["duration_ms"] = lasted(t, got, began, n)
	}
	if !maps.Equal(got.Detail, want) || got.DetailType != want["name"] ||
		got.Source != "hark" || got.Time.Unix() != n.At/1000 {
		t.Errorf("the bus got %+v, want %v", got, want)
	}
}

// lasted returns the duration of the event, and fails the test if it is impossible.
func lasted(t *testing.T, e busEvent, began time.Time, n webhookRequest) any {
	t.Helper()
	ms, _ := e.Detail["duration_ms"].(float64)
	if most := float64(n.came.Sub(began).Milliseconds()); ms <= 0 || ms > most {
		t.Errorf("%s lasted %v ms, of at most %v", e.DetailType, e.Detail["duration_ms"], most)
	}
	return e.Detail["duration_ms"]
}
