// Command disconnect forgets a connection that has ended: API Gateway's $disconnect route.
package main

import (
	"hark/functions/internal/wiring"
	"hark/shared/apigw"
	"hark/shared/config"
)

func main() {
	wiring.Main(handler, config.StateTable)
}

func handler(p *wiring.Parts) (any, error) {
	return apigw.Disconnect(p.Members(nil)), nil // no sockets: what has ended needs no closing
}
