// Package membership decides who is subscribed to which channel, who is signed in, and which
// channels are occupied. It stays right while frames of one connection run concurrently and in any
// order, functions die between any two steps, and $disconnect comes twice, early or never.
//
// Its steps are those of docs/steps.md §3. They were model-checked; the obvious ones are wrong.
// Comments name rows as that page does: C is the connection, S the subscription, K the marker that
// lists an occupied channel. One idea is behind all steps: each side writes its own row first and
// reads the other's row afterwards, so that of two sides that race at least one sees the other.
//
// Start at subscribe.go. Each file declares the interface of the rows that it reads and writes; the
// dynamo adapter implements them all. consumer.go lists the steps that only a channel's consumer
// may run. send.go lists the frames that this package sends: those whose moment depends on rows.
// All other frames (greetings, pongs, refusals of a client's frame) are sent by package socket.
package membership
