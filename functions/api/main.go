// Command api serves the Pusher HTTP API behind a function URL.
package main

import (
	"hark/functions/internal/wiring"
	"hark/shared/apigw"
	"hark/shared/config"
	"hark/shared/httpapi"
)

func main() {
	wiring.Main(handler, config.AppsTable, config.StateTable, config.BroadcastsQueue, config.CallbackURL)
}

// width is how many connections of a user are ended at once.
const width = 16

func handler(p *wiring.Parts) (any, error) {
	sockets, err := p.Sockets(width)
	if err != nil {
		return nil, err
	}
	api := &httpapi.API{Apps: p.Apps(), Publisher: p.Broadcasts(), State: p.State(), Sockets: sockets, Log: p.Log}
	return apigw.HTTP(api.Handler()), nil
}
