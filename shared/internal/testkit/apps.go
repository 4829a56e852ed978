package testkit

import (
	"context"
	"slices"

	"hark/shared/pusher"
	"hark/shared/settings"
)

// App returns an app with the credentials that Pusher's documents sign with (docs/protocol.md §3.2)
// and default settings, which change may set otherwise.
func App(change ...func(*pusher.App)) pusher.App {
	a := pusher.App{
		ID: "3", Key: "278d425bdf160c739803", Secret: "7ad3773142a6692b25b8",
		Settings: settings.Default(),
	}
	for _, f := range change {
		f(&a)
	}
	return a
}

// Apps are all apps of a stack.
type Apps []pusher.App

// ByID returns the app with the ID; it fails with pusher.ErrNoApp if there is none.
func (a Apps) ByID(_ context.Context, id string) (pusher.App, error) {
	return a.find(func(app pusher.App) bool { return app.ID == id })
}

// ByKey returns the app with the key; it fails with pusher.ErrNoApp if there is none.
func (a Apps) ByKey(_ context.Context, key string) (pusher.App, error) {
	return a.find(func(app pusher.App) bool { return app.Key == key })
}

// IDs returns the IDs of all apps.
func (a Apps) IDs(context.Context) ([]string, error) {
	var ids []string
	for _, app := range a {
		ids = append(ids, app.ID)
	}
	return ids, nil
}

func (a Apps) find(match func(pusher.App) bool) (pusher.App, error) {
	if i := slices.IndexFunc(a, match); i >= 0 {
		return a[i], nil
	}
	return pusher.App{}, pusher.ErrNoApp
}
