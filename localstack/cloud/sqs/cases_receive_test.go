package sqs_test

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"hark/localstack/cloud/sqs"
)

func refusesReceive(name, differs, parameters string) conformance {
	return conformance{name: name, differs: differs, run: func(r *rig) {
		r.refusedRaw(
			"ReceiveMessage", `{"QueueUrl":"`+r.standard()+`",`+parameters+`}`,
			"InvalidParameterValue",
		)
	}}
}

func receiveCases() []conformance {
	return slices.Concat(requestCases(), receivedCases(), longPollCases())
}

func requestCases() []conformance {
	return []conformance{
		{name: "an empty queue gives nothing at once", run: func(r *rig) {
			begin := time.Now()
			r.gets(r.standard())
			want(r, "it took long", time.Since(begin) > time.Second, false)
		}},
		{name: "one message is received unless more are asked for", run: func(r *rig) {
			url := r.standard()
			r.send(url, "1", "2")
			_, _, answer := r.raw("ReceiveMessage", `{"QueueUrl":"`+url+`"}`)
			messages, _ := answer["Messages"].([]any)
			want(r, "messages", len(messages), 1)
		}},
		refusesReceive("eleven messages cannot be asked for", "", `"MaxNumberOfMessages":11`),
		refusesReceive("zero messages cannot be asked for", "", `"MaxNumberOfMessages":0`),
		refusesReceive("a wait above 20 seconds is refused", "", `"WaitTimeSeconds":21`),
		refusesReceive("a visibility timeout above 12 hours is refused",
			"it accepts any number; API Reference, ReceiveMessage: 0 to 43200",
			`"VisibilityTimeout":43201`),
		refusesReceive("a negative visibility timeout is refused",
			"it accepts any number; API Reference, ReceiveMessage: 0 to 43200",
			`"VisibilityTimeout":-1`),
		{name: "all system attributes can be asked for by the old parameter", run: func(r *rig) {
			url := r.standard()
			r.send(url, "x")
			m := r.one(url, func(in *awssqs.ReceiveMessageInput) {
				in.MessageSystemAttributeNames = nil
				//nolint:staticcheck // older SDKs send it
				in.AttributeNames = []types.QueueAttributeName{"All"}
			})
			want(r, "attributes", strings.Join(sortedKeys(m.Attributes), " "),
				"ApproximateFirstReceiveTimestamp ApproximateReceiveCount SenderId SentTimestamp")
			sent, err := strconv.ParseInt(m.Attributes["SentTimestamp"], 10, 64)
			r.no(err)
			want(
				r, "sent in milliseconds just now",
				time.Since(time.UnixMilli(sent)).Abs() < time.Minute, true,
			)
		}},
		{name: "one system attribute can be asked for", run: func(r *rig) {
			url := r.standard()
			r.send(url, "x")
			m := r.one(url, func(in *awssqs.ReceiveMessageInput) {
				in.MessageSystemAttributeNames = []types.MessageSystemAttributeName{"SentTimestamp"}
			})
			want(r, "attributes", strings.Join(sortedKeys(m.Attributes), " "), "SentTimestamp")
		}},
	}
}

func receivedCases() []conformance {
	return []conformance{
		{
			name: "a received message is in flight, and back after its visibility timeout",
			run: func(r *rig) {
				url := r.queue(sqs.QueueSpec{VisibilityTimeout: aws.Int(1)})
				r.send(url, "x")
				first := r.gets(url, "x")
				r.counts(url, 0, 1, 0)
				r.gets(url)
				r.sleep(1200 * time.Millisecond)
				again := r.gets(url, "x")
				want(r, "receives", again[0].Attributes["ApproximateReceiveCount"], "2")
				want(r, "same ID", *again[0].MessageId, *first[0].MessageId)
				want(r, "same handle", *again[0].ReceiptHandle == *first[0].ReceiptHandle, false)
				const stamp = "ApproximateFirstReceiveTimestamp"
				want(r, stamp, again[0].Attributes[stamp], first[0].Attributes[stamp])
			},
		},
		{name: "a receive can bring its own visibility timeout", run: func(r *rig) {
			url := r.standard()
			r.send(url, "x")
			r.one(url, visibility(1))
			r.sleep(1200 * time.Millisecond)
			r.gets(url, "x")
		}},
		{name: "a visibility timeout of zero leaves the message visible", run: func(r *rig) {
			url := r.queue(sqs.QueueSpec{VisibilityTimeout: aws.Int(0)})
			r.send(url, "x")
			want(r, "messages", len(r.receive(url, 10)), 1)
			r.gets(url, "x")
			r.counts(url, 1, 0, 0)
		}},
	}
}

func longPollCases() []conformance {
	return []conformance{
		{name: "a long poll is woken by a send", run: func(r *rig) {
			url := r.standard()
			begin := time.Now()
			time.AfterFunc(200*time.Millisecond, func() {
				_, _ = r.trySend(url, "x")
			})
			want(r, "body", *r.one(url, wait(10)).Body, "x")
			want(r, "woken soon", time.Since(begin) < 3*time.Second, true)
		}},
		{name: "a long poll is woken by a message that becomes visible", run: func(r *rig) {
			url := r.standard()
			r.send(url, "x")
			r.one(url, visibility(1))
			begin := time.Now()
			r.one(url, wait(10))
			want(r, "woken soon", time.Since(begin) < 3*time.Second, true)
		}},
		{name: "a long poll ends empty", run: func(r *rig) {
			begin := time.Now()
			want(r, "messages", len(r.receive(r.standard(), 1, wait(1))), 0)
			want(r, "waited", time.Since(begin) >= 900*time.Millisecond, true)
		}},
		{name: "the queue can say how long to wait", run: func(r *rig) {
			url := r.queue(sqs.QueueSpec{ReceiveMessageWaitTimeSeconds: aws.Int(1)})
			begin := time.Now()
			_, _, answer := r.raw("ReceiveMessage", `{"QueueUrl":"`+url+`"}`)
			messages, _ := answer["Messages"].([]any)
			want(r, "messages", len(messages), 0)
			want(r, "waited", time.Since(begin) >= 900*time.Millisecond, true)
		}},
	}
}

func deleteCases() []conformance {
	return []conformance{
		{
			name: "a deleted message is gone, and deleting it again is fine",
			differs: "it refuses the second delete; API Reference, DeleteMessage: a request with " +
				"a handle of the past succeeds",
			run: func(r *rig) {
				url := r.standard()
				r.send(url, "x")
				m := r.one(url, visibility(1))
				r.delete(url, m, m)
				r.counts(url, 0, 0, 0)
				r.sleep(1200 * time.Millisecond)
				r.gets(url)
			},
		},
		{name: "a handle that never was one is refused", run: func(r *rig) {
			r.refused(r.tryDelete(r.standard(), "nonsense"), "ReceiptHandleIsInvalid")
		}},
		{name: "a handle of another queue is refused", run: func(r *rig) {
			url := r.queue(sqs.QueueSpec{QueueName: "a"})
			other := r.queue(sqs.QueueSpec{QueueName: "b"})
			r.send(url, "x")
			r.refused(r.tryDelete(other, *r.one(url).ReceiptHandle), "ReceiptHandleIsInvalid")
		}},
		{
			name: "the latest handle of a standard queue deletes after its visibility timeout",
			run: func(r *rig) {
				url := r.standard()
				r.send(url, "x")
				r.delete(url, r.bounce(url))
				r.gets(url)
			},
		},
		{
			name: "an older handle of a standard queue is accepted without effect",
			differs: "it refuses the handle; API Reference, DeleteMessage: the request succeeds, " +
				"but the message will not be deleted",
			run: func(r *rig) {
				url := r.standard()
				r.send(url, "x")
				old := r.bounce(url)
				r.one(url)
				r.delete(url, old)
				r.counts(url, 0, 1, 0)
			},
		},
		{name: "a batch of deletes fails by entry", run: batchOfDeletes},
	}
}

func batchOfDeletes(r *rig) {
	url := r.standard()
	r.send(url, "x")
	out, err := r.client.DeleteMessageBatch(r.ctx, &awssqs.DeleteMessageBatchInput{
		QueueUrl: &url, Entries: []types.DeleteMessageBatchRequestEntry{
			{Id: aws.String("good"), ReceiptHandle: r.one(url).ReceiptHandle},
			{Id: aws.String("bad"), ReceiptHandle: aws.String("nonsense")},
		},
	})
	r.no(err)
	want(r, "successful", *out.Successful[0].Id, "good")
	want(r, "failed", *out.Failed[0].Id, "bad")
	want(r, "code", *out.Failed[0].Code, "ReceiptHandleIsInvalid")
	r.counts(url, 0, 0, 0)
}

func visibilityCases() []conformance {
	return []conformance{
		{name: "a change to zero gives the message back at once", run: func(r *rig) {
			url := r.standard()
			r.send(url, "x")
			m := r.one(url)
			r.no(r.tryChange(url, *m.ReceiptHandle, 0))
			r.gets(url, "x")
		}},
		{name: "a change keeps the message in flight for longer", run: func(r *rig) {
			url := r.standard()
			r.send(url, "x")
			m := r.one(url, visibility(1))
			r.no(r.tryChange(url, *m.ReceiptHandle, 30))
			r.sleep(1200 * time.Millisecond)
			r.gets(url)
		}},
		{name: "a change lasts for one receive only", run: func(r *rig) {
			url := r.standard()
			r.send(url, "x")
			m := r.one(url)
			r.no(r.tryChange(url, *m.ReceiptHandle, 0))
			r.one(url)
			r.gets(url)
		}},
		{
			name:    "a change to more than 12 hours is refused",
			differs: "it accepts any number; API Reference, ChangeMessageVisibility: 0 to 43200",
			run: func(r *rig) {
				url := r.standard()
				r.send(url, "x")
				r.refused(
					r.tryChange(url, *r.one(url).ReceiptHandle, 43201), "InvalidParameterValue",
				)
			},
		},
		{name: "the visibility of a deleted message cannot be changed", run: func(r *rig) {
			url := r.standard()
			r.send(url, "x")
			m := r.one(url)
			r.delete(url, m)
			r.refused(r.tryChange(url, *m.ReceiptHandle, 5), "InvalidParameterValue")
		}},
		{name: "a change by a handle that never was one is refused", run: func(r *rig) {
			r.refused(r.tryChange(r.standard(), "nonsense", 5), "ReceiptHandleIsInvalid")
		}},
		{name: "a batch of changes fails by entry", run: batchOfChanges},
	}
}

func batchOfChanges(r *rig) {
	url := r.standard()
	r.send(url, "x")
	type entry = types.ChangeMessageVisibilityBatchRequestEntry
	out, err := r.client.ChangeMessageVisibilityBatch(
		r.ctx,
		&awssqs.ChangeMessageVisibilityBatchInput{QueueUrl: &url, Entries: []entry{
			{Id: aws.String("good"), ReceiptHandle: r.one(url).ReceiptHandle},
			{Id: aws.String("bad"), ReceiptHandle: aws.String("nonsense")},
		}},
	)
	r.no(err)
	want(r, "successful", *out.Successful[0].Id, "good")
	want(r, "failed", *out.Failed[0].Id, "bad")
	r.gets(url, "x")
}
