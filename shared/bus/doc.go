// Package bus puts events on the stack's event bus, from which EventBridge's rules send them to
// SQS, Lambda, Step Functions and other services. It decides nothing. Start at bus.go.
package bus
