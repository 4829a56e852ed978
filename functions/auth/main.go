// Command auth handles pusher:signin. It is deployed only with context routes=named: then many
// sign-ins at once, as after a deployment of the app, do not slow down other frames. Without it,
// command message handles this frame too.
package main

import (
	"hark/functions/internal/wiring"
	"hark/shared/config"
)

func main() {
	wiring.Main(wiring.Frames,
		config.AppsTable, config.StateTable, config.BroadcastsQueue, config.CallbackURL)
}
