// Package events is the local cloud's Amazon EventBridge: it has buses, rules that send events from
// them to SQS queues, and PutEvents in AWS's JSON 1.1 protocol.
//
// Start at put.go: an event is matched with the pattern of each rule of its bus (pattern.go) and
// sent, in EventBridge's envelope, to the targets of the rules that match. AWS sends events some
// time after it has answered, in no promised order, and retries for a day. Here they are sent in
// order and before the answer, and a target that fails is only logged. Sources: EventBridge User
// Guide ("PutEvents", "Event patterns", "Amazon SQS queue target") and API Reference.
//
// Buses and rules come only from the template (buses.go); operations that create or list them are
// refused by name. Schedules are in package lambda.
package events
