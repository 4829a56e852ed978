// Package events is the local cloud's Amazon EventBridge: buses and the rules on them that send
// events to SQS queues, as far as the stack's template has them, and PutEvents in AWS's JSON 1.1
// protocol.
//
// An event that is put is matched with the pattern of each rule of its bus (pattern.go) and sent,
// in EventBridge's envelope, to the targets of those that match (put.go). AWS does the second part
// some time after it has answered, in no promised order, and tries again for a day; here it is done
// in order and before the answer. A target that refuses is an error in the log. Sources:
// EventBridge User Guide ("PutEvents", "Event patterns", "Amazon SQS queue target") and API
// Reference.
//
// Buses and rules come from the template only; the operations that create or list them are refused
// by name. Rules that invoke functions by the clock are package lambda's.
package events
