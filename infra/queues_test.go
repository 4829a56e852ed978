package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"hark/shared/config"
)

func TestBroadcastsQueueIsFIFOWithADeadLetterQueue(t *testing.T) {
	tmpl := golden(t, "default")
	for property, want := range map[string]any{
		"FifoQueue":              true,
		"FifoThroughputLimit":    "perMessageGroupId",
		"DeduplicationScope":     "messageGroup",
		"VisibilityTimeout":      config.QueueVisibility.Seconds(),
		"MessageRetentionPeriod": config.QueueRetention.Seconds(),
		"RedrivePolicy": map[string]any{
			"deadLetterTargetArn": getAtt("DeadBroadcasts", "Arn"),
			"maxReceiveCount":     float64(config.QueueReceives),
		},
		"ContentBasedDeduplication": nil, // two equal events are two events
	} {
		if diff := cmp.Diff(want, tmpl.at("Broadcasts", property)); diff != "" {
			t.Errorf("%s: %s", property, diff)
		}
	}
	if tmpl.at("DeadBroadcasts", "FifoQueue") != true {
		t.Error("the dead-letter queue of a FIFO queue must be one")
	}
	if got := tmpl.at("DeadBroadcasts", "MessageRetentionPeriod"); got != deadRetention.Seconds() {
		t.Errorf("dead letters are kept %v seconds", got)
	}
	for property, want := range map[string]any{
		"BatchSize":             float64(config.BroadcastBatch),
		"EventSourceArn":        getAtt("Broadcasts", "Arn"),
		"FunctionName":          ref("Broadcast"),
		"FunctionResponseTypes": []any{"ReportBatchItemFailures"},
		"ScalingConfig": map[string]any{
			"MaximumConcurrency": float64(config.BroadcastsAtOnce),
		},
	} {
		if diff := cmp.Diff(want, tmpl.at("BroadcastsFeed", property)); diff != "" {
			t.Errorf("feed: %s: %s", property, diff)
		}
	}
}

func TestNoInvocationOutlivesItsMessages(t *testing.T) {
	if config.FunctionTimeout >= config.QueueVisibility {
		t.Errorf("a function may run %v, its messages come back after %v",
			config.FunctionTimeout, config.QueueVisibility)
	}
	if config.QueueVisibility >= config.QueueRetention {
		t.Errorf("a message that fails comes back after %v and is gone after %v",
			config.QueueVisibility, config.QueueRetention)
	}
}
