package sqs_test

import (
	"encoding/json"
	"strings"
	"testing"

	"hark/localstack/cloud/sqs"
)

func TestCreateTakesCloudFormationsProperties(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const redrivePolicy = `{"deadLetterTargetArn":"` + arnPrefix + `dead.fifo",` +
		`"maxReceiveCount":25}`
	for _, properties := range []string{
		`{"QueueName":"minimal"}`,
		`{"QueueName":"dead.fifo","FifoQueue":true}`,
		`{"QueueName":"all.fifo","FifoQueue":true,"ContentBasedDeduplication":true,
			"DeduplicationScope":"messageGroup","FifoThroughputLimit":"perMessageGroupId",
			"DelaySeconds":0,"MaximumMessageSize":262144,
			"MessageRetentionPeriod":300,"ReceiveMessageWaitTimeSeconds":20,"VisibilityTimeout":60,
			"RedrivePolicy":` + redrivePolicy + `,"Tags":[],"SqsManagedSseEnabled":true,
			"RedriveAllowPolicy":{"redrivePermission":"allowAll"}}`,
	} {
		var spec sqs.QueueSpec
		if err := json.Unmarshal([]byte(properties), &spec); err != nil {
			t.Fatal(err)
		}
		if err := b.Create(spec); err != nil {
			t.Error(err)
		}
	}
	var out struct{ Attributes map[string]string }
	b.call(
		t.Context(), "GetQueueAttributes", "all.fifo",
		map[string]any{"AttributeNames": []string{"All"}}, &out,
	)
	for name, want := range map[string]string{
		"VisibilityTimeout": "60", "MessageRetentionPeriod": "300",
		"ReceiveMessageWaitTimeSeconds": "20",
		"MaximumMessageSize":            "262144",
		"RedriveAllowPolicy":            `{"redrivePermission":"allowAll"}`,
		"RedrivePolicy":                 redrivePolicy,
	} {
		if out.Attributes[name] != want {
			t.Errorf("%s is %s, want %s", name, out.Attributes[name], want)
		}
	}
}

func TestCreateRefusesWhatAWSRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ properties, want string }{
		"no name":             {`{}`, "QueueName"},
		"a name with a slash": {`{"QueueName":"a/b"}`, "QueueName"},
		"a name that is too long": {
			`{"QueueName":"` + strings.Repeat("a", 81) + `"}`, "QueueName",
		},
		"a FIFO queue named otherwise": {`{"QueueName":"a","FifoQueue":true}`, ".fifo"},
		"a standard queue named FIFO":  {`{"QueueName":"a.fifo"}`, ".fifo"},
		"a second queue of the name":   {`{"QueueName":"taken"}`, "exists"},
		"a delay above 15 minutes": {
			`{"QueueName":"a","DelaySeconds":901}`, "DelaySeconds",
		},
		"a retention below a minute": {
			`{"QueueName":"a","MessageRetentionPeriod":59}`, "MessageRetentionPeriod",
		},
		"a visibility above 12 hours": {
			`{"QueueName":"a","VisibilityTimeout":43201}`, "VisibilityTimeout",
		},
		"deduplication of standard queues": {
			`{"QueueName":"a","ContentBasedDeduplication":true}`, "FIFO",
		},
		"high throughput in queue scope": {`{"QueueName":"a.fifo","FifoQueue":true,
			"FifoThroughputLimit":"perMessageGroupId"}`, "messageGroup"},
		"dead letters of another kind": {`{"QueueName":"a.fifo","FifoQueue":true,"RedrivePolicy":
			{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:1:d","maxReceiveCount":1}}`, "same kind"},
		"dead letters after no receive": {
			`{"QueueName":"a","RedrivePolicy":
			{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:1:d","maxReceiveCount":0}}`,
			"maxReceiveCount",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, sqs.QueueSpec{QueueName: "taken"})
			var spec sqs.QueueSpec
			if err := json.Unmarshal([]byte(test.properties), &spec); err != nil {
				t.Fatal(err)
			}
			if err := b.Create(spec); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want one about %s", err, test.want)
			}
		})
	}
}
