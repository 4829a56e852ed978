package cloud

import (
	"fmt"
	"strings"
	"testing"
)

const (
	roleWith = `"Role": {"Type": "AWS::IAM::Role", "Properties": {%s}}`
	feedWith = work + `, ` + queue + `,
		"Feed": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {
			"FunctionName": {"Ref": "Work"},
			"EventSourceArn": {"Fn::GetAtt": ["Jobs", "Arn"]}, %s}}`
	scheduleWith = work + `,
		"Clock": {"Type": "AWS::Scheduler::Schedule", "Properties": {
			"ScheduleExpression": "rate(1 minute)", "FlexibleTimeWindow": {"Mode": "OFF"},
			"Target": {"Arn": {"Fn::GetAtt": ["Work", "Arn"]}, "RoleArn": "x"%s}}}`
	statementWithPrincipal = `{"Effect": "Allow", "Action": "x", "Resource": "*", "Principal": "*"}`
)

func TestAScheduleIsCreated(t *testing.T) {
	if _, err := boot(t, stackOf(t, fmt.Sprintf(scheduleWith, ""))); err != nil {
		t.Error(err)
	}
}

// unknownProperty is a stack with a property that the cloud does not know, and its resource.
type unknownProperty struct{ name, resources, resource, property string }

func checkNamed(t *testing.T, stacks []unknownProperty) {
	t.Helper()
	for _, tt := range stacks {
		t.Run(tt.name, func(t *testing.T) {
			_, err := boot(t, stackOf(t, tt.resources))
			if err == nil || !strings.Contains(err.Error(), tt.resource) ||
				!strings.Contains(err.Error(), `"`+tt.property+`"`) {
				t.Errorf("error %v, want one that names %s and %s", err, tt.resource, tt.property)
			}
		})
	}
}

func TestUnknownPropertiesOfFunctionsAndRoutesAreNamed(t *testing.T) {
	checkNamed(t, []unknownProperty{
		{
			"a function's variables, misspelt",
			replace(t, work, `"Runtime"`, `"Environment": {"Varables": {}}, "Runtime"`),
			"Work", "Varables",
		},
		{
			"a function's tracing",
			replace(t, work, `"Runtime"`, `"TracingConfig": {"Mode": "Active"}, "Runtime"`),
			"Work", "TracingConfig",
		},
		{
			"a route that asks for a key",
			replace(t, socket, `"RouteKey"`, `"ApiKeyRequired": true, "RouteKey"`) +
				stage + allowed,
			"Route", "ApiKeyRequired",
		},
		{
			"a route's setting",
			socket + replace(t, stage, `"StageName"`,
				`"RouteSettings": {"$connect": {"LoggingLevel": "INFO"}}, "StageName"`) + allowed,
			"Stage", "LoggingLevel",
		},
		{
			"part of a schedule's target", fmt.Sprintf(scheduleWith, `, "RetryPolicy": {}`),
			"Clock", "RetryPolicy",
		},
	})
}

func TestUnknownPropertiesOfRolesAreNamed(t *testing.T) {
	policies := func(statement string) string {
		return fmt.Sprintf(roleWith,
			`"Policies": [{"PolicyDocument": {"Statement": `+statement+`}}]`)
	}
	checkNamed(t, []unknownProperty{
		{
			"the boundary of a role", fmt.Sprintf(roleWith, `"PermissionsBoundary": "arn:x"`),
			"Role", "PermissionsBoundary",
		},
		{"part of a statement, alone", policies(statementWithPrincipal), "Role", "Principal"},
		{
			"part of a statement among others", policies(`[` + statementWithPrincipal + `]`),
			"Role", "Principal",
		},
	})
}

func TestUnknownPropertiesOfQueuesAndRulesAreNamed(t *testing.T) {
	checkNamed(t, []unknownProperty{
		{
			"part of a queue's policy",
			bus + rule + replace(t, queuePolicy, `"Effect"`, `"NotPrincipal": "x", "Effect"`),
			"Lets", "NotPrincipal",
		},
		{
			"part of a queue's redrive",
			`"Jobs": {"Type": "AWS::SQS::Queue", "Properties": {"RedrivePolicy": {"after": 3}}}`,
			"Jobs", "after",
		},
		{
			"part of a feed's scaling",
			fmt.Sprintf(feedWith, `"ScalingConfig": {"Concurrency": 2}`),
			"Feed", "Concurrency",
		},
		{
			"part of a rule's target",
			bus + queuePolicy + replace(t, rule, `"Id"`, `"HttpParameters": {}, "Id"`),
			"Sales", "HttpParameters",
		},
	})
}
