package cloud

import (
	"encoding/json"
	"fmt"
	"slices"

	"hark/localstack/cloud/events"
	"hark/localstack/cloud/lambda"
	"hark/localstack/cloud/template"
)

// eventBridge is who rules act as where a permission or policy has to let them in.
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

// createRules starts what runs by the clock, and what buses send on.
func (c *Cloud) createRules() error {
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
func (c *Cloud) createSchedule(res template.Resource) error {
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
func (c *Cloud) createRule(res template.Resource) error {
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
