// Command disconnect forgets a connection that has ended: API Gateway's $disconnect route.
package main

import (
	"hark/functions/internal/wiring"
	"hark/shared/apigw"
	"hark/shared/config"
)

func main() {
	wiring.Main(handler, config.AppsTable, config.StateTable, config.BroadcastsQueue)
}

func handler(p *wiring.Parts) (any, error) {
	// A connection that has ended needs no gateway.
	return apigw.Disconnect(p.Membership(nil, p.Broadcasts())), nil
}
