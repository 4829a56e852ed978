package faults

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Kind is a way to break.
type Kind string

// What can be made to break. README.md has a table of the selectors and values that each kind
// takes.
const (
	LoseDisconnect Kind = "lose-disconnect" // a connection ends and $disconnect is not invoked
	// a post to, or a look at, a living connection is answered 410
	Gone Kind = "gone"
	// a call is refused with a status, in the service's own form, and not executed
	Answer Kind = "answer"
	// a call is executed later; it is even if its caller has gone meanwhile
	Slow Kind = "slow"
	// a function's process is killed instead of its nth write
	KillBeforeWrite Kind = "kill-before-write"
	// and here when its nth write is done, but not answered
	KillAfterWrite Kind = "kill-after-write"
	// a function gets an event twice: at once, or some time after it has answered
	RepeatInvocation Kind = "repeat-invocation"
	// a queue hands a message out again that was deleted, or is in flight
	RepeatMessage Kind = "repeat-message"
	Cut           Kind = "cut" // every socket ends with 1001, now
	// a client's frames reach the function late, by anything up to a delay
	Reorder Kind = "reorder"
)

// The services that faults tell apart. Lambda means invocations, whoever makes them; a fault
// strikes there only if it names it.
const (
	DynamoDB    = "dynamodb"
	SQS         = "sqs"
	EventBridge = "eventbridge"
	Connections = "connections" // API Gateway's @connections
	Lambda      = "lambda"
)

// Fault is one thing that breaks, and when. An empty selector matches everything.
type Fault struct {
	Do Kind `json:"do"`

	Service   string `json:"service,omitempty"`
	Operation string `json:"operation,omitempty"`
	// who calls, or of Lambda, what is invoked: its name, or the end of it after a hyphen
	Function   string `json:"function,omitempty"`
	Connection string `json:"connection,omitempty"`

	Status int      `json:"status,omitempty"` // of Answer: 429, or 500 to 599
	Delay  Duration `json:"delay,omitzero"`
	// which of an invocation's matching writes kills; the first if 0
	Nth int `json:"nth,omitempty"`
	// how probably it strikes on each occasion; always if 0
	Rate  float64 `json:"rate,omitempty"`
	Count int     `json:"count,omitempty"` // how often it strikes at most; no bound if 0
}

// Duration is a time.Duration that JSON writes as Go does: "200ms".
type Duration time.Duration

// MarshalText writes "200ms".
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads "200ms".
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}

// Order is what a request sets.
type Order struct {
	Seed   *uint64 `json:"seed"` // one is chosen if nil
	Faults []Fault `json:"faults"`
}

// Parse reads an order. The error names the fault and the field that is not understood, or makes no
// sense.
func Parse(data []byte) (Order, error) {
	var o Order
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&o); err != nil {
		return Order{}, fmt.Errorf("faults: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Order{}, errors.New("faults: something follows the order")
	}
	for i, f := range o.Faults {
		if err := f.check(); err != nil {
			return Order{}, fmt.Errorf("faults: fault %d: %w", i, err)
		}
	}
	return o, nil
}

// takes returns the fields that faults of a kind understand besides rate and count; nil if there is
// no such kind.
func (k Kind) takes() []string {
	switch k {
	case LoseDisconnect, Cut:
		return []string{"connection"}
	case Reorder:
		return []string{"connection", "delay"}
	case Gone:
		return []string{"service", "operation", "function", "connection"}
	case Answer:
		return []string{"service", "operation", "function", "connection", "status"}
	case Slow:
		return []string{"service", "operation", "function", "connection", "delay"}
	case KillBeforeWrite, KillAfterWrite:
		return []string{"service", "operation", "function", "nth"}
	case RepeatInvocation:
		return []string{"function", "delay"}
	case RepeatMessage:
		return []string{"operation", "function", "delay"}
	}
	return nil
}

// check refuses, by name, what would never strike or have no effect.
func (f Fault) check() error {
	takes := f.Do.takes()
	if takes == nil {
		return fmt.Errorf("do is %q, which is none that can be done", f.Do)
	}
	for _, field := range []struct {
		name string
		set  bool
	}{
		{"service", f.Service != ""},
		{"operation", f.Operation != ""},
		{"function", f.Function != ""},
		{"connection", f.Connection != ""},
		{"status", f.Status != 0},
		{"delay", f.Delay != 0},
		{"nth", f.Nth != 0},
	} {
		if field.set && !slices.Contains(takes, field.name) {
			return fmt.Errorf(
				"%s takes no %s, only rate, count, %s",
				f.Do, field.name, strings.Join(takes, ", "),
			)
		}
	}
	return f.checkValues()
}

func (f Fault) checkValues() error {
	switch {
	case f.Rate < 0 || f.Rate > 1:
		return fmt.Errorf("rate is %v, must be from 0 to 1", f.Rate)
	case f.Count < 0:
		return fmt.Errorf("count is %d", f.Count)
	case f.Nth < 0:
		return fmt.Errorf("nth is %d", f.Nth)
	case f.Delay < 0:
		return fmt.Errorf("delay is %v", time.Duration(f.Delay))
	case f.Delay == 0 && (f.Do == Slow || f.Do == Reorder):
		return fmt.Errorf("%s needs a delay", f.Do)
	case f.Do == Answer && f.Status != 429 && (f.Status < 500 || f.Status > 599):
		return fmt.Errorf("status is %d, must be 429 or 500 to 599", f.Status)
	}
	return f.checkOperation()
}

// checkOperation refuses services and operations at which the fault is never asked for.
func (f Fault) checkOperation() error {
	services := f.services()
	if f.Service != "" {
		if !slices.Contains(services, f.Service) {
			return fmt.Errorf(
				"service is %q, must be one of %s", f.Service, strings.Join(services, ", "),
			)
		}
		services = []string{f.Service}
	} else { // Lambda must be named
		services = slices.DeleteFunc(services, func(service string) bool {
			return service == Lambda
		})
	}
	if f.Connection != "" && f.Service != "" && f.Service != Connections {
		return fmt.Errorf("a call of %s is about no connection", f.Service)
	}
	if f.Operation == "" {
		return nil
	}
	var known []string
	for _, service := range services {
		known = append(known, f.operations(service)...)
	}
	if !slices.Contains(known, f.Operation) {
		return fmt.Errorf(
			"operation is %q, must be one of %s", f.Operation, strings.Join(known, ", "),
		)
	}
	return nil
}

// services are those at which faults of the kind can strike.
func (f Fault) services() []string {
	switch f.Do {
	case Gone:
		return []string{Connections}
	case KillBeforeWrite, KillAfterWrite:
		return []string{DynamoDB, SQS, EventBridge}
	case RepeatMessage:
		return []string{SQS}
	default:
		return []string{DynamoDB, SQS, EventBridge, Connections, Lambda}
	}
}

// operations are those of the service at which the fault can strike.
func (f Fault) operations(service string) []string {
	var all []string
	switch service {
	case DynamoDB:
		all = []string{
			"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "BatchGetItem",
			"BatchWriteItem",
			"TransactGetItems", "TransactWriteItems", "DescribeTable", "DescribeTimeToLive",
			"ListTables",
		}
	case SQS:
		all = []string{
			"SendMessage", "SendMessageBatch", "ReceiveMessage", "DeleteMessage",
			"DeleteMessageBatch", "ChangeMessageVisibility",
			"ChangeMessageVisibilityBatch", "GetQueueUrl", "GetQueueAttributes",
			"ListDeadLetterSourceQueues", "ListQueues",
			"PurgeQueue",
		}
	case EventBridge:
		all = []string{"PutEvents"}
	case Connections:
		all = []string{PostToConnection, GetConnection, DeleteConnection}
	case Lambda:
		all = []string{Invoke}
	}
	switch f.Do {
	case Gone:
		return []string{PostToConnection, GetConnection}
	case RepeatMessage:
		return []string{"ReceiveMessage", "DeleteMessage"}
	case KillBeforeWrite, KillAfterWrite:
		return slices.DeleteFunc(all, func(op string) bool { return !Writes(service, op) })
	default:
		return all
	}
}

// The operations that no header names.
const (
	PostToConnection = "PostToConnection"
	GetConnection    = "GetConnection"
	DeleteConnection = "DeleteConnection"
	Invoke           = "Invoke"
)

// Writes reports whether an operation is one of the writes that kill a process: those that change a
// table, sends to a queue, and events put on a bus.
func Writes(service, operation string) bool {
	switch service {
	case DynamoDB:
		switch operation {
		case "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems":
			return true
		}
	case SQS:
		return operation == "SendMessage" || operation == "SendMessageBatch"
	case EventBridge:
		return operation == "PutEvents"
	}
	return false
}
