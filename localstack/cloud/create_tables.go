package cloud

import (
	"fmt"

	"hark/localstack/cloud/dynamodb"
)

func (c *Cloud) createTables() error {
	for _, cfnType := range []string{"AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"} {
		for _, res := range c.stack.OfType(cfnType) {
			var spec dynamodb.TableSpec
			if err := res.Decode(&spec); err != nil {
				return err
			}
			spec.TableName = res.ID
			if err := c.tables.Create(spec); err != nil {
				return fmt.Errorf("resource %s: %w", res.LogicalID, err)
			}
		}
	}
	return nil
}
