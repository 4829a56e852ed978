// Package bus puts events on the stack's event bus, from where EventBridge's rules lead to SQS, Lambda, Step Functions and the rest of
// AWS. It is an adapter: what an event says is not its business.
package bus
