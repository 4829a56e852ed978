// Command connect handles handshakes, API Gateway's $connect route: it accepts a client, and greets
// it after the handshake has been answered.
package main

import (
	"hark/functions/internal/wiring"
	"hark/shared/apigw"
	"hark/shared/config"
	"hark/shared/socket"
)

func main() {
	wiring.Main(handler,
		config.AppsTable, config.StateTable, config.OriginSecret, config.CallbackURL)
}

func handler(p *wiring.Parts) (any, error) {
	gateway, err := p.Gateway(1)
	if err != nil {
		return nil, err
	}
	opener := &socket.Opener{
		Apps: p.Apps(), Registry: p.Membership(gateway, nil), Gateway: gateway,
		Secret: p.Config.OriginSecret, Activity: p.Config.ActivityTimeout, Log: p.Log,
	}
	names := apigw.Handshakes{
		SecretHeader: config.OriginSecretHeader, KeyParameter: config.KeyParameter,
	}
	return apigw.Connect(opener, names, p.Log), nil
}
