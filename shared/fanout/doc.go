// Package fanout posts events and frames to the subscribers of a channel: in which order, how many
// at once, and what happens to a client that does not take them.
//
// Start at fanout.go, which posts the events of a channel round by round; post.go posts one frame
// to one or many connections, waits for pending subscriptions, and has connections forgotten that
// are gone. A client that takes no frame within the gateway's patience misses the events in hand
// (docs/decisions/0010-order-loss-duplicates.md).
package fanout
