package main

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hark/shared/config"
)

func TestEachQueueOfWebhooksHasADeadLetterQueue(t *testing.T) {
	tmpl := golden(t, "webhooks")
	for id, own := range map[string]map[string]any{
		"Checks": {
			"DelaySeconds":           config.CheckDelay.Seconds(),
			"MessageRetentionPeriod": config.QueuePatience.Seconds(),
		},
		"Deliveries": {"MessageRetentionPeriod": config.DeliveryPatience.Seconds()},
		"Publish": {
			"MessageRetentionPeriod":    config.QueuePatience.Seconds(),
			"ContentBasedDeduplication": true, // else EventBridge could not send to it
		},
	} {
		receives := float64(config.QueueReceives)
		if id == "Deliveries" {
			receives = config.DeliveryReceives
		}
		want := map[string]any{
			"FifoQueue":           true,
			"FifoThroughputLimit": "perMessageGroupId",
			"DeduplicationScope":  "messageGroup",
			"VisibilityTimeout":   config.QueueVisibility.Seconds(),
			"RedrivePolicy": map[string]any{
				"deadLetterTargetArn": getAtt("Dead"+id, "Arn"), "maxReceiveCount": receives,
			},
		}
		maps.Copy(want, own)
		if diff := cmp.Diff(want, tmpl.Resources[id].Properties); diff != "" {
			t.Errorf("%s: %s", id, diff)
		}
		dead := map[string]any{"FifoQueue": true, "MessageRetentionPeriod": deadRetention.Seconds()}
		if diff := cmp.Diff(dead, tmpl.Resources["Dead"+id].Properties); diff != "" {
			t.Errorf("Dead%s: %s", id, diff)
		}
	}
}

func TestQueuesOfWebhooksFeedTheirFunctions(t *testing.T) {
	tmpl := golden(t, "webhooks")
	for _, feed := range []struct {
		queue, function string
		batch, atOnce   float64
	}{
		{"Checks", "Webhook", config.BroadcastBatch, config.ChecksAtOnce},
		// One at a time: a slow endpoint holds up nothing else.
		{"Deliveries", "Webhook", 1, config.DeliveriesAtOnce},
		{"Publish", "Publisher", config.BroadcastBatch, config.PublishesAtOnce},
	} {
		want := map[string]any{
			"BatchSize":             feed.batch,
			"EventSourceArn":        getAtt(feed.queue, "Arn"),
			"FunctionName":          ref(feed.function),
			"FunctionResponseTypes": []any{"ReportBatchItemFailures"},
			"ScalingConfig":         map[string]any{"MaximumConcurrency": feed.atOnce},
		}
		if diff := cmp.Diff(want, tmpl.Resources[feed.queue+"Feed"].Properties); diff != "" {
			t.Errorf("%s: %s", feed.queue, diff)
		}
	}
}

func TestTheBusSendsEventsToPublishAndNothingElse(t *testing.T) {
	tmpl := golden(t, "webhooks")
	if got := tmpl.at("Bus", "Name"); got != "Hark" {
		t.Errorf("the bus is called %v", got)
	}
	want := map[string]any{
		"Description":  "Events of type hark.publish are published",
		"EventBusName": ref("Bus"),
		"EventPattern": map[string]any{"detail-type": []any{"hark.publish"}},
		"State":        "ENABLED",
		"Targets": []any{map[string]any{
			"Id": "publish", "Arn": getAtt("Publish", "Arn"),
			"SqsParameters": map[string]any{"MessageGroupId": "bus"},
		}},
	}
	if diff := cmp.Diff(want, tmpl.Resources["PublishRule"].Properties); diff != "" {
		t.Error(diff)
	}
	policies := tmpl.ofType("AWS::SQS::QueuePolicy")
	if len(policies) != 1 {
		t.Fatalf("queue policies: %v", policies)
	}
	statements := list(tmpl.at(policies[0], "PolicyDocument", "Statement"))
	if diff := cmp.Diff([]any{map[string]any{
		"Effect": "Allow", "Action": "sqs:SendMessage",
		"Principal": map[string]any{"Service": "events.amazonaws.com"},
		"Resource":  getAtt("Publish", "Arn"),
		"Condition": map[string]any{
			"ArnEquals": map[string]any{"aws:SourceArn": getAtt("PublishRule", "Arn")},
		},
	}}, statements); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]any{ref("Publish")}, tmpl.at(policies[0], "Queues")); diff != "" {
		t.Error(diff)
	}
}

func TestStacksWithoutWebhooksHaveNothingOfThem(t *testing.T) {
	for _, name := range []string{"default", "named"} {
		tmpl := golden(t, name)
		queues := tmpl.ofType("AWS::SQS::Queue")
		if !slices.Equal(queues, []string{"Broadcasts", "DeadBroadcasts"}) {
			t.Errorf("%s: queues: %v", name, queues)
		}
		for _, cfnType := range []string{"AWS::Events::EventBus", "AWS::SQS::QueuePolicy"} {
			if got := tmpl.ofType(cfnType); len(got) > 0 {
				t.Errorf("%s: %v", name, got)
			}
		}
	}
}

// Of the functions that answer frames, only the one that subscribes and unsubscribes queues checks,
// and only the one that handles client events queues deliveries.
func TestFunctionsOfNamedRoutesReachTheQueuesThatTheyUse(t *testing.T) {
	tmpl := decode(t, synth(t, map[string]any{"routes": "named", "webhooks": "true"}))
	for id, uses := range map[string]struct{ checks, deliveries bool }{
		"Message": {deliveries: true}, "Subscribe": {checks: true}, "Auth": {},
	} {
		env := tmpl.at(id, "Environment", "Variables").(map[string]any)
		may := allowed(t, tmpl, id+"Role")
		for _, queue := range []struct {
			variable, right string
			used            bool
		}{
			{config.ChecksQueue, "sqs:SendMessage ${Checks.Arn}", uses.checks},
			{config.DeliveriesQueue, "sqs:SendMessage ${Deliveries.Arn}", uses.deliveries},
		} {
			variable, allowed := env[queue.variable], slices.Contains(may, queue.right)
			if (variable != nil) != queue.used || allowed != queue.used {
				t.Errorf("%s: uses %s: %t; has %v, may %v",
					id, queue.variable, queue.used, variable, may)
			}
		}
	}
}
