// Command subscribe handles pusher:subscribe and pusher:unsubscribe. It is deployed only with
// context routes=named: then many subscribes at once do not slow down other frames, and the roles
// of the functions have fewer permissions. Without it, command message handles these frames too.
package main

import (
	"hark/functions/internal/wiring"
	"hark/shared/config"
)

func main() {
	wiring.Main(wiring.Frames,
		config.AppsTable, config.StateTable, config.BroadcastsQueue, config.CallbackURL)
}
