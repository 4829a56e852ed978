// Package wire speaks the Pusher protocol from the outside, for the tests and the benchmark: single
// frames over a WebSocket, and signed requests of which every part can be made wrong. It shares no
// code with the product, so that it does not repeat the product's errors.
//
// It checks only the shape that every frame must have (docs/protocol.md §0 and §9, 20, 24, 25).
// Start with Dial and API.Publish.
package wire
