// Command api serves the Pusher HTTP API behind a function URL.
package main

import (
	"hark/functions/internal/wiring"
	"hark/shared/apigw"
	"hark/shared/config"
	"hark/shared/httpapi"
)

func main() {
	wiring.Main(handler,
		config.AppsTable, config.StateTable, config.BroadcastsQueue, config.CallbackURL)
}

// postsAtOnce is how many requests to API Gateway run at once while a user's connections are
// closed.
const postsAtOnce = 16

func handler(p *wiring.Parts) (any, error) {
	gateway, err := p.Gateway(postsAtOnce)
	if err != nil {
		return nil, err
	}
	api := &httpapi.API{
		Apps: p.Apps(), Publisher: p.Broadcasts(), State: p.State(), Gateway: gateway, Log: p.Log,
	}
	return apigw.HTTP(api.Handler()), nil
}
