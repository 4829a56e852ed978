// Command api serves the Pusher HTTP API behind a function URL.
package main

import (
	"hark/functions/internal/wiring"
	"hark/shared/apigw"
	"hark/shared/config"
	"hark/shared/httpapi"
)

func main() {
	wiring.Main(handler, config.AppsTable, config.StateTable, config.BroadcastsQueue)
}

func handler(p *wiring.Parts) (any, error) {
	api := &httpapi.API{Apps: p.Apps(), Publisher: p.Broadcasts(), Counter: p.State(), Log: p.Log}
	return apigw.HTTP(api.Handler()), nil
}
