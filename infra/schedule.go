package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"
)

// sweepEveryMinute runs the sweep function as often as EventBridge can. A connection whose end was
// left in doubt is due two minutes later, and is forgotten within two more.
func sweepEveryMinute(stack awscdk.Stack, sweep awslambda.Function) {
	rule := awsevents.NewCfnRule(stack, jsii.String("SweepSchedule"), &awsevents.CfnRuleProps{
		Description:        jsii.String("Runs " + *stack.StackName() + "-sweep"),
		ScheduleExpression: jsii.String("rate(1 minute)"),
		State:              jsii.String("ENABLED"),
		Targets: []*awsevents.CfnRule_TargetProperty{{
			Id:  jsii.String("sweep"),
			Arn: sweep.FunctionArn(),
		}},
	})
	sweep.AddPermission(jsii.String("Schedule"), &awslambda.Permission{
		Principal: awsiam.NewServicePrincipal(jsii.String("events.amazonaws.com"), nil),
		SourceArn: rule.AttrArn(),
	})
}
