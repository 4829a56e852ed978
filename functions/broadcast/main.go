// Command broadcast is the consumer of the broadcasts queue: it posts events to the subscribers of their
// channels, and between events takes connections into presence channels and out of them.
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
	// postsAtOnce is how many posts run at once: enough to hide the milliseconds of one post behind the
	// others on a fraction of a processor.
	postsAtOnce = 64
	// clientsAtOnce is how many clients of a channel are served at once. Most wait for a post's turn;
	// those that do not read wait for their next try and must hold up nobody. Each costs a few
	// kilobytes.
	clientsAtOnce = 2000
)

func main() {
	wiring.Main(handler, config.AppsTable, config.StateTable, config.BroadcastsQueue, config.CallbackURL)
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
