// Command sweep runs once a minute. It forgets connections whose $disconnect never came or was left
// in doubt, and removes channels from the list that have no subscribers.
package main

import (
	"context"
	"errors"

	"hark/functions/internal/wiring"
	"hark/shared/config"
	"hark/shared/membership"
)

func main() {
	wiring.Main(handler,
		config.AppsTable, config.StateTable, config.BroadcastsQueue, config.CallbackURL)
}

func handler(p *wiring.Parts) (any, error) {
	gateway, err := p.Gateway(membership.SweepWidth)
	if err != nil {
		return nil, err
	}
	members := p.Membership(gateway, p.Broadcasts())
	audit := &membership.Audit{Members: members, List: p.State(), Apps: p.Apps()}
	return func(ctx context.Context) error {
		swept, err := members.Sweep(ctx)
		if swept.Forgotten > 0 || swept.Behind {
			p.Log.InfoContext(ctx, "swept",
				"looked", swept.Looked, "forgotten", swept.Forgotten, "behind", swept.Behind)
		}
		audited, failed := audit.Run(ctx)
		if audited.Expired+audited.Empty > 0 {
			p.Log.InfoContext(ctx, "audited", "channels", audited.Channels,
				"expired", audited.Expired, "empty", audited.Empty)
		}
		return errors.Join(err, failed)
	}, nil
}
