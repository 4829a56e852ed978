// Command broadcast delivers the events of the broadcasts queue to their subscribers.
package main

import (
	"hark/functions/internal/wiring"
	"hark/shared/broadcast"
	"hark/shared/config"
	"hark/shared/queue"
)

// width is how many posts of one channel are under way at once: enough to hide a post's few milliseconds behind each other
// on a fraction of a processor.
const width = 64

func main() {
	wiring.Main(handler, config.StateTable, config.CallbackURL)
}

func handler(p *wiring.Parts) (any, error) {
	sockets, err := p.Sockets(width)
	if err != nil {
		return nil, err
	}
	broadcaster := &broadcast.Broadcaster{
		Subscribers: p.State(), Forget: p.Members(sockets), Sender: sockets, Parallel: width, Log: p.Log,
	}
	return queue.Consume(broadcaster, p.Log), nil
}
