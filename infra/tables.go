package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/jsii-runtime-go"
)

// tables are two because their loss means different things. Apps holds IDs, keys and secrets, which
// only their owner can enter again; State holds connections and subscriptions, which a reconnect
// restores (docs/decisions/0008-apps-table.md).
type tables struct {
	Apps  awsdynamodb.Table
	State awsdynamodb.Table
}

// newTables makes both tables with on-demand billing: an idle deployment pays for no capacity, and
// a rush of connections finds some. Neither has an index, because everything that delivers an event
// is read consistently from a base table.
func newTables(stack awscdk.Stack) tables {
	t := tables{
		Apps: awsdynamodb.NewTable(stack, jsii.String("AppsStore"), &awsdynamodb.TableProps{
			PartitionKey:       stringKey("pk"),
			BillingMode:        awsdynamodb.BillingMode_PAY_PER_REQUEST,
			RemovalPolicy:      awscdk.RemovalPolicy_RETAIN,
			DeletionProtection: jsii.Bool(true),
			PointInTimeRecoverySpecification: &awsdynamodb.PointInTimeRecoverySpecification{
				PointInTimeRecoveryEnabled: jsii.Bool(true),
			},
		}),
		State: awsdynamodb.NewTable(stack, jsii.String("StateStore"), &awsdynamodb.TableProps{
			PartitionKey:        stringKey("pk"),
			SortKey:             stringKey("sk"),
			BillingMode:         awsdynamodb.BillingMode_PAY_PER_REQUEST,
			RemovalPolicy:       awscdk.RemovalPolicy_DESTROY,
			TimeToLiveAttribute: jsii.String("expires"),
		}),
	}
	pin(t.Apps, "Apps")
	pin(t.State, "State")
	return t
}

func stringKey(name string) *awsdynamodb.Attribute {
	return &awsdynamodb.Attribute{Name: &name, Type: awsdynamodb.AttributeType_STRING}
}
