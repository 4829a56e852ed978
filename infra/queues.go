package main

import (
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"hark/shared/config"
)

// deadRetention is SQS's maximum: a dead letter waits for a person.
const deadRetention = 14 * 24 * time.Hour

// queues are FIFO, since the events of a channel must be delivered in the order in which they were accepted.
type queues struct {
	Broadcasts     awssqs.Queue
	DeadBroadcasts awssqs.Queue
}

// newQueues makes the queue between accepting an event and delivering it. High throughput mode counts order,
// deduplication and quota per message group, which is per channel. An event older than the retention is of no use to
// anybody, so retention ends a retry; the dead-letter queue is for what fails faster than that.
//
// There is no queue policy that refuses plain HTTP: the SDK never uses it on AWS, and emulators listen to nothing else.
func newQueues(stack awscdk.Stack) queues {
	dead := awssqs.NewQueue(stack, jsii.String("DeadBroadcastsQueue"), &awssqs.QueueProps{
		Fifo:            jsii.Bool(true),
		RetentionPeriod: duration(deadRetention),
	})
	broadcasts := awssqs.NewQueue(stack, jsii.String("BroadcastsQueue"), &awssqs.QueueProps{
		Fifo:                jsii.Bool(true),
		FifoThroughputLimit: awssqs.FifoThroughputLimit_PER_MESSAGE_GROUP_ID,
		DeduplicationScope:  awssqs.DeduplicationScope_MESSAGE_GROUP,
		VisibilityTimeout:   duration(config.QueueVisibility),
		RetentionPeriod:     duration(config.QueueRetention),
		DeadLetterQueue:     &awssqs.DeadLetterQueue{Queue: dead, MaxReceiveCount: jsii.Number(config.QueueReceives)},
	})
	pin(dead, "DeadBroadcasts")
	pin(broadcasts, "Broadcasts")
	return queues{Broadcasts: broadcasts, DeadBroadcasts: dead}
}

// feed has Lambda poll the queue for the function. The batch holds messages of several channels; the function reports
// which of them failed, so that one channel does not hold up another. Concurrency is bounded here and not by reserving
// it, which fails the deployment on a new account (aws-facts.md §B).
func (q queues) feed(stack awscdk.Stack, broadcast awslambda.Function) {
	mapping := awslambda.NewEventSourceMapping(stack, jsii.String("Feed"), &awslambda.EventSourceMappingProps{
		Target:                  broadcast,
		EventSourceArn:          q.Broadcasts.QueueArn(),
		BatchSize:               jsii.Number(config.BroadcastBatch),
		MaxConcurrency:          jsii.Number(config.BroadcastsAtOnce),
		ReportBatchItemFailures: jsii.Bool(true),
	})
	pin(mapping, "BroadcastsFeed")
}

func duration(d time.Duration) awscdk.Duration {
	return awscdk.Duration_Seconds(jsii.Number(d.Seconds()))
}
