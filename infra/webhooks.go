package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"hark/shared/config"
)

// webhooks is the part of the stack that sends apps webhook events and accepts events that do not
// come by HTTP. It is nil in a stack without it, which then does not pay for the polls of idle
// queues.
type webhooks struct {
	// Checks holds requests to compare, a little later, what a channel is with what was announced.
	Checks, DeadChecks awssqs.Queue
	// Deliveries holds webhook events, one message for each endpoint of the app.
	Deliveries, DeadDeliveries awssqs.Queue
	// Publish holds events that apps publish without HTTP. Those that fail, or cannot be published,
	// go to RefusedQueue.
	Publish, RefusedQueue awssqs.Queue
	Bus                   awsevents.CfnEventBus
}

// newWebhooks makes the queues and the bus. Messages do not become wrong with age, so the number of
// receives ends the retries, and a message that has failed waits in the dead-letter queue.
//
// The publish queue is FIFO: it keeps the events of a channel in order and lets an outbox send a
// row twice. EventBridge sends only to FIFO queues with content-based deduplication. An app that
// sends to the queue itself must set MessageDeduplicationId, or of two equal events the second is
// dropped (docs/decisions/0038-publish-queue-deduplication.md).
func newWebhooks(stack awscdk.Stack) *webhooks {
	props := awsevents.CfnEventBusProps{
		Name:        stack.StackName(),
		Description: jsii.String("What happens on channels; and takes events to publish"),
	}
	w := &webhooks{Bus: awsevents.NewCfnEventBus(stack, jsii.String("Bus"), &props)}
	w.Checks, w.DeadChecks = newFIFO(stack, "Checks", config.QueueReceives, awssqs.QueueProps{
		DeliveryDelay:   duration(config.CheckDelay),
		RetentionPeriod: duration(config.QueuePatience),
	})
	w.Deliveries, w.DeadDeliveries = newFIFO(
		stack, "Deliveries", config.DeliveryReceives, awssqs.QueueProps{
			RetentionPeriod: duration(config.DeliveryPatience),
		})
	w.Publish, w.RefusedQueue = newFIFO(stack, "Publish", config.QueueReceives, awssqs.QueueProps{
		ContentBasedDeduplication: jsii.Bool(true),
		RetentionPeriod:           duration(config.QueuePatience),
	})
	w.routeBus(stack)
	return w
}

// routeBus has the bus send events to publish to the publish queue, whatever their source. They are
// one message group, since a rule cannot choose groups, and so stay in the order in which
// EventBridge sends them.
func (w *webhooks) routeBus(stack awscdk.Stack) {
	rule := awsevents.NewCfnRule(stack, jsii.String("PublishRule"), &awsevents.CfnRuleProps{
		Description:  jsii.String("Events of type " + config.PublishDetailType + " are published"),
		EventBusName: w.Bus.Ref(),
		EventPattern: map[string]any{"detail-type": []string{config.PublishDetailType}},
		State:        jsii.String("ENABLED"),
		Targets: []*awsevents.CfnRule_TargetProperty{{
			Id:  jsii.String("publish"),
			Arn: w.Publish.QueueArn(),
			SqsParameters: &awsevents.CfnRule_SqsParametersProperty{
				MessageGroupId: jsii.String("bus"),
			},
		}},
	})
	eventBridge := awsiam.NewServicePrincipal(jsii.String("events.amazonaws.com"), nil)
	w.Publish.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Principals: &[]awsiam.IPrincipal{eventBridge},
		Actions:    jsii.Strings("sqs:SendMessage"),
		Resources:  &[]*string{w.Publish.QueueArn()},
		Conditions: &map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": rule.AttrArn()}},
	}))
}

// announcing adds the functions that the queues of webhooks feed.
func (p functionsProps) announcing(f *functions, deploy deployer) {
	may, w := grants(p), p.Webhooks
	// Lambda's pollers use these with the role of the function.
	consume := []string{"DeleteMessage", "GetQueueAttributes", "ReceiveMessage"}
	f.Webhook = deploy(function{
		name:        "webhook",
		description: "Decides what apps are told of their channels, and tells them",
		env: []string{
			config.AppsTable, config.StateTable, config.ChecksQueue, config.DeliveriesQueue,
			config.Bus,
		},
		may: []awsiam.PolicyStatement{
			may.apps("GetItem"),
			may.state("DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"),
			may.checks(consume...),
			// A delivery that failed gets a longer visibility timeout each time.
			may.deliveries(append(consume, "ChangeMessageVisibility", "SendMessage")...),
			allow(w.Bus.AttrArn(), "events", "PutEvents"),
		},
	})
	f.Publish = deploy(function{
		name:        "publish",
		description: "Publishes what comes by the queue, by the rules of the HTTP API",
		id:          "Publisher", // Publish is the queue
		env:         []string{config.AppsTable, config.BroadcastsQueue, config.RefusedQueue},
		may: []awsiam.PolicyStatement{
			may.apps("GetItem"),
			may.broadcasts("SendMessage"),
			allow(w.Publish.QueueArn(), "sqs", consume...),
			allow(w.RefusedQueue.QueueArn(), "sqs", "SendMessage"), // with the reason
		},
	})
}

// feed has Lambda poll the queues.
//
// The deliveries mapping hands out one message at a time, so that a slow or dead endpoint holds up
// only its own group, and each receive of a message is one attempt. Many invocations may run at
// once, since nearly all they do is wait.
func (w *webhooks) feed(stack awscdk.Stack, f functions) {
	if w == nil {
		return
	}
	feed(stack, "ChecksFeed", awslambda.EventSourceMappingProps{
		Target:         f.Webhook,
		EventSourceArn: w.Checks.QueueArn(),
		BatchSize:      jsii.Number(config.BroadcastBatch),
		MaxConcurrency: jsii.Number(config.ChecksAtOnce),
	})
	feed(stack, "DeliveriesFeed", awslambda.EventSourceMappingProps{
		Target:         f.Webhook,
		EventSourceArn: w.Deliveries.QueueArn(),
		BatchSize:      jsii.Number(1),
		MaxConcurrency: jsii.Number(config.DeliveriesAtOnce),
	})
	feed(stack, "PublishFeed", awslambda.EventSourceMappingProps{
		Target:         f.Publish,
		EventSourceArn: w.Publish.QueueArn(),
		BatchSize:      jsii.Number(config.BroadcastBatch),
		MaxConcurrency: jsii.Number(config.PublishesAtOnce),
	})
}

// outputs adds where to publish without HTTP, and the queues of messages that failed.
func (w *webhooks) outputs(stack awscdk.Stack) {
	if w == nil {
		return
	}
	output(stack, "PublishQueue",
		"Where apps publish without HTTP, each event as {app_id, name, data, channel}",
		*w.Publish.QueueUrl())
	output(stack, "RefusedQueue",
		"What could not be published, with the reason",
		*w.RefusedQueue.QueueUrl())
	output(stack, "EventBus",
		"Where EventBridge's rules hear of channels; apps publish by "+config.PublishDetailType,
		*w.Bus.Ref())
	output(stack, "DeadDeliveries",
		"What endpoints could not be told, for 14 days",
		*w.DeadDeliveries.QueueUrl())
}

func (g grants) checks(actions ...string) awsiam.PolicyStatement {
	if g.Webhooks == nil {
		return nil
	}
	return allow(g.Webhooks.Checks.QueueArn(), "sqs", actions...)
}

func (g grants) deliveries(actions ...string) awsiam.PolicyStatement {
	if g.Webhooks == nil {
		return nil
	}
	return allow(g.Webhooks.Deliveries.QueueArn(), "sqs", actions...)
}
