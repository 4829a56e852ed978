// Command broadcast is the consumer of the broadcasts queue: it posts events to the subscribers of
// their channels, and between events takes connections into presence channels and out of them.
package main

import (
	"hark/functions/internal/wiring"
	"hark/shared/config"
	"hark/shared/consumer"
	"hark/shared/fanout"
	"hark/shared/membership"
	"hark/shared/queue"
)

const (
	// postsAtOnce is how many posts run at once. On a fraction of a processor more would not be
	// faster (docs/decisions/0033-posts-at-once.md).
	postsAtOnce = 64
	// clientsAtOnce is how many clients of a channel are served at once. Most wait for one of the
	// posts; those that do not read wait for their next try, and the others must not wait for them.
	// Each costs a few kilobytes.
	clientsAtOnce = 2000
)

func main() {
	wiring.Main(handler,
		config.AppsTable, config.StateTable, config.BroadcastsQueue, config.CallbackURL)
}

func handler(p *wiring.Parts) (any, error) {
	gateway, err := p.Gateway(postsAtOnce)
	if err != nil {
		return nil, err
	}
	rows, steps := p.State(), p.Membership(gateway, p.Broadcasts())
	out := &fanout.Fanout{
		Subscribers: rows, Cache: rows, Forgetter: steps, Gateway: gateway,
		ClientsAtOnce: clientsAtOnce, Log: p.Log,
	}
	return queue.ConsumeBroadcasts(&consumer.Consumer{
		Fanout: out, Membership: &membership.ConsumerSteps{Membership: steps, Fanout: out},
	}, p.Log), nil
}
