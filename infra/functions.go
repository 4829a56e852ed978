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
	Dist            string
	Tables          tables
	Queues          queues
	Socket          socketAPI
	OriginSecret    string
	CallbackURL     string
	ActivityTimeout time.Duration
}

// newFunctions gives each function the variables that it reads and the actions that it uses, and nothing else.
func newFunctions(stack awscdk.Stack, p functionsProps) functions {
	var (
		apps      = variable{config.AppsTable, *p.Tables.Apps.TableName()}
		state     = variable{config.StateTable, *p.Tables.State.TableName()}
		callbacks = variable{config.CallbackURL, p.CallbackURL}
		queue     = variable{config.BroadcastsQueue, *p.Queues.Broadcasts.QueueUrl()}
		secret    = variable{config.OriginSecret, p.OriginSecret}

		readApps = allow(*p.Tables.Apps.TableArn(), "dynamodb:GetItem")
	)
	onState := func(actions ...string) awsiam.PolicyStatement {
		return allow(*p.Tables.State.TableArn(), actions...)
	}
	activity := variable{name: config.ActivityTimeout}
	if p.ActivityTimeout > 0 {
		activity.value = strconv.Itoa(int(p.ActivityTimeout.Seconds()))
	}
	newFunction := func(name, does string, env []variable, may ...awsiam.PolicyStatement) awslambda.Function {
		return newFunction(stack, filepath.Join(p.Dist, name), name, does, env, may)
	}
	return functions{
		Connect: newFunction("connect", "$connect: writes the connection down and greets it",
			[]variable{apps, state, callbacks, secret, activity},
			readApps,
			onState("dynamodb:PutItem"),
			p.Socket.manage("POST", "DELETE")),
		Message: newFunction("message", "$default: answers the frames that clients send",
			[]variable{apps, state, callbacks},
			readApps,
			onState("dynamodb:BatchGetItem", "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem",
				"dynamodb:Query", "dynamodb:UpdateItem"),
			p.Socket.manage("POST", "DELETE")),
		Disconnect: newFunction("disconnect", "$disconnect: forgets the connection",
			[]variable{state},
			onState("dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem")),
		API: newFunction("api", "The Pusher HTTP API: verifies, validates, queues",
			[]variable{apps, state, queue},
			readApps,
			onState("dynamodb:Query"),
			allow(*p.Queues.Broadcasts.QueueArn(), "sqs:SendMessage")),
		Broadcast: newFunction("broadcast", "Delivers queued events to the subscribers",
			[]variable{state, callbacks},
			onState("dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"),
			allow(*p.Queues.Broadcasts.QueueArn(), "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"),
			p.Socket.manage("POST", "GET", "DELETE")),
		Sweep: newFunction("sweep", "Each minute: forgets connections whose $disconnect never came",
			[]variable{state, callbacks},
			onState("dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"),
			p.Socket.manage("GET", "DELETE")),
	}
}

// variable is one of a function's environment; without a value it is left out.
type variable struct{ name, value string }

// newFunction makes a function with a role and a log group of its own. The function's, the role's and the log group's
// resources are named for the function, and so is the function itself: `aws logs tail /aws/lambda/Hark-connect`.
func newFunction(stack awscdk.Stack, code, name, does string, env []variable, may []awsiam.PolicyStatement) awslambda.Function {
	logical := strings.ToUpper(name[:1]) + name[1:]
	fullName := *stack.StackName() + "-" + name

	logs := awslogs.NewLogGroup(stack, jsii.String(logical+"LogGroup"), &awslogs.LogGroupProps{
		LogGroupName:  jsii.String("/aws/lambda/" + fullName),
		Retention:     logRetention,
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	pin(logs, logical+"Logs")

	// In place of AWSLambdaBasicExecutionRole, which allows to write to every log group of the account.
	may = append(may, allow(*logs.LogGroupArn(), "logs:CreateLogStream", "logs:PutLogEvents"))
	role := awsiam.NewRole(stack, jsii.String(logical+"ExecutionRole"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
		InlinePolicies: &map[string]awsiam.PolicyDocument{
			"uses": awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: &may}),
		},
	})
	pin(role, logical+"Role")

	environment := map[string]*string{}
	for _, v := range env {
		if v.value != "" {
			environment[v.name] = &v.value
		}
	}
	f := awslambda.NewFunction(stack, jsii.String(logical+"Lambda"), &awslambda.FunctionProps{
		FunctionName: &fullName,
		Description:  &does,
		Runtime:      awslambda.Runtime_PROVIDED_AL2023(),
		Architecture: awslambda.Architecture_ARM_64(),
		Handler:      jsii.String("bootstrap"),
		Code:         awslambda.Code_FromAsset(&code, nil),
		MemorySize:   jsii.Number(functionMemory),
		Timeout:      duration(config.FunctionTimeout),
		Environment:  &environment,
		Role:         role,
		LogGroup:     logs,
		// START, END and REPORT lines would cost as much as the invocation (design: cost budget). The functions choose
		// their own level: Lambda takes a line for INFO if it does not know its time key, and would drop errors at WARN.
		LoggingFormat:         awslambda.LoggingFormat_JSON,
		SystemLogLevelV2:      awslambda.SystemLogLevel_WARN,
		ApplicationLogLevelV2: awslambda.ApplicationLogLevel_INFO,
	})
	pin(f, logical)
	// The local cloud builds this folder of the repository instead of fetching the asset.
	f.Node().DefaultChild().(awscdk.CfnResource).AddMetadata(jsii.String("hark:source"), "functions/"+name)
	return f
}

// allow is a statement for actions on one resource.
func allow(resource string, actions ...string) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{Actions: jsii.Strings(actions...), Resources: jsii.Strings(resource)})
}

// manage allows methods of the management API: POST sends a frame, GET asks whether a connection lives, DELETE ends it.
func (s socketAPI) manage(methods ...string) awsiam.PolicyStatement {
	var resources []string
	for _, m := range methods {
		resources = append(resources, s.connectionsARN(m))
	}
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:   jsii.Strings("execute-api:ManageConnections"),
		Resources: jsii.Strings(resources...),
	})
}
