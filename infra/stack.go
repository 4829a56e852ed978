package main

import (
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// HarkStackProps is what distinguishes one deployment from another.
type HarkStackProps struct {
	awscdk.StackProps

	// Dist is the folder that scripts/build fills: one folder per function.
	Dist string
	// Stage names the deployment. It becomes part of the stack's name, and so of other names.
	Stage string
	// OriginSecret is what CloudFront sends to the WebSocket API; "" derives one from the stack's
	// id.
	OriginSecret string
	// CallbackBase is where frames are posted, without /{api}/{stage}; "" is AWS's own endpoint.
	CallbackBase string
	// ActivityTimeout is the silence after which clients ping; 0 leaves it to the functions'
	// default.
	ActivityTimeout time.Duration
	// NamedRoutes gives subscribing and signing in routes and functions of their own.
	NamedRoutes bool
	// Webhooks sends apps webhook events and lets them publish without HTTP.
	Webhooks bool
}

// NewHarkStack puts the whole of Hark into one stack: the WebSocket API and the distribution in
// front of it, the URL for publishing, the tables, the queue between publishing and delivery, and
// the functions that join them.
func NewHarkStack(scope constructs.Construct, id string, props HarkStackProps) awscdk.Stack {
	if props.Description == nil {
		props.Description = jsii.String(
			"Hark: Pusher-compatible realtime on API Gateway, Lambda, DynamoDB and SQS")
	}
	stack := awscdk.NewStack(scope, &id, &props.StackProps)

	tables := newTables(stack)
	queues := newQueues(stack)
	var hooks *webhooks
	if props.Webhooks {
		hooks = newWebhooks(stack)
	}
	socket := newSocketAPI(stack)
	secret := originSecret(props.OriginSecret)

	functions := newFunctions(stack, functionsProps{
		Dist:            props.Dist,
		Tables:          tables,
		Queues:          queues,
		Webhooks:        hooks,
		Socket:          socket,
		NamedRoutes:     props.NamedRoutes,
		OriginSecret:    secret,
		CallbackURL:     socket.callbackURL(props.CallbackBase),
		ActivityTimeout: props.ActivityTimeout,
	})
	socket.route(functions)
	publish := newPublishURL(functions.API)
	queues.feed(stack, functions.Broadcast)
	hooks.feed(stack, functions)
	sweepEveryMinute(stack, functions.Sweep)

	client := newDistribution(stack, socket, secret)
	newOutputs(stack, client, publish, tables)
	hooks.outputs(stack)
	return stack
}

// pin gives a construct's resource a logical id of its own. CloudFormation replaces a resource
// whose logical id changes: hosts that people have copied into their apps would change, tables
// would start empty, and functions and log groups, whose names are fixed, would collide with
// themselves. Never change a pinned id.
func pin(c constructs.IConstruct, logicalID string) {
	c.Node().DefaultChild().(awscdk.CfnElement).OverrideLogicalId(&logicalID)
}
