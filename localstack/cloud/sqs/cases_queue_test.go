package sqs_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"hark/localstack/cloud/sqs"
)

// withDead makes a queue and its dead-letter queue.
func (r *rig) withDead(receives int, spec sqs.QueueSpec) (url, dead string) {
	name := "dead"
	target := spec
	target.QueueName = name
	dead = r.queue(target)
	if spec.FifoQueue {
		name += ".fifo"
	}
	spec.RedrivePolicy = &sqs.RedrivePolicy{
		DeadLetterTargetARN: r.arn(name), MaxReceiveCount: receives,
	}
	return r.queue(spec), dead
}

func redriveCases() []conformance {
	fifo := sqs.QueueSpec{FifoQueue: true, ContentBasedDeduplication: true}
	return []conformance{
		{name: "a message received too often moves to the dead-letter queue", run: func(r *rig) {
			url, dead := r.withDead(2, sqs.QueueSpec{})
			r.send(url, "x")
			first := r.bounce(url)
			r.bounce(url)
			r.gets(dead)
			r.gets(url)
			m := r.gets(dead, "x")[0]
			want(r, "ID", *m.MessageId, *first.MessageId)
			want(r, "sent", m.Attributes["SentTimestamp"], first.Attributes["SentTimestamp"])
			r.counts(url, 0, 0, 0)
		}},
		{
			name: "a dead letter names its source and counts its receives in all queues",
			run: func(r *rig) {
				url, dead := r.withDead(1, sqs.QueueSpec{})
				r.send(url, "x")
				r.bounce(url)
				r.gets(url)
				m := r.gets(dead, "x")[0]
				want(r, "receives", m.Attributes["ApproximateReceiveCount"], "2")
				source := m.Attributes["DeadLetterQueueSourceArn"]
				want(r, "source", source, r.attribute(url, "QueueArn"))
			},
		},
		{
			name: "a dead letter of a FIFO queue keeps its group and lets the next one through",
			run: func(r *rig) {
				url, dead := r.withDead(1, fifo)
				r.sendTo(url, "g", "1", "2")
				r.bounce(url)
				want(r, "next", *r.one(url, wait(2)).Body, "2")
				m := r.gets(dead, "1")[0]
				want(r, "group", m.Attributes["MessageGroupId"], "g")
			},
		},
		{
			name: "a long poll of the dead-letter queue is woken by a dead letter",
			differs: "only sends wake it; API Reference, ReceiveMessage: " +
				"the call returns sooner than WaitTimeSeconds if a message is available",
			run: func(r *rig) {
				url, dead := r.withDead(1, sqs.QueueSpec{})
				r.send(url, "x")
				r.bounce(url)
				time.AfterFunc(500*time.Millisecond, func() {
					_, _ = r.client.ReceiveMessage(
						r.ctx, &awssqs.ReceiveMessageInput{QueueUrl: &url},
					)
				})
				begin := time.Now()
				want(r, "dead letters", len(r.receive(dead, 1, wait(5))), 1)
				want(r, "woken soon", time.Since(begin) < 3*time.Second, true)
			},
		},
	}
}

func queueCases() []conformance {
	return slices.Concat(nameCases(), purgeCases(), attributeCases())
}

func nameCases() []conformance {
	return []conformance{
		{name: "a queue is found by its name", run: func(r *rig) {
			url := r.standard()
			out, err := r.client.GetQueueUrl(
				r.ctx, &awssqs.GetQueueUrlInput{QueueName: aws.String(r.prefix)},
			)
			r.no(err)
			_, path, _ := strings.Cut(strings.TrimPrefix(*out.QueueUrl, "http://"), "/")
			want(r, "path", "/"+path, strings.TrimPrefix(url, r.endpoint))
		}},
		{name: "a queue that does not exist is not found by name", run: func(r *rig) {
			_, err := r.client.GetQueueUrl(
				r.ctx, &awssqs.GetQueueUrlInput{QueueName: aws.String("nope")},
			)
			r.refused(err, "AWS.SimpleQueueService.NonExistentQueue")
		}},
		{name: "a queue that does not exist takes no message", run: func(r *rig) {
			_, err := r.trySend(r.endpoint+"/"+account+"/nope", "x")
			r.refused(err, "AWS.SimpleQueueService.NonExistentQueue")
		}},
		{name: "queues are listed by prefix", run: func(r *rig) {
			for i := range 3 {
				r.queue(sqs.QueueSpec{QueueName: fmt.Sprint("list", i)})
			}
			r.queue(sqs.QueueSpec{QueueName: "other"})
			out, err := r.client.ListQueues(
				r.ctx, &awssqs.ListQueuesInput{QueueNamePrefix: aws.String(r.prefix + "list")},
			)
			r.no(err)
			want(r, "queues", len(out.QueueUrls), 3)
		}},
		{
			name:    "queues are listed in pages",
			differs: "it ignores MaxResults; API Reference, ListQueues", run: func(r *rig) {
				for i := range 3 {
					r.queue(sqs.QueueSpec{QueueName: fmt.Sprint("list", i)})
				}
				pages := awssqs.NewListQueuesPaginator(r.client, &awssqs.ListQueuesInput{
					QueueNamePrefix: &r.prefix, MaxResults: aws.Int32(2),
				})
				var sizes []int
				for pages.HasMorePages() {
					page, err := pages.NextPage(r.ctx)
					r.no(err)
					sizes = append(sizes, len(page.QueueUrls))
				}
				want(r, "sizes of pages", fmt.Sprint(sizes), "[2 1]")
			},
		},
	}
}

func purgeCases() []conformance {
	return []conformance{
		{name: "a purge deletes what is visible, in flight and delayed", run: func(r *rig) {
			url := r.standard()
			r.send(url, "1", "2")
			_, err := r.trySend(
				url, "3", func(in *awssqs.SendMessageInput) { in.DelaySeconds = 60 },
			)
			r.no(err)
			r.one(url)
			_, err = r.client.PurgeQueue(r.ctx, &awssqs.PurgeQueueInput{QueueUrl: &url})
			r.no(err)
			r.counts(url, 0, 0, 0)
		}},
		{
			name:    "a second purge within a minute is refused",
			differs: "it purges again; API Reference, PurgeQueue: PurgeQueueInProgress",
			run: func(r *rig) {
				url := r.standard()
				_, err := r.client.PurgeQueue(r.ctx, &awssqs.PurgeQueueInput{QueueUrl: &url})
				r.no(err)
				_, err = r.client.PurgeQueue(r.ctx, &awssqs.PurgeQueueInput{QueueUrl: &url})
				r.refused(err, "AWS.SimpleQueueService.PurgeQueueInProgress")
			},
		},
	}
}

func attributeCases() []conformance {
	return []conformance{
		{
			name:    "an attribute that no queue has is refused",
			differs: "it ignores the name; API Reference, GetQueueAttributes: InvalidAttributeName",
			run: func(r *rig) {
				in := `{"QueueUrl":"` + r.standard() + `","AttributeNames":["Colour"]}`
				r.refusedRaw("GetQueueAttributes", in, "InvalidAttributeName")
			},
		},
		{name: "a standard queue reports its settings", run: func(r *rig) {
			url := r.queue(sqs.QueueSpec{VisibilityTimeout: aws.Int(7), DelaySeconds: aws.Int(3)})
			for name, value := range map[string]string{
				"VisibilityTimeout": "7", "DelaySeconds": "3", "ReceiveMessageWaitTimeSeconds": "0",
				"QueueArn": r.arn(""), "FifoQueue": "", "ApproximateNumberOfMessages": "0",
			} {
				want(r, name, r.attribute(url, name), value)
			}
		}},
		{
			name: "a queue reports its limits",
			differs: "it keeps messages for ever and 256 KiB is its limit; API Reference, " +
				"GetQueueAttributes",
			run: func(r *rig) {
				url := r.queue(sqs.QueueSpec{MessageRetentionPeriod: aws.Int(300)})
				want(r, "MessageRetentionPeriod", r.attribute(url, "MessageRetentionPeriod"), "300")
				want(r, "MaximumMessageSize", r.attribute(url, "MaximumMessageSize"), "1048576")
			},
		},
		{
			name:    "a FIFO queue reports its settings",
			differs: "it does not keep DeduplicationScope; API Reference, GetQueueAttributes",
			run: func(r *rig) {
				url := r.queue(sqs.QueueSpec{
					FifoQueue: true, DeduplicationScope: "messageGroup",
					FifoThroughputLimit: "perMessageGroupId",
				})
				for name, value := range map[string]string{
					"FifoQueue": "true", "ContentBasedDeduplication": "false",
					"DeduplicationScope":  "messageGroup",
					"FifoThroughputLimit": "perMessageGroupId",
				} {
					want(r, name, r.attribute(url, name), value)
				}
			},
		},
		{name: "a queue reports its redrive policy", run: func(r *rig) {
			url, _ := r.withDead(4, sqs.QueueSpec{})
			want(r, "RedrivePolicy", r.attribute(url, "RedrivePolicy"),
				`{"deadLetterTargetArn":"`+r.arn("dead")+`","maxReceiveCount":4}`)
		}},
	}
}

func protocolCases() []conformance {
	return []conformance{
		{
			name: "an error says what AWS's says, in body and header",
			differs: `it sends Message and no header; Developer Guide, ` +
				`"Interpreting Amazon SQS JSON API responses"`, run: func(r *rig) {
				status, header, answer := r.raw("GetQueueUrl", `{"QueueName":"nope"}`)
				want(r, "status", status, 400)
				want(r, "type", fmt.Sprint(answer["__type"]), "com.amazonaws.sqs#QueueDoesNotExist")
				want(
					r, "message", fmt.Sprint(answer["message"]),
					"The specified queue does not exist.",
				)
				want(
					r, "header", header.Get("X-Amzn-Query-Error"),
					"AWS.SimpleQueueService.NonExistentQueue;Sender",
				)
			},
		},
		{
			name: "an answer has a request ID and the protocol's content type",
			differs: `it answers application/json; Developer Guide,` +
				` "Interpreting Amazon SQS JSON API responses"`,
			run: func(r *rig) {
				_, header, _ := r.raw("ListQueues", `{"QueueNamePrefix":"nope"}`)
				want(r, "content type", header.Get("Content-Type"), "application/x-amz-json-1.0")
				want(r, "request ID", len(header.Get("X-Amzn-Requestid")), 36)
			},
		},
		{name: "an unknown operation is refused", run: func(r *rig) {
			status, _, answer := r.raw("Frobnicate", `{}`)
			want(r, "status", status, 400)
			want(r, "named", strings.Contains(fmt.Sprint(answer), "Frobnicate"), true)
		}},
		{name: "a request that is not JSON is refused", run: func(r *rig) {
			r.refusedRaw("SendMessage", `{"QueueUrl":`, "MalformedInput")
		}},
		{
			name:    "a queue URL must be given",
			differs: "it answers 500; API Reference, SendMessage: QueueUrl is required",
			run: func(r *rig) {
				r.refusedRaw("SendMessage", `{"MessageBody":"x"}`, "MissingParameter")
			},
		},
	}
}
