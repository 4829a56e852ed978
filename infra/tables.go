package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/jsii-runtime-go"
)

// tables are kept apart because they differ in what their loss means: apps holds what only its owner can type in again
// (ids, keys, secrets), state holds who is connected, which a reconnect restores.
type tables struct {
	Apps  awsdynamodb.Table
	State awsdynamodb.Table
}

// newTables makes both on demand: an idle deployment pays for no capacity, and a rush of connections finds some.
// Neither has an index: everything on the way of an event is read consistently from a base table.
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
