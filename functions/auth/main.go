// Command auth answers pusher:signin. It is deployed with context routes=named, for what that brings: many who sign in at once, as
// after a deployment of the app, take no process away from other frames. By default command message answers this frame too.
package main

import (
	"hark/functions/internal/wiring"
	"hark/shared/config"
)

func main() {
	wiring.Main(wiring.Frames, config.AppsTable, config.StateTable, config.BroadcastsQueue, config.CallbackURL)
}
