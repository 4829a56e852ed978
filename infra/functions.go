package main

import (
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/jsii-runtime-go"

	"hark/shared/config"
)

// functionMemory is in MB. It buys CPU: 1,769 MB are one vCPU (aws-facts.md §B), so at the minimum of 128 the TLS
// handshakes of a cold start take twice as long and cost the same. Above 256 the functions mostly wait for the network.
const functionMemory = 256

// logRetention is long enough to ask what happened last weekend.
const logRetention = awslogs.RetentionDays_ONE_WEEK

// functions is every function of the stack.
type functions struct {
	Connect, Message, Disconnect awslambda.Function // the WebSocket side
	API                          awslambda.Function // the HTTP side
	Broadcast, Sweep             awslambda.Function // the background
}

type functionsProps struct {
	Dist            string // where scripts/build has put the functions
	Tables          tables
	Queues          queues
	Socket          socketAPI
	OriginSecret    string
	CallbackURL     string
	ActivityTimeout time.Duration // 0: the functions' default
}

// function describes one of them: the folder of its code, which is also its name, what it is for, the variables that it
// reads, and the actions that it uses.
type function struct {
	name, does string
	env        []variable
	may        []awsiam.PolicyStatement
}

// variable is one of a function's environment; without a value it is left out.
type variable struct{ name, value string }

// newFunctions gives each function the variables and the permissions that it uses, and nothing else.
func newFunctions(stack awscdk.Stack, p functionsProps) functions {
	var (
		apps      = variable{config.AppsTable, *p.Tables.Apps.TableName()}
		state     = variable{config.StateTable, *p.Tables.State.TableName()}
		queue     = variable{config.BroadcastsQueue, *p.Queues.Broadcasts.QueueUrl()}
		callbacks = variable{config.CallbackURL, p.CallbackURL}
		secret    = variable{config.OriginSecret, p.OriginSecret}
		activity  = variable{name: config.ActivityTimeout}
	)
	if p.ActivityTimeout > 0 {
		activity.value = strconv.Itoa(int(p.ActivityTimeout.Seconds()))
	}
	onApps := func(actions ...string) awsiam.PolicyStatement { return allow(p.Tables.Apps.TableArn(), actions...) }
	onState := func(actions ...string) awsiam.PolicyStatement { return allow(p.Tables.State.TableArn(), actions...) }
	onQueue := func(actions ...string) awsiam.PolicyStatement {
		return allow(p.Queues.Broadcasts.QueueArn(), actions...)
	}
	deploy := func(f function) awslambda.Function { return newFunction(stack, p.Dist, f) }

	return functions{
		Connect: deploy(function{
			name: "connect",
			does: "$connect: writes the connection down and greets it",
			env:  []variable{apps, state, callbacks, secret, activity},
			may: []awsiam.PolicyStatement{
				onApps("dynamodb:GetItem"),
				onState("dynamodb:PutItem"),
				p.Socket.manage("POST", "DELETE"),
			},
		}),
		Message: deploy(function{
			name: "message",
			does: "$default: answers the frames that clients send",
			env:  []variable{apps, state, callbacks},
			may: []awsiam.PolicyStatement{
				onApps("dynamodb:GetItem"),
				onState("dynamodb:BatchGetItem", "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem",
					"dynamodb:Query", "dynamodb:UpdateItem"),
				p.Socket.manage("POST", "DELETE"),
			},
		}),
		Disconnect: deploy(function{
			name: "disconnect",
			does: "$disconnect: forgets the connection",
			env:  []variable{state},
			may: []awsiam.PolicyStatement{
				onState("dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"),
			},
		}),
		API: deploy(function{
			name: "api",
			does: "The Pusher HTTP API: verifies, validates, queues",
			env:  []variable{apps, state, queue},
			may: []awsiam.PolicyStatement{
				onApps("dynamodb:GetItem"),
				onState("dynamodb:Query"),
				onQueue("sqs:SendMessage"),
			},
		}),
		Broadcast: deploy(function{
			name: "broadcast",
			does: "Delivers queued events to the subscribers",
			env:  []variable{state, callbacks},
			may: []awsiam.PolicyStatement{
				onState("dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"),
				onQueue("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"), // by Lambda's pollers, as this role
				p.Socket.manage("POST", "GET", "DELETE"),
			},
		}),
		Sweep: deploy(function{
			name: "sweep",
			does: "Each minute: forgets connections whose end was left in doubt",
			env:  []variable{state, callbacks},
			may: []awsiam.PolicyStatement{
				onState("dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"),
				p.Socket.manage("DELETE"),
			},
		}),
	}
}

// newFunction makes a function with a role and a log group of its own, all named for it, so that they are found:
// `aws logs tail /aws/lambda/Hark-connect`.
func newFunction(stack awscdk.Stack, dist string, f function) awslambda.Function {
	id := strings.ToUpper(f.name[:1]) + f.name[1:]
	name := *stack.StackName() + "-" + f.name

	logs := awslogs.NewLogGroup(stack, jsii.String(id+"LogGroup"), &awslogs.LogGroupProps{
		LogGroupName:  jsii.String("/aws/lambda/" + name),
		Retention:     logRetention,
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	pin(logs, id+"Logs")

	lambda := awslambda.NewFunction(stack, jsii.String(id+"Lambda"), &awslambda.FunctionProps{
		FunctionName: &name,
		Description:  &f.does,
		Runtime:      awslambda.Runtime_PROVIDED_AL2023(),
		Architecture: awslambda.Architecture_ARM_64(),
		Handler:      jsii.String("bootstrap"),
		Code:         awslambda.Code_FromAsset(jsii.String(filepath.Join(dist, f.name)), nil),
		MemorySize:   jsii.Number(functionMemory),
		Timeout:      duration(config.FunctionTimeout),
		Environment:  environment(f.env),
		Role:         newRole(stack, id, f.may, logs),
		LogGroup:     logs,
		// START, END and REPORT lines would cost as much as the invocation (design: cost budget). The functions log little,
		// and with the keys by which Lambda tells levels; a line without them, such as a panic's, counts as INFO.
		LoggingFormat:         awslambda.LoggingFormat_JSON,
		SystemLogLevelV2:      awslambda.SystemLogLevel_WARN,
		ApplicationLogLevelV2: awslambda.ApplicationLogLevel_INFO,
	})
	pin(lambda, id)
	// The local cloud builds this folder of the repository instead of fetching the asset.
	lambda.Node().DefaultChild().(awscdk.CfnResource).AddMetadata(jsii.String("hark:source"), "functions/"+f.name)
	return lambda
}

func environment(variables []variable) *map[string]*string {
	env := map[string]*string{}
	for _, v := range variables {
		if v.value != "" {
			env[v.name] = &v.value
		}
	}
	return &env
}

// newRole allows what the function uses and to write its own log. It stands in place of AWSLambdaBasicExecutionRole,
// which allows to write every log group of the account. Its policy is inline: in force before the function exists.
func newRole(stack awscdk.Stack, id string, may []awsiam.PolicyStatement, logs awslogs.LogGroup) awsiam.Role {
	may = append(may, allow(logs.LogGroupArn(), "logs:CreateLogStream", "logs:PutLogEvents"))
	role := awsiam.NewRole(stack, jsii.String(id+"ExecutionRole"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
		InlinePolicies: &map[string]awsiam.PolicyDocument{
			"uses": awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: &may}),
		},
	})
	pin(role, id+"Role")
	return role
}

// allow is a statement for actions on one resource.
func allow(resource *string, actions ...string) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:   jsii.Strings(actions...),
		Resources: &[]*string{resource},
	})
}
