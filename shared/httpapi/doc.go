// Package httpapi is the Pusher HTTP API as a plain http.Handler: who signed a request, whether it makes sense, and what its
// publisher is told (protocol.md §5). Delivering is somebody else's business: an accepted event has been handed to a Publisher.
//
// Start at handler.go for the routes and at events.go for publishing.
package httpapi
