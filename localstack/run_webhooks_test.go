package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hark/localstack/e2e/wire"
)

// The parts of the stack with webhooks have tests of their own. This one is about their places in
// the stack and their permissions.
func TestTheRealStackSendsWebhooksAndPublishesFromAQueueAndABus(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds every function")
	}
	received := make(chan string, 100)
	endpoint := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // wantWebhook fails if the body was cut off
		received <- r.Header.Get("X-Pusher-Key") + " " + string(body)
	}))
	defer endpoint.Close()
	r, stop := start(t, "-seed", seedWithWebhook(t, endpoint.URL), "-speed", "2")
	defer func() {
		if err := stop(); err != nil {
			t.Errorf("it ended with %v", err)
		}
	}()
	client := subscribed(t, r, "news")
	wantWebhook(t, received, r.App.Key+" ",
		`"events":[{"name":"channel_occupied","channel":"news"}]`)

	event := func(name string) string {
		return `{"app_id":"local","name":"` + name + `","data":"{}","channel":"news"}`
	}
	sendToPublishQueue(t, r, event("by-queue"), "1")
	wantEvent(t, client, "by-queue")
	sendToPublishQueue(t, r, `{"app_id":"local"}`, "2")
	callAWS(t, r, "AWSEvents.PutEvents", map[string]any{"Entries": []any{map[string]string{
		"EventBusName": "Hark", "Source": "shop", "DetailType": "hark.publish",
		"Detail": event("by-bus"),
	}}})
	wantEvent(t, client, "by-bus")

	refused := callAWS(t, r, "AmazonSQS.ReceiveMessage", map[string]any{
		"QueueUrl": r.Queues["DeadPublish"], "WaitTimeSeconds": 20,
		"MessageAttributeNames": []string{"All"},
	})
	if !strings.Contains(refused, `{\"app_id\":\"local\"}`) ||
		!strings.Contains(refused, "The name field is required") {
		t.Errorf("the refused queue holds %s", refused)
	}
	wantBusBilled(t, r)
}

// wantWebhook waits for a webhook request and checks how it begins and what it holds.
func wantWebhook(t *testing.T, received <-chan string, prefix, text string) {
	t.Helper()
	select {
	case got := <-received:
		if !strings.HasPrefix(got, prefix) || !strings.Contains(got, text) {
			t.Errorf("the webhook request is %s, want %s and %s", got, prefix, text)
		}
	case <-time.After(patience):
		t.Error("no webhook request was sent")
	}
}

// sendToPublishQueue sends a message to the queue from which Hark publishes. Its deduplication ID
// must be new.
func sendToPublishQueue(t *testing.T, r ready, body, id string) {
	t.Helper()
	callAWS(t, r, "AmazonSQS.SendMessage", map[string]string{
		"QueueUrl": r.Queues["Publish"], "MessageBody": body,
		"MessageGroupId": "news", "MessageDeduplicationId": id,
	})
}

// seedWithWebhook writes a seed in which the usual app has a webhook, and returns its path.
func seedWithWebhook(t *testing.T, url string) string {
	t.Helper()
	seed, err := os.ReadFile("seed.json")
	if err != nil {
		t.Fatal(err)
	}
	const secret = `"secret": {"S": "local-secret"}`
	webhooks := fmt.Sprintf(`, "webhooks": {"L": [{"M": {"url": {"S": %q}}}]}`, url)
	changed := strings.Replace(string(seed), secret, secret+webhooks, 1)
	path := filepath.Join(t.TempDir(), "seed.json")
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// subscribed returns a client that is subscribed to the channel.
func subscribed(t *testing.T, r ready, channel string) *wire.Conn {
	t.Helper()
	client, err := wire.Dial(t.Context(), r.Listen, "/app/"+r.App.Key+"?protocol=7")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Drop() }) // fails: the cloud has ended by then
	if _, err := client.Greeting(patience); err != nil {
		t.Fatal(err)
	}
	if err := client.Subscribe(channel, ""); err != nil {
		t.Fatal(err)
	}
	wantEvent(t, client, "pusher_internal:subscription_succeeded")
	return client
}

// wantEvent waits for the next frame and checks its event.
func wantEvent(t *testing.T, client *wire.Conn, event string) {
	t.Helper()
	got, err := client.Message(patience)
	if err != nil || !strings.Contains(string(got), `"event":"`+event+`"`) {
		t.Fatalf("the frame is %s (%v), want %s", got, err, event)
	}
}

// callAWS calls an operation on the AWS port and returns the answer.
func callAWS(t *testing.T, r ready, target string, in any) string {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(
		t.Context(), http.MethodPost, r.AWS, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", target)
	status, answer := do(t, req)
	if status != http.StatusOK {
		t.Fatalf("%s answers %d %s", target, status, answer)
	}
	return answer
}

// wantBusBilled waits until the meter has counted a webhook event that the webhook function put on
// the event bus.
func wantBusBilled(t *testing.T, r ready) {
	t.Helper()
	const billed = `{"service":"eventbridge","unit":"eventbridge.events",` +
		`"function":"Hark-webhook","operation":"PutEvents","n":1}`
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		_, body := get(t, r.AWS+"/_hark/meter")
		if strings.Contains(body, billed) {
			return
		}
	}
	t.Error("no webhook event was put on the bus")
}
