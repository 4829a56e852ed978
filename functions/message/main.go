// Command message handles the frames of clients: API Gateway's $default route.
package main

import (
	"hark/functions/internal/wiring"
	"hark/shared/config"
)

func main() {
	wiring.Main(wiring.Frames,
		config.AppsTable, config.StateTable, config.BroadcastsQueue, config.CallbackURL)
}
