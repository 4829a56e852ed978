package events

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"hark/localstack/cloud/faults"
	"hark/localstack/cloud/meter"
)

// Queues is the SQS that rules send events to.
type Queues interface {
	// Send sends a message. group is its group in a FIFO queue, which must deduplicate by content.
	Send(ctx context.Context, queueARN, group, body string) error
}

// Options configure a Service.
type Options struct {
	Region, Account string

	Queues Queues           // required by rules
	Meter  *meter.Meter     // counts events; may be nil
	Now    func() time.Time // time.Now if nil
	Log    *slog.Logger     // discarded if nil
	Faults *faults.Set      // slow and refuse requests, and kill their callers; none if nil
}

// Service is the EventBridge of one account in one Region. It is safe for concurrent use.
type Service struct {
	opts Options

	mu    sync.RWMutex
	buses map[string][]rule // by name; always has the default bus
}

// defaultBus is the bus of events that name none.
const defaultBus = "default"

// New returns a Service with only the default bus.
func New(opts Options) *Service {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{opts: opts, buses: map[string][]rule{defaultBus: nil}}
}

// BusSpec is an AWS::Events::EventBus.
type BusSpec struct {
	Name string

	// Refused if set.
	EventSourceName  string
	DeadLetterConfig json.RawMessage

	Description, KmsKeyIdentifier, Tags json.RawMessage // without effect
}

// CreateBus adds a bus.
func (s *Service) CreateBus(spec BusSpec) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, exists := s.buses[spec.Name]
	switch {
	case spec.Name == "" || strings.Contains(spec.Name, "/"):
		return fmt.Errorf("event bus %q: the name is not one that AWS takes", spec.Name)
	case exists:
		return fmt.Errorf("event bus %s: exists already", spec.Name)
	case spec.EventSourceName != "":
		return fmt.Errorf("event bus %s: %w", spec.Name, unsupported("EventSourceName"))
	case spec.DeadLetterConfig != nil:
		return fmt.Errorf("event bus %s: %w", spec.Name, unsupported("DeadLetterConfig"))
	}
	s.buses[spec.Name] = nil
	return nil
}

// RuleSpec is an AWS::Events::Rule with a pattern.
type RuleSpec struct {
	Name         string
	EventBusName string // default if ""; or its ARN
	EventPattern json.RawMessage
	State        string // ENABLED if ""
	Targets      []Target

	ScheduleExpression string // refused if set

	Description, Tags json.RawMessage // without effect
}

// Target is a queue that a rule sends events to.
type Target struct {
	ID            string `json:"Id"`
	ARN           string `json:"Arn"`
	SQSParameters struct {
		MessageGroupID string `json:"MessageGroupId"` // in a FIFO queue
	} `json:"SqsParameters"`

	// Refused if set.
	Input, InputPath, RoleARN                       string
	InputTransformer, DeadLetterConfig, RetryPolicy json.RawMessage
}

// rule is an enabled rule.
type rule struct {
	name    string
	pattern pattern
	targets []Target
}

// CreateRule adds a rule to a bus. The error names what is not supported.
func (s *Service) CreateRule(spec RuleSpec) error {
	r := rule{name: spec.Name, targets: spec.Targets}
	var err error
	if r.pattern, err = parsePattern(spec.EventPattern); err == nil {
		err = spec.check()
	}
	if err != nil {
		return fmt.Errorf("rule %s: %w", spec.Name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	bus := busName(spec.EventBusName)
	if _, exists := s.buses[bus]; !exists {
		return fmt.Errorf("rule %s: event bus %s does not exist", spec.Name, bus)
	}
	if spec.State != "DISABLED" {
		s.buses[bus] = append(s.buses[bus], r)
	}
	return nil
}

func (spec RuleSpec) check() error {
	switch {
	case spec.ScheduleExpression != "":
		return unsupported("ScheduleExpression beside a pattern")
	case spec.State != "" && spec.State != "ENABLED" && spec.State != "DISABLED":
		return unsupported("State " + spec.State)
	}
	for _, t := range spec.Targets {
		if err := t.check(); err != nil {
			return fmt.Errorf("target %s: %w", t.ID, err)
		}
	}
	return nil
}

func (t Target) check() error {
	switch {
	case !strings.HasPrefix(t.ARN, "arn:aws:sqs:"):
		return unsupported(t.ARN + ", which is no queue,")
	case strings.HasSuffix(t.ARN, ".fifo") && t.SQSParameters.MessageGroupID == "":
		return errors.New("a FIFO queue needs a MessageGroupId")
	case t.Input != "" || t.InputPath != "" || t.InputTransformer != nil:
		return unsupported("Input, InputPath or InputTransformer")
	case t.RoleARN != "" || t.DeadLetterConfig != nil || t.RetryPolicy != nil:
		return unsupported("RoleArn, DeadLetterConfig or RetryPolicy")
	}
	return nil
}

func unsupported(what string) error {
	return fmt.Errorf("%s is not supported by the local cloud", what)
}

// rules returns the rules of a bus, and whether the bus exists.
func (s *Service) rules(bus string) ([]rule, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	rules, exists := s.buses[bus]
	return rules, exists
}

// busName returns the name of a bus, given its name or ARN.
func busName(id string) string {
	if id == "" {
		return defaultBus
	}
	return id[strings.LastIndexByte(id, '/')+1:]
}

func (s *Service) busARN(name string) string {
	return "arn:aws:events:" + s.opts.Region + ":" + s.opts.Account + ":event-bus/" + name
}
