// Command message answers the frames that clients send: API Gateway's $default route.
package main

import (
	"hark/functions/internal/wiring"
	"hark/shared/apigw"
	"hark/shared/config"
	"hark/shared/socket"
)

func main() {
	wiring.Main(handler, config.AppsTable, config.StateTable, config.CallbackURL)
}

func handler(p *wiring.Parts) (any, error) {
	sockets, err := p.Sockets(1)
	if err != nil {
		return nil, err
	}
	server := &socket.Server{Apps: p.Apps(), Members: p.Members(sockets), Sender: sockets, Log: p.Log}
	return apigw.Message(server, p.Log), nil
}
