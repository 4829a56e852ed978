// Command publish publishes what comes by the publish queue, and by the event bus through it, by the rules of the HTTP API.
package main

import (
	"hark/functions/internal/wiring"
	"hark/shared/config"
	"hark/shared/httpapi"
)

func main() {
	wiring.Main(handler, config.AppsTable, config.BroadcastsQueue, config.RefusedQueue)
}

func handler(p *wiring.Parts) (any, error) {
	api := &httpapi.API{Apps: p.Apps(), Publisher: p.Broadcasts(), Log: p.Log}
	return p.Refused().Consume(api, p.Log), nil
}
