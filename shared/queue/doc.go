// Package queue sends and receives messages on the stack's FIFO queues. It encodes messages, keeps
// those of a message group in order, and has messages received again whose work failed. It decides
// nothing else.
//
// Each queue has a file: broadcasts.go, checks.go, deliveries.go, and publish.go for the publish
// queue and the refused queue. send.go and consume.go are what they share; route.go is for a
// function that two queues feed.
package queue
