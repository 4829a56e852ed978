// Command sweep forgets for good, once a minute, the connections whose end was left in doubt.
package main

import (
	"context"

	"hark/functions/internal/wiring"
	"hark/shared/config"
)

func main() {
	wiring.Main(handler, config.AppsTable, config.StateTable, config.BroadcastsQueue, config.CallbackURL)
}

func handler(p *wiring.Parts) (any, error) {
	sockets, err := p.Sockets(1)
	if err != nil {
		return nil, err
	}
	members := p.Members(sockets, p.Broadcasts())
	return func(ctx context.Context) error {
		forgotten, err := members.Sweep(ctx)
		if forgotten > 0 {
			p.Log.InfoContext(ctx, "swept", "forgotten", forgotten)
		}
		return err
	}, nil
}
