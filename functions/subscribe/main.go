// Command subscribe answers pusher:subscribe and pusher:unsubscribe. It is deployed with context routes=named, for what that brings:
// a crowd that subscribes at once takes no process away from other frames, and the roles of all three are narrower. By default
// command message answers these frames too.
package main

import (
	"hark/functions/internal/wiring"
	"hark/shared/config"
)

func main() {
	wiring.Main(wiring.Frames, config.AppsTable, config.StateTable, config.BroadcastsQueue, config.CallbackURL)
}
