package sqs_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"hark/localstack/cloud/meter"
	"hark/localstack/cloud/sqs"
)

// TestOverTheNetwork has a client of a real server give up a long poll. A message sent afterwards
// goes to the next receive.
func TestOverTheNetwork(t *testing.T) {
	t.Parallel()
	bill := new(meter.Meter)
	svc := sqs.New(sqs.Options{Region: "us-east-1", Account: account, Meter: bill})
	if err := svc.Create(sqs.QueueSpec{QueueName: "q"}); err != nil {
		t.Fatal(err)
	}
	arrived := make(chan struct{}, 10) // more than there are requests
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The client may give up once its request is here as a whole. Before, it would be a request
		// that cannot be read, and no poll.
		body, _ := io.ReadAll(r.Body) // what is missing fails below
		r.Body = io.NopCloser(bytes.NewReader(body))
		arrived <- struct{}{}
		svc.ServeHTTP(w, r)
	}))
	defer server.Close()
	client := newClient(engine{endpoint: server.URL, region: "us-east-1", http: server.Client()})
	url := aws.String(server.URL + "/" + account + "/q")

	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	_, err := client.ReceiveMessage(
		ctx, &awssqs.ReceiveMessageInput{QueueUrl: url, WaitTimeSeconds: 20},
	)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error is %v", err)
	}
	for end := time.Now().Add(time.Minute); bill.Snapshot()[meter.EmptyReceives] == 0; time.Sleep(
		time.Millisecond,
	) {
		if time.Now().After(end) {
			t.Fatal("the request outlives its client")
		}
	}
	_, err = client.SendMessage(
		t.Context(), &awssqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("x")},
	)
	if err != nil {
		t.Fatal(err)
	}
	out, err := client.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: url})
	if err != nil || len(out.Messages) != 1 {
		t.Fatalf("received %v, %v", out, err)
	}
}
