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

// Kind is what a fault does.
type Kind string

// The kinds. localstack/README.md has a table of the selectors and values that each kind takes.
const (
	LoseDisconnect Kind = "lose-disconnect" // a connection ends and $disconnect is not invoked
	// a POST or GET of a living connection is answered 410
	Gone Kind = "gone"
	// a call is refused with a status, in the service's own form, and not executed
	Answer Kind = "answer"
	// a call is executed after a delay, even if its caller has gone by then
	Slow Kind = "slow"
	// a function's process is killed in place of its nth write
	KillBeforeWrite Kind = "kill-before-write"
	// a function's process is killed after its nth write, before the answer
	KillAfterWrite Kind = "kill-after-write"
	// a function is invoked twice with an event: at once, or some time after it has ended
	RepeatInvocation Kind = "repeat-invocation"
	// a queue delivers a message again that was deleted or is in flight
	RepeatMessage Kind = "repeat-message"
	Cut           Kind = "cut" // every connection is closed with 1001, at once
	// the invocations for a client's frames are delayed, each by up to the delay
	Reorder Kind = "reorder"
)

// The services that faults distinguish. Lambda means invocations, from any trigger. A fault strikes
// there only if it names Lambda.
const (
	DynamoDB    = "dynamodb"
	SQS         = "sqs"
	EventBridge = "eventbridge"
	Connections = "connections" // API Gateway's @connections
	Lambda      = "lambda"
)

// Fault is one fault and when it strikes. An empty selector matches everything.
type Fault struct {
	Do Kind `json:"do"`

	Service   string `json:"service,omitempty"`
	Operation string `json:"operation,omitempty"`
	// the calling function, or with Lambda the invoked one: its name, or the end of it after a
	// hyphen
	Function   string `json:"function,omitempty"`
	Connection string `json:"connection,omitempty"`

	Status int      `json:"status,omitempty"` // of Answer: 429, or 500 to 599
	Delay  Duration `json:"delay,omitzero"`
	// which of an invocation's matching writes kills the process; the first if 0
	Nth int `json:"nth,omitempty"`
	// the probability with which it strikes on each occasion; always if 0
	Rate  float64 `json:"rate,omitempty"`
	Count int     `json:"count,omitempty"` // most times that it strikes; no limit if 0
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

// Order is what one request sets.
type Order struct {
	Seed   *uint64 `json:"seed"` // random if nil
	Faults []Fault `json:"faults"`
}

// Parse reads an order. The error names the fault and the field that is unknown or wrong.
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

// takes returns the fields that faults of the kind may have besides rate and count; nil if there is
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

// check refuses by name what would never strike or would have no effect.
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

// checkOperation refuses services and operations at which the fault can never strike.
func (f Fault) checkOperation() error {
	services := f.services()
	if f.Service != "" {
		if !slices.Contains(services, f.Service) {
			return fmt.Errorf(
				"service is %q, must be one of %s", f.Service, strings.Join(services, ", "),
			)
		}
		services = []string{f.Service}
	} else { // Lambda counts only if it is named
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

// services returns the services at which faults of the kind can strike.
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

// operations returns the operations of the service at which the fault can strike.
func (f Fault) operations(service string) []string {
	var all []string
	switch service {
	case DynamoDB:
		all = []string{
			"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan",
			"BatchGetItem", "BatchWriteItem", "TransactGetItems", "TransactWriteItems",
			"DescribeTable", "DescribeTimeToLive", "ListTables",
		}
	case SQS:
		all = []string{
			"SendMessage", "SendMessageBatch", "ReceiveMessage",
			"DeleteMessage", "DeleteMessageBatch",
			"ChangeMessageVisibility", "ChangeMessageVisibilityBatch",
			"GetQueueUrl", "GetQueueAttributes", "ListDeadLetterSourceQueues", "ListQueues",
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

// Operations that no header of their requests names.
const (
	PostToConnection = "PostToConnection"
	GetConnection    = "GetConnection"
	DeleteConnection = "DeleteConnection"
	Invoke           = "Invoke"
)

// Writes reports whether an operation is a write, on which a process can be killed: a change of a
// table, a message sent to a queue, or an event put on a bus.
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
