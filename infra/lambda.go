package main

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/jsii-runtime-go"

	"hark/shared/config"
)

// functionMemory is in MB. It buys CPU: 1,769 MB are one vCPU (docs/aws.md §B), so with the minimum
// of 128 the TLS handshakes of a cold start take twice as long and cost the same. Above 256 the
// functions mostly wait for the network.
const functionMemory = 256

// logRetention is long enough to look into what happened last weekend.
const logRetention = awslogs.RetentionDays_ONE_WEEK

// function describes one of the stack's functions.
type function struct {
	name        string // of its folder in functions/
	description string
	id          string   // logical id of its resource; "": the name with a capital
	env         []string // variables it reads; those without a value in this stack are left out
	may         []awsiam.PolicyStatement
}

// newFunction makes a function with a role and a log group of its own. All carry its name, so that
// they are easy to find: `aws logs tail /aws/lambda/Hark-connect`.
func newFunction(
	stack awscdk.Stack, dist string, f function, values map[string]string,
) awslambda.Function {
	id := f.id
	if id == "" {
		id = strings.ToUpper(f.name[:1]) + f.name[1:]
	}
	name := *stack.StackName() + "-" + f.name

	logs := awslogs.NewLogGroup(stack, jsii.String(id+"LogGroup"), &awslogs.LogGroupProps{
		LogGroupName:  jsii.String("/aws/lambda/" + name),
		Retention:     logRetention,
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	pin(logs, id+"Logs")

	lambda := awslambda.NewFunction(stack, jsii.String(id+"Lambda"), &awslambda.FunctionProps{
		FunctionName: &name,
		Description:  &f.description,
		Runtime:      awslambda.Runtime_PROVIDED_AL2023(),
		Architecture: awslambda.Architecture_ARM_64(),
		Handler:      jsii.String("bootstrap"),
		Code:         awslambda.Code_FromAsset(jsii.String(filepath.Join(dist, f.name)), nil),
		MemorySize:   jsii.Number(functionMemory),
		Timeout:      duration(config.FunctionTimeout),
		Environment:  environment(f.env, values),
		Role:         newRole(stack, id, f.may, logs),
		LogGroup:     logs,
		// START, END and REPORT lines would cost as much as the invocation
		// (docs/decisions/0022-cost-budgets.md). The functions log little, in JSON with the keys
		// from which Lambda reads the level. A line without them, such as a panic's, is INFO.
		LoggingFormat:         awslambda.LoggingFormat_JSON,
		SystemLogLevelV2:      awslambda.SystemLogLevel_WARN,
		ApplicationLogLevelV2: awslambda.ApplicationLogLevel_INFO,
	})
	pin(lambda, id)
	// The local cloud builds this folder of the repository instead of fetching the asset.
	resource := lambda.Node().DefaultChild().(awscdk.CfnResource)
	resource.AddMetadata(jsii.String("hark:source"), "functions/"+f.name)
	return lambda
}

// environment picks the named variables. One without a value is left out: the function has a
// default for it, or does without.
func environment(names []string, values map[string]string) *map[string]*string {
	env := map[string]*string{}
	for _, name := range names {
		if value, ok := values[name]; ok {
			env[name] = &value
		}
	}
	return &env
}

// newRole makes a role with the given permissions, of which those that are nil do not apply to this
// stack, and the permission to write the function's own log. AWSLambdaBasicExecutionRole would
// allow every log group of the account. The policy is inline, so it is in force before the function
// exists.
func newRole(
	stack awscdk.Stack, id string, may []awsiam.PolicyStatement, logs awslogs.LogGroup,
) awsiam.Role {
	may = slices.DeleteFunc(may, func(s awsiam.PolicyStatement) bool { return s == nil })
	may = append(may, allow(logs.LogGroupArn(), "logs", "CreateLogStream", "PutLogEvents"))
	role := awsiam.NewRole(stack, jsii.String(id+"ExecutionRole"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
		InlinePolicies: &map[string]awsiam.PolicyDocument{
			"uses": awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: &may}),
		},
	})
	pin(role, id+"Role")
	return role
}

// allow makes a statement that allows actions of a service on one resource.
func allow(resource *string, service string, actions ...string) awsiam.PolicyStatement {
	full := make([]*string, len(actions))
	for i, action := range actions {
		full[i] = jsii.String(service + ":" + action)
	}
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions: &full, Resources: &[]*string{resource},
	})
}
