// Package state names what Hark keeps: the rows of the state table and the messages on the queues.
// It decides nothing. Package membership says by which steps rows change, package dynamo how they
// are written, and package queue how messages are encoded.
//
// Rows are in connection.go, subscription.go, channel.go, user.go and sweep.go; messages in
// broadcasts.go and webhooks.go. docs/steps.md calls a connection's row C, a subscription's S and a
// channel's marker K.
package state
