// Package wire speaks the Pusher protocol from the outside, as the tests and the benchmark need it:
// frames by hand over a WebSocket, and signed requests whose every part can be made wrong. It
// shares no code with the product, so that an error there is not repeated here.
//
// It decides nothing about what is right beyond the shape that every frame must have
// (docs/protocol.md §0 and §9, 20, 24, 25). Start with Dial and API.Publish.
package wire
