package sqs_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hark/localstack/cloud/sqs"
)

// FuzzRequest sends arbitrary bodies to every operation. Each must answer with JSON, 200 or a
// refusal, and never with an internal error.
func FuzzRequest(f *testing.F) {
	const url = `"QueueUrl":"http://h/` + account + `/`
	for operation, body := range map[string]string{
		"SendMessage": `{` + url + `q","MessageBody":"x",` +
			`"MessageAttributes":{"a":{"DataType":"Binary","BinaryValue":"AA=="}}}`,
		"SendMessageBatch": `{` + url +
			`q.fifo","Entries":[{"Id":"a","MessageBody":"x","MessageGroupId":"g"}]}`,
		"ReceiveMessage": `{` + url +
			`q","MaxNumberOfMessages":10,"VisibilityTimeout":0,"AttributeNames":["All"]}`,
		"DeleteMessage": `{` + url + `q","ReceiptHandle":"AQEBAAAA"}`,
		"DeleteMessageBatch": `{` + url +
			`q","Entries":[{"Id":"a","ReceiptHandle":"AQEBAAAA"}]}`,
		"ChangeMessageVisibility": `{` + url +
			`q","ReceiptHandle":"AQEB","VisibilityTimeout":3}`,
		"ChangeMessageVisibilityBatch": `{` + url + `q","Entries":[{"Id":"a"}]}`,
		"GetQueueUrl":                  `{"QueueName":"q"}`,
		"GetQueueAttributes":           `{` + url + `q","AttributeNames":["All"]}`,
		"ListDeadLetterSourceQueues":   `{` + url + `q"}`,
		"ListQueues":                   `{"QueueNamePrefix":"q","MaxResults":1,"NextToken":"cQ=="}`,
		"PurgeQueue":                   `{` + url + `q"}`,
	} {
		f.Add(operation, body)
	}
	b := newBench(f, sqs.QueueSpec{QueueName: "q"},
		sqs.QueueSpec{QueueName: "q.fifo", FifoQueue: true, ContentBasedDeduplication: true})
	f.Fuzz(func(t *testing.T, operation, body string) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond) // for a long poll
		defer cancel()
		r := httptest.NewRequestWithContext(ctx, "POST", "/", strings.NewReader(body))
		r.Header.Set("X-Amz-Target", "AmazonSQS."+operation)
		w := httptest.NewRecorder()
		b.ServeHTTP(w, r)
		if w.Code >= 500 || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s %q: %d %s", operation, body, w.Code, w.Body)
		}
	})
}
