package main

import (
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

// TestTheRealStackTellsAppsAndPublishesFromAQueueAndABus: the form with webhooks, whose parts are
// tested where they are; this is about their places in the stack, and what they may do there.
func TestTheRealStackTellsAppsAndPublishesFromAQueueAndABus(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds every function")
	}
	told := make(chan string, 100)
	endpoint := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // what is missing is seen below
		told <- r.Header.Get("X-Pusher-Key") + " " + string(body)
	}))
	defer endpoint.Close()
	r, stop := start(t, "-seed", seedWithWebhook(t, endpoint.URL), "-speed", "2")
	defer func() {
		if err := stop(); err != nil {
			t.Errorf("it ended with %v", err)
		}
	}()
	client := subscribed(t, r, "news")
	select {
	case got := <-told:
		if !strings.HasPrefix(got, r.App.Key+" ") || !strings.Contains(got, `"events":[{"name":"channel_occupied","channel":"news"}]`) {
			t.Errorf("the app is told %s", got)
		}
	case <-time.After(patience):
		t.Error("the app is not told that its channel is occupied")
	}

	event := func(name string) string {
		return `{"app_id":"local","name":"` + name + `","data":"{}","channel":"news"}`
	}
	callAWS(t, r, "AmazonSQS.SendMessage", message{QueueURL: r.Queues["Publish"], Body: event("by-queue"), Group: "news", ID: "1"})
	hears(t, client, "by-queue")
	callAWS(t, r, "AmazonSQS.SendMessage", message{QueueURL: r.Queues["Publish"], Body: `{"app_id":"local"}`, Group: "news", ID: "2"})
	entry := map[string]string{"EventBusName": "Hark", "Source": "shop", "DetailType": "hark.publish", "Detail": event("by-bus")}
	callAWS(t, r, "AWSEvents.PutEvents", map[string]any{"Entries": []any{entry}})
	hears(t, client, "by-bus")

	dead := callAWS(t, r, "AmazonSQS.ReceiveMessage", map[string]any{
		"QueueUrl": r.Queues["DeadPublish"], "WaitTimeSeconds": 20, "MessageAttributeNames": []string{"All"},
	})
	if !strings.Contains(dead, `{\"app_id\":\"local\"}`) || !strings.Contains(dead, "The name field is required") {
		t.Errorf("the dead letters are %s", dead)
	}
	checkBusIsBilled(t, r)
}

// message is a SendMessage to a FIFO queue.
type message struct {
	QueueURL string `json:"QueueUrl"`
	Body     string `json:"MessageBody"`
	Group    string `json:"MessageGroupId"`
	ID       string `json:"MessageDeduplicationId"`
}

// seedWithWebhook is a file of the usual app, which wants to be told at the address.
func seedWithWebhook(t *testing.T, url string) string {
	t.Helper()
	usual, err := os.ReadFile("seed.json")
	if err != nil {
		t.Fatal(err)
	}
	hook := fmt.Sprintf(`"secret": {"S": "local-secret"}, "webhooks": {"L": [{"M": {"url": {"S": %q}}}]}`, url)
	path := filepath.Join(t.TempDir(), "seed.json")
	if err := os.WriteFile(path, []byte(strings.Replace(string(usual), `"secret": {"S": "local-secret"}`, hook, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// subscribed is a client that is subscribed to a channel.
func subscribed(t *testing.T, r ready, channel string) *wire.Conn {
	t.Helper()
	client, err := wire.Dial(t.Context(), r.Listen, "/app/"+r.App.Key+"?protocol=7")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Drop() }) // the cloud has ended by then
	if _, err := client.Greeting(patience); err != nil {
		t.Fatal(err)
	}
	if err := client.Subscribe(channel, ""); err != nil {
		t.Fatal(err)
	}
	hears(t, client, "pusher_internal:subscription_succeeded")
	return client
}

func hears(t *testing.T, client *wire.Conn, event string) {
	t.Helper()
	got, err := client.Message(patience)
	if err != nil || !strings.Contains(string(got), `"event":"`+event+`"`) {
		t.Fatalf("heard %s (%v), want %s", got, err, event)
	}
}

// callAWS calls an operation on the AWS port and returns what it answers.
func callAWS(t *testing.T, r ready, target string, in any) string {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.AWS, strings.NewReader(string(body)))
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

// checkBusIsBilled: the app's notices go to the bus as well, by the function that tells them.
func checkBusIsBilled(t *testing.T, r ready) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		_, body := get(t, r.AWS+"/_hark/meter")
		if strings.Contains(body, `{"service":"eventbridge","unit":"eventbridge.events","function":"Hark-webhook","operation":"PutEvents","n":1}`) {
			return
		}
	}
	t.Error("no notice was put on the bus")
}
