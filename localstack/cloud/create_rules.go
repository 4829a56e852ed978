package cloud

import (
	"encoding/json"
	"fmt"
	"slices"

	"hark/localstack/cloud/events"
	"hark/localstack/cloud/lambda"
	"hark/localstack/cloud/template"
)

// eventBridge is the principal of rules in permissions and policies.
const eventBridge = "events.amazonaws.com"

func (c *Cloud) createBuses() error {
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

// createRules creates rules and schedules. Those with an event pattern send the events of a bus to
// queues; the others invoke functions periodically.
func (c *Cloud) createRules() error {
	rules := c.stack.OfType("AWS::Events::Rule")
	for _, res := range slices.Concat(rules, c.stack.OfType("AWS::Scheduler::Schedule")) {
		var properties struct{ EventPattern json.RawMessage }
		if err := res.Peek(&properties); err != nil {
			return err
		}
		create := c.createSchedule
		if properties.EventPattern != nil {
			create = c.createRule
		}
		if err := create(res); err != nil {
			return fmt.Errorf("resource %s: %w", res.LogicalID, err)
		}
	}
	return nil
}

// createSchedule creates a rule that runs by the clock, or a schedule of EventBridge Scheduler. A
// rule needs a permission of the function. A schedule has a role instead, and lists no Targets
// here.
func (c *Cloud) createSchedule(res template.Resource) error {
	var spec lambda.ScheduleSpec
	if err := res.Decode(&spec); err != nil {
		return err
	}
	spec.Name = res.ID
	for _, target := range spec.Targets {
		function := functionName(target.Arn)
		if !c.permissions.allowService(eventBridge, function, res.Attributes["Arn"]) {
			return fmt.Errorf("no AWS::Lambda::Permission lets %s invoke %s for it",
				eventBridge, function)
		}
	}
	return c.lambda.Schedule(spec)
}

// createRule creates a rule with an event pattern. Each queue that it sends to needs a policy that
// allows it.
func (c *Cloud) createRule(res template.Resource) error {
	var spec events.RuleSpec
	if err := res.Decode(&spec); err != nil {
		return err
	}
	spec.Name = res.ID
	for _, target := range spec.Targets {
		allowed, err := c.queuePolicyAllows(
			eventBridge, "sqs:SendMessage", target.ARN, res.Attributes["Arn"])
		if err != nil {
			return err
		}
		if !allowed {
			return fmt.Errorf("no AWS::SQS::QueuePolicy lets %s send to %s for it",
				eventBridge, target.ARN)
		}
	}
	return c.buses.CreateRule(spec)
}
