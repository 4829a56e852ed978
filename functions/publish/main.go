// Command publish is the consumer of the publish queue: it publishes events by the rules of the
// HTTP API. The events that apps put on the event bus come by the same queue.
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
