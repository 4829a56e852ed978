// Package httpapi is the Pusher HTTP API as a plain http.Handler: it verifies who signed a request,
// refuses what makes no sense, and answers (docs/protocol.md §5). It delivers nothing: an accepted
// event is handed to a Publisher.
//
// Start at handler.go for the life of a request. routes.go lists the endpoints, and each file after it
// serves one part: events.go publishes, idempotency.go recognizes repeats, channels.go and users.go
// read, terminate.go ends a user's connections.
package httpapi
