package cloud

import (
	"fmt"

	"hark/localstack/cloud/sqs"
)

func (c *Cloud) createQueues() error {
	for _, res := range c.stack.OfType("AWS::SQS::Queue") {
		var spec sqs.QueueSpec
		if err := res.Decode(&spec); err != nil {
			return err
		}
		spec.QueueName = res.Attributes["QueueName"]
		if err := c.queues.Create(spec); err != nil {
			return fmt.Errorf("resource %s: %w", res.LogicalID, err)
		}
	}
	return nil
}
