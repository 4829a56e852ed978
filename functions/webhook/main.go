// Command webhook is the consumer of the checks queue and the deliveries queue: it decides which
// webhook events an app is sent, and posts them.
package main

import (
	"hark/functions/internal/wiring"
	"hark/shared/config"
	"hark/shared/queue"
	"hark/shared/webhook"
)

func main() {
	wiring.Main(handler,
		config.AppsTable, config.StateTable, config.ChecksQueue, config.DeliveriesQueue, config.Bus)
}

func handler(p *wiring.Parts) (any, error) {
	state, apps := p.State(), p.Apps()
	checker := &webhook.Checker{
		Markers: state, Members: state, Misses: state, Apps: apps, Notifier: p.Notifier(),
	}
	deliverer := &webhook.Deliverer{
		Apps: apps, Bus: p.Bus(), Client: webhook.NewClient(p.Config.WebhookLoopback),
		Attempts: config.DeliveryReceives, Log: p.Log,
	}
	return queue.Route(map[string]queue.Handler{
		p.Config.ChecksQueue:     queue.ConsumeChecks(checker, p.Log),
		p.Config.DeliveriesQueue: p.Deliveries().Consume(deliverer, p.Log),
	}), nil
}
