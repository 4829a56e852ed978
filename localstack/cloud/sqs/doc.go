// Package sqs is the local cloud's Amazon SQS: it keeps standard and FIFO queues in memory. It is
// reached over HTTP by AWS's JSON 1.0 protocol (ServeHTTP), or in the same process (inprocess.go):
// Receive, Delete and ChangeVisibility for Lambda's event source mappings, Send for EventBridge.
//
// Start at queue.go. A queue is a set of messages, each delayed, visible or in flight, and an
// agenda of the times at which they change by themselves (agenda.go). Messages belong to groups,
// and a group with a message in flight delivers no other. In a FIFO queue the group is the sender's
// MessageGroupId; in a standard queue every message has a group of its own. The engine knows no
// other difference between the two kinds. Receives that find nothing wait in line, and get messages
// from the call that makes them available: a send, a delete, or the timer (wait.go). Nothing polls.
//
// Around this engine, api_*.go are the operations of the API, validate.go and errors.go their rules
// and AWS's error texts, and http.go the protocol. Sources: docs/aws.md §C, the SQS Developer Guide
// and API Reference.
//
// Where AWS promises only "approximately", this package is exact: counts are true, a receive
// returns as many messages as it may, and standard queues deliver once and in order while nothing
// fails. It does not limit the number of messages in flight, encrypts nothing, and keeps nothing
// when the process ends. Queues come from the template only: the operations that create, change,
// tag or delete queues are refused by name. Throttling and repeated deliveries happen only if a
// fault is set (faults.go).
package sqs
