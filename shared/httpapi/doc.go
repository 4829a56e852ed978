// Package httpapi is the Pusher HTTP API as a plain http.Handler: who signed a request, whether it makes sense, what its
// publisher is told, and who is connected where (protocol.md §5). Delivering is somebody else's business: an accepted event has been
// handed to a Publisher.
//
// Start at handler.go for the life of a request; routes.go lists what is served, and each file after it serves one part:
// events.go publishes, idempotency.go does so once, channels.go and users.go read, terminate.go ends a user's connections.
package httpapi
