package wiring

import (
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"hark/shared/bus"
	"hark/shared/membership"
	"hark/shared/queue"
	"hark/shared/webhook"
)

// Deliveries is the queue of webhook events on their way to endpoints.
func (p *Parts) Deliveries() *queue.Deliveries {
	return &queue.Deliveries{Client: sqs.NewFromConfig(p.aws), URL: p.Config.DeliveriesQueue}
}

// Notifier queues webhook events.
func (p *Parts) Notifier() *webhook.Notifier {
	return &webhook.Notifier{Deliveries: p.Deliveries()}
}

// Bus is the event bus.
func (p *Parts) Bus() *bus.Bus {
	return &bus.Bus{Client: eventbridge.NewFromConfig(p.aws), Name: p.Config.Bus}
}

// checks is the checks queue; nil in a stack without webhooks.
func (p *Parts) checks() membership.Checks {
	if p.Config.ChecksQueue == "" {
		return nil
	}
	return &queue.Checks{Client: sqs.NewFromConfig(p.aws), URL: p.Config.ChecksQueue}
}

// webhooks is a Notifier; nil in a stack without webhooks and in a function that queues no webhook
// events.
func (p *Parts) webhooks() membership.Webhooks {
	if p.Config.DeliveriesQueue == "" {
		return nil
	}
	return p.Notifier()
}
