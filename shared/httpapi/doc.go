// Package httpapi decides what the Pusher HTTP API answers (docs/protocol.md §5): it verifies who
// signed a request, refuses invalid ones, publishes events and reads the state of channels. It
// delivers nothing: a Publisher takes over the events that it accepts.
//
// Start at handler.go for the life of a request. routes.go lists the endpoints. publish.go serves
// the two that publish, with validate.go for the checks of an event and idempotency.go for repeats.
// channels.go, users.go and terminate.go serve the others; info.go reads the counts that they
// share.
package httpapi
