// Package queue sends and receives messages on the stack's FIFO queues. It encodes messages, keeps
// those of a message group in order, and has messages received again whose work failed. It decides
// nothing else.
//
// broadcasts.go, checks.go, deliveries.go and publish.go have a queue each; send.go and consume.go are
// what they share.
package queue
