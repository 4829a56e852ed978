// Package broadcast delivers an event to everybody who is subscribed to its channel, and forgets clients that have gone.
//
// A slow or dead client delays nobody for longer than the sender's patience, and then loses what the batch in hand has for
// it; the promise is design.md §5.
package broadcast
