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

// webhooks is what tells apps of their channels and takes events that do not come by HTTP. Nil is a stack without it: an
// idle stack pays for the polls of no queue that it does not use.
type webhooks struct {
	Checks, DeadChecks         awssqs.Queue // channels to look at a little later: is an app to be told?
	Deliveries, DeadDeliveries awssqs.Queue // what apps are told, for each of their endpoints
	Publish, DeadPublish       awssqs.Queue // events that apps publish without HTTP
	Bus                        awsevents.CfnEventBus
}

// newWebhooks makes the queues and the bus. All messages stay true however old they are, so receives end a retry, and what
// has failed waits with the dead.
//
// The publish queue is FIFO: it keeps the events of a channel in order and lets an outbox send a row twice. EventBridge
// sends to FIFO queues only if they know duplicates by their content; whoever sends to the queue names them by
// MessageDeduplicationId, or has two equal events taken for one.
func newWebhooks(stack awscdk.Stack) *webhooks {
	w := &webhooks{Bus: awsevents.NewCfnEventBus(stack, jsii.String("Bus"), &awsevents.CfnEventBusProps{
		Name:        stack.StackName(),
		Description: jsii.String("What happens on channels; and takes events to publish"),
	})}
	w.Checks, w.DeadChecks = newFIFO(stack, "Checks", config.QueueReceives, awssqs.QueueProps{
		DeliveryDelay:   duration(config.CheckDelay),
		RetentionPeriod: duration(config.QueuePatience),
	})
	w.Deliveries, w.DeadDeliveries = newFIFO(stack, "Deliveries", config.DeliveryReceives, awssqs.QueueProps{
		RetentionPeriod: duration(config.DeliveryPatience),
	})
	w.Publish, w.DeadPublish = newFIFO(stack, "Publish", config.QueueReceives, awssqs.QueueProps{
		ContentBasedDeduplication: jsii.Bool(true),
		RetentionPeriod:           duration(config.QueuePatience),
	})
	w.route(stack)
	return w
}

// route has the bus send events to publish to their queue, whoever put them. They are one group, since a rule cannot choose
// groups, and so stay in the order in which EventBridge sends them.
func (w *webhooks) route(stack awscdk.Stack) {
	rule := awsevents.NewCfnRule(stack, jsii.String("PublishRule"), &awsevents.CfnRuleProps{
		Description:  jsii.String("Events of type " + config.PublishDetailType + " are published"),
		EventBusName: w.Bus.Ref(),
		EventPattern: map[string]any{"detail-type": []string{config.PublishDetailType}},
		State:        jsii.String("ENABLED"),
		Targets: []*awsevents.CfnRule_TargetProperty{{
			Id:            jsii.String("publish"),
			Arn:           w.Publish.QueueArn(),
			SqsParameters: &awsevents.CfnRule_SqsParametersProperty{MessageGroupId: jsii.String("bus")},
		}},
	})
	w.Publish.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("events.amazonaws.com"), nil)},
		Actions:    jsii.Strings("sqs:SendMessage"),
		Resources:  &[]*string{w.Publish.QueueArn()},
		Conditions: &map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": rule.AttrArn()}},
	}))
}

// telling adds the functions that the queues feed.
func (p functionsProps) telling(f *functions, deploy func(function) awslambda.Function) {
	may, w := grants(p), p.Webhooks
	consume := []string{"DeleteMessage", "GetQueueAttributes", "ReceiveMessage"} // by Lambda's pollers, as the role
	f.Webhook = deploy(function{
		name: "webhook",
		does: "Decides what apps are told of their channels, and tells them",
		env:  []string{config.AppsTable, config.StateTable, config.ChecksQueue, config.DeliveriesQueue, config.Bus},
		may: []awsiam.PolicyStatement{
			may.apps("GetItem"),
			may.state("DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"),
			may.checks(consume...),
			may.deliveries(append(consume, "ChangeMessageVisibility", "SendMessage")...), // a retry comes later and later
			allow(w.Bus.AttrArn(), "events", "PutEvents"),
		},
	})
	f.Publish = deploy(function{
		name: "publish",
		does: "Publishes what comes by the queue, by the rules of the HTTP API",
		id:   "Publisher", // Publish is the queue
		env:  []string{config.AppsTable, config.BroadcastsQueue, config.RefusedQueue},
		may: []awsiam.PolicyStatement{
			may.apps("GetItem"),
			may.queue("SendMessage"),
			allow(w.Publish.QueueArn(), "sqs", consume...),
			allow(w.DeadPublish.QueueArn(), "sqs", "SendMessage"), // with the reason
		},
	})
}

// feed has Lambda poll the queues.
//
// The deliveries mapping hands out one message at a time: an endpoint that keeps its POST waiting, or is dead, holds up
// nothing but its own group, and each receive of a message is one attempt. It may be many invocations at once, since nearly
// all they do is wait.
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

// outputs says where to publish without HTTP, and where what could not be told waits to be told again.
func (w *webhooks) outputs(stack awscdk.Stack) {
	if w == nil {
		return
	}
	output(stack, "PublishQueue", "Where apps publish without HTTP, each event as {app_id, name, data, channel}", *w.Publish.QueueUrl())
	output(stack, "RefusedQueue", "What could not be published, with the reason", *w.DeadPublish.QueueUrl())
	output(stack, "EventBus", "Where EventBridge's rules hear of channels; apps publish by "+config.PublishDetailType, *w.Bus.Ref())
	output(stack, "DeadDeliveries", "What endpoints could not be told, for 14 days", *w.DeadDeliveries.QueueUrl())
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
