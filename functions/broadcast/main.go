// Command broadcast delivers the events of the broadcasts queue to their subscribers, and between them takes connections into presence
// channels and out of them.
package main

import (
	"hark/functions/internal/wiring"
	"hark/shared/broadcast"
	"hark/shared/config"
	"hark/shared/queue"
)

// width is how many posts are under way at once: enough to hide a post's few milliseconds behind each other on a fraction of a
// processor. atOnce is how many clients of a channel are served at once: most of them wait for their turn, those that do not read for
// their next try, and these must hold up nobody. Each costs a few kilobytes.
const (
	width  = 64
	atOnce = 2000
)

func main() {
	wiring.Main(handler, config.AppsTable, config.StateTable, config.BroadcastsQueue, config.CallbackURL)
}

func handler(p *wiring.Parts) (any, error) {
	sockets, err := p.Sockets(width)
	if err != nil {
		return nil, err
	}
	state, members := p.State(), p.Members(sockets, p.Broadcasts())
	broadcaster := &broadcast.Broadcaster{
		Subscribers: state, Cache: state, Members: members, Sender: sockets, Parallel: atOnce, Log: p.Log,
	}
	members.Crowd = broadcaster // who comes and goes is told as events are
	return queue.Consume(broadcaster, p.Log), nil
}
