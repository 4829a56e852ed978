// Package sqs is the local cloud's Amazon SQS: standard and FIFO queues in memory, spoken to in AWS's JSON 1.0 protocol
// (ServeHTTP) or in the same process: Receive, Delete and ChangeVisibility, as Lambda's event source mappings do, and
// Send, as EventBridge does.
//
// A queue is a set of messages, each delayed, visible or in flight, and an agenda that says when each changes by itself
// (queue.go, agenda.go). Messages belong to groups, and a group with a message in flight gives out nothing more. In a
// FIFO queue the group is the sender's MessageGroupId; in a standard queue every message is a group of its own. That is
// all the engine knows of the difference. Receivers that found nothing wait in line and are handed messages by whatever
// makes them available: a send, a delete, or the clock (wait.go). Nothing polls.
//
// Around the engine, api_*.go are the operations of the API, validate.go and errors.go their rules and refusals as AWS
// words them, and http.go the protocol. Sources: docs/aws.md §C, the SQS Developer Guide and API Reference.
//
// Where AWS only promises "approximately", this package is exact: counts are true, a receive returns as many messages
// as it may, standard queues deliver once and in order while nothing fails. It does not limit how many messages are in
// flight, encrypts nothing, and remembers nothing once the process ends. Queues come from the template only: the
// operations that create, change, tag or delete queues are refused by name. It throttles and repeats only if a fault is
// set (faults.go).
package sqs
