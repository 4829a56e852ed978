package main

import (
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"hark/shared/config"
)

// deadRetention is SQS's maximum: a dead letter waits until a person looks at it.
const deadRetention = 14 * 24 * time.Hour

// queues are the queues that every stack has. They are FIFO, because the events of a channel must
// be delivered in the order in which they were accepted.
type queues struct {
	Broadcasts     awssqs.Queue
	DeadBroadcasts awssqs.Queue
}

// newQueues makes the queue between accepting an event and delivering it. An event older than the
// retention is of no use, so the retention ends the retries. The dead-letter queue is for messages
// that fail faster than that (docs/decisions/0012-visibility-and-retention.md).
func newQueues(stack awscdk.Stack) queues {
	var q queues
	props := awssqs.QueueProps{RetentionPeriod: duration(config.QueueRetention)}
	q.Broadcasts, q.DeadBroadcasts = newFIFO(stack, "Broadcasts", config.QueueReceives, props)
	return q
}

// newFIFO makes a queue, and the dead-letter queue for messages that were received so often without
// success. In high throughput mode order, deduplication and quotas are per message group.
//
// There is no queue policy that refuses plain HTTP: the SDK never uses it on AWS, and emulators
// offer nothing else.
func newFIFO(
	stack awscdk.Stack, id string, receives float64, props awssqs.QueueProps,
) (queue, dead awssqs.Queue) {
	dead = awssqs.NewQueue(stack, jsii.String("Dead"+id+"FIFO"), &awssqs.QueueProps{
		Fifo:            jsii.Bool(true),
		RetentionPeriod: duration(deadRetention),
	})
	props.Fifo = jsii.Bool(true)
	props.FifoThroughputLimit = awssqs.FifoThroughputLimit_PER_MESSAGE_GROUP_ID
	props.DeduplicationScope = awssqs.DeduplicationScope_MESSAGE_GROUP
	props.VisibilityTimeout = duration(config.QueueVisibility)
	props.DeadLetterQueue = &awssqs.DeadLetterQueue{Queue: dead, MaxReceiveCount: &receives}
	queue = awssqs.NewQueue(stack, jsii.String(id+"FIFO"), &props)
	pin(dead, "Dead"+id)
	pin(queue, id)
	return queue, dead
}

// feed has Lambda poll the queue of events for the function that delivers them.
func (q queues) feed(stack awscdk.Stack, broadcast awslambda.Function) {
	feed(stack, "BroadcastsFeed", awslambda.EventSourceMappingProps{
		Target:         broadcast,
		EventSourceArn: q.Broadcasts.QueueArn(),
		BatchSize:      jsii.Number(config.BroadcastBatch),
		MaxConcurrency: jsii.Number(config.BroadcastsAtOnce),
	})
}

// feed has Lambda poll a queue for a function. A batch may hold messages of several groups; the
// function reports which of them failed, so that one group does not hold up another. Concurrency is
// limited here: reserving it fails the deployment on a new account (docs/aws.md §B).
func feed(stack awscdk.Stack, id string, props awslambda.EventSourceMappingProps) {
	props.ReportBatchItemFailures = jsii.Bool(true)
	pin(awslambda.NewEventSourceMapping(stack, jsii.String(id+"Mapping"), &props), id)
}

func duration(d time.Duration) awscdk.Duration {
	return awscdk.Duration_Seconds(jsii.Number(d.Seconds()))
}
