package main

import (
	"encoding/json"
	"fmt"
	"slices"

	"hark/localstack/cloud/events"
	"hark/localstack/cloud/lambda"
	"hark/localstack/cloud/template"
	"hark/localstack/cloud/wildcard"
)

// eventBridge is who rules act as where a permission or policy has to let them in.
const eventBridge = "events.amazonaws.com"

func (c *cloud) createBuses() error {
	for _, res := range c.stack.OfType("AWS::Events::EventBus") {
		var spec events.BusSpec
		if err := res.Decode(&spec); err != nil {
			return err
		}
		if err := c.buses.CreateBus(spec); err != nil {
			return fmt.Errorf("resource %s: %w", res.LogicalID, err)
		}
	}
	return nil
}

// createRules starts what runs by the clock, and what buses send on.
func (c *cloud) createRules() error {
	for _, res := range slices.Concat(c.stack.OfType("AWS::Events::Rule"), c.stack.OfType("AWS::Scheduler::Schedule")) {
		var about struct{ EventPattern json.RawMessage }
		if err := res.Peek(&about); err != nil {
			return err
		}
		create := c.createSchedule
		if about.EventPattern != nil {
			create = c.createRule
		}
		if err := create(res); err != nil {
			return fmt.Errorf("resource %s: %w", res.LogicalID, err)
		}
	}
	return nil
}

// createSchedule needs the function's permission, for a rule; a schedule of EventBridge Scheduler has a role instead.
func (c *cloud) createSchedule(res template.Resource) error {
	var spec lambda.ScheduleSpec
	if err := res.Decode(&spec); err != nil {
		return err
	}
	spec.Name = res.ID
	for _, target := range spec.Targets {
		if !c.permissions.service(eventBridge, functionName(target.Arn), res.Attributes["Arn"]) {
			return fmt.Errorf("no AWS::Lambda::Permission lets %s invoke %s for it", eventBridge, functionName(target.Arn))
		}
	}
	return c.lambda.Schedule(spec)
}

// createRule needs a policy of each queue that the rule sends to.
func (c *cloud) createRule(res template.Resource) error {
	var spec events.RuleSpec
	if err := res.Decode(&spec); err != nil {
		return err
	}
	spec.Name = res.ID
	for _, target := range spec.Targets {
		open, err := c.letsIn(eventBridge, "sqs:SendMessage", target.ARN, res.Attributes["Arn"])
		if err != nil {
			return err
		}
		if !open {
			return fmt.Errorf("no AWS::SQS::QueuePolicy lets %s send to %s for it", eventBridge, target.ARN)
		}
	}
	return c.buses.CreateRule(spec)
}

// queueStatement is a statement of a queue's policy.
type queueStatement struct {
	Sid, Effect      string
	Principal        json.RawMessage
	Action, Resource oneOrMore[string]
	Condition        map[string]map[string]oneOrMore[string] // by operator and key
}

// letsIn reports whether the policies of the stack's queues let an AWS service do an action to a queue on behalf of the source,
// which is an ARN. A statement counts if it allows just that: the local cloud knows no condition but that on the source.
func (c *cloud) letsIn(service, action, queueARN, sourceARN string) (bool, error) {
	for _, res := range c.stack.OfType("AWS::SQS::QueuePolicy") {
		var policy struct {
			PolicyDocument struct {
				Version   string
				Statement oneOrMore[queueStatement]
			}
			Queues []string // URLs
		}
		if err := res.Decode(&policy); err != nil {
			return false, err
		}
		if c.isAmong(policy.Queues, queueARN) && slices.ContainsFunc(policy.PolicyDocument.Statement, func(s queueStatement) bool {
			return s.Effect == "Allow" && s.isFor(service) && s.holds(sourceARN) &&
				matchesAny(s.Action, action) && matchesAny(s.Resource, queueARN)
		}) {
			return true, nil
		}
	}
	return false, nil
}

// isAmong reports whether one of the URLs is the queue's.
func (c *cloud) isAmong(urls []string, queueARN string) bool {
	return slices.ContainsFunc(c.stack.OfType("AWS::SQS::Queue"), func(queue template.Resource) bool {
		return queue.Attributes["Arn"] == queueARN && slices.Contains(urls, queue.ID)
	})
}

func (s queueStatement) isFor(service string) bool {
	var principal struct{ Service oneOrMore[string] }
	return json.Unmarshal(s.Principal, &principal) == nil && slices.Contains(principal.Service, service)
}

// holds reports whether the statement's condition holds for the source.
func (s queueStatement) holds(sourceARN string) bool {
	for operator, values := range s.Condition {
		for key, arns := range values {
			known := slices.Contains([]string{"ArnEquals", "ArnLike", "StringEquals", "StringLike"}, operator) && key == "aws:SourceArn"
			if !known || !matchesAny(arns, sourceARN) {
				return false
			}
		}
	}
	return true
}

func matchesAny(patterns []string, s string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return wildcard.Match(p, s) })
}
