package main

import (
	"strconv"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"

	"hark/shared/config"
)

// functions is every function of the stack.
type functions struct {
	// The WebSocket side. Subscribe and Auth are nil unless routes are named.
	Connect, Message, Disconnect awslambda.Function
	Subscribe, Auth              awslambda.Function
	// The HTTP side.
	API awslambda.Function
	// The background. Webhook and Publish are nil in a stack without webhooks.
	Broadcast, Sweep awslambda.Function
	Webhook, Publish awslambda.Function
}

type functionsProps struct {
	Dist            string // where scripts/build has put the functions
	Tables          tables
	Queues          queues
	Webhooks        *webhooks // nil: the stack has none
	Socket          socketAPI
	NamedRoutes     bool
	OriginSecret    string
	CallbackURL     string
	ActivityTimeout time.Duration // 0: the functions' default
}

// deployer makes one function.
type deployer func(function) awslambda.Function

// newFunctions gives each function the variables and the permissions that it uses, and nothing
// else.
//
// A transaction needs the actions of its items: IAM has none for TransactWriteItems. DynamoDB's
// batches have actions of their own. SQS's batches need the action for one message.
func newFunctions(stack awscdk.Stack, p functionsProps) functions {
	values := p.values()
	deploy := func(f function) awslambda.Function { return newFunction(stack, p.Dist, f, values) }

	var f functions
	p.connecting(&f, deploy)
	p.publishing(&f, deploy)
	p.background(&f, deploy)
	p.answering(&f, deploy)
	if p.Webhooks != nil {
		p.announcing(&f, deploy)
	}
	return f
}

// connecting adds the functions for both ends of a connection.
func (p functionsProps) connecting(f *functions, deploy deployer) {
	may := grants(p)
	f.Connect = deploy(function{
		name:        "connect",
		description: "$connect: writes the connection down and greets it",
		env: []string{
			config.AppsTable, config.StateTable, config.CallbackURL, config.OriginSecret,
			config.ActivityTimeout,
		},
		may: []awsiam.PolicyStatement{
			may.apps("GetItem"),
			// An app with a maximum: reads the count of open connections, writes it with the row.
			may.state("PutItem", "Query", "UpdateItem"),
			may.connections("POST", "DELETE"),
		},
	})
	f.Disconnect = deploy(function{
		name:        "disconnect",
		description: "$disconnect: forgets the connection",
		env: []string{
			config.AppsTable, config.StateTable, config.BroadcastsQueue, config.ChecksQueue,
		},
		may: []awsiam.PolicyStatement{
			may.apps("GetItem"), // does the app have its subscribers counted?
			may.state(
				"BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"),
			may.broadcasts("SendMessage"), // members that leave, users that go offline
			may.checks("SendMessage"),
		},
	})
}

// publishing adds the function that apps call.
func (p functionsProps) publishing(f *functions, deploy deployer) {
	may := grants(p)
	f.API = deploy(function{
		name:        "api",
		description: "The Pusher HTTP API: verifies, validates, queues",
		env: []string{
			config.AppsTable, config.StateTable, config.BroadcastsQueue, config.CallbackURL,
		},
		may: []awsiam.PolicyStatement{
			may.apps("GetItem"),
			may.state("GetItem", "PutItem", "Query"), // it puts idempotency keys, and bans
			may.broadcasts("SendMessage"),
			may.connections("POST", "DELETE"), // an app may end a user's connections
		},
	})
}

// background adds the functions that no client and no app waits for.
func (p functionsProps) background(f *functions, deploy deployer) {
	may := grants(p)
	f.Broadcast = deploy(function{
		name: "broadcast",
		description: "Delivers queued events to the subscribers, " +
			"and keeps the members of presence channels",
		env: []string{
			config.AppsTable, config.StateTable, config.BroadcastsQueue, config.CallbackURL,
			config.ChecksQueue, config.DeliveriesQueue,
		},
		may: []awsiam.PolicyStatement{
			may.apps("GetItem"), // limits of presence channels
			may.state(
				"BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"),
			// Lambda's pollers receive and delete messages with this role.
			may.broadcasts("DeleteMessage", "GetQueueAttributes", "ReceiveMessage"),
			may.broadcasts("SendMessage"), // a connection found gone leaves its other channels too
			may.checks("SendMessage"),
			may.deliveries("SendMessage"), // subscription counts
			may.connections("POST", "GET", "DELETE"),
		},
	})
	f.Sweep = deploy(function{
		name: "sweep",
		description: "Each minute: forgets connections whose end was left in doubt " +
			"or never told, unlists empty channels",
		env: []string{
			config.AppsTable, config.StateTable, config.BroadcastsQueue, config.CallbackURL,
			config.ChecksQueue,
		},
		may: []awsiam.PolicyStatement{
			may.apps("GetItem", "Scan"), // the audit goes through the channels of every app
			may.state(
				"BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"),
			may.broadcasts("SendMessage"),
			may.checks("SendMessage"),
			may.connections("GET", "DELETE"), // is a connection without $disconnect still open?
		},
	})
}

// answering adds the functions that answer what clients send. One function answers all frames; with
// named routes there are three, and each may do to the state only what its own frames need. All of
// them read the connection, count its frames, and end a connection that was forgotten or sends too
// many.
func (p functionsProps) answering(f *functions, deploy deployer) {
	may := grants(p)
	add := func(f function, onState ...string) awslambda.Function {
		f.env = append(f.env,
			config.AppsTable, config.StateTable, config.BroadcastsQueue, config.CallbackURL)
		f.may = append(f.may,
			may.apps("GetItem"),
			may.state(onState...),
			// Client events, joins, leaves, subscription counts, users that come online.
			may.broadcasts("SendMessage"),
			may.connections("POST", "DELETE"))
		return deploy(f)
	}
	message := function{
		name:        "message",
		description: "$default: answers the frames that clients send",
		env:         []string{config.DeliveriesQueue},
		may:         []awsiam.PolicyStatement{may.deliveries("SendMessage")}, // client events
	}
	if !p.NamedRoutes {
		f.Message = add(p.withChecks(message), "BatchGetItem", "BatchWriteItem", "DeleteItem",
			"GetItem", "PutItem", "Query", "UpdateItem")
		return
	}
	message.description = "$default: answers every frame that has no route of its own"
	f.Message = add(message, "GetItem", "UpdateItem")
	f.Subscribe = add(p.withChecks(function{
		name:        "subscribe",
		description: "pusher:subscribe, pusher:unsubscribe: keeps the channels of a connection",
	}), "BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem")
	f.Auth = add(function{
		name:        "auth",
		description: "pusher:signin: signs a connection in as a user",
		// It writes the rows of a watchlist as a batch.
	}, "BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem")
}

// withChecks lets a function queue checks. The functions that subscribe and unsubscribe need it,
// since they make channels occupied and vacant. Signing in and client events do not change that.
func (p functionsProps) withChecks(f function) function {
	f.env = append(f.env, config.ChecksQueue)
	f.may = append(f.may, grants(p).checks("SendMessage"))
	return f
}

// values are the values of every variable that a function may read.
func (p functionsProps) values() map[string]string {
	values := map[string]string{
		config.AppsTable:       *p.Tables.Apps.TableName(),
		config.StateTable:      *p.Tables.State.TableName(),
		config.BroadcastsQueue: *p.Queues.Broadcasts.QueueUrl(),
		config.CallbackURL:     p.CallbackURL,
		config.OriginSecret:    p.OriginSecret,
	}
	if w := p.Webhooks; w != nil {
		values[config.ChecksQueue] = *w.Checks.QueueUrl()
		values[config.DeliveriesQueue] = *w.Deliveries.QueueUrl()
		values[config.Bus] = *w.Bus.Ref()
		values[config.RefusedQueue] = *w.RefusedQueue.QueueUrl()
	}
	if p.ActivityTimeout > 0 {
		values[config.ActivityTimeout] = strconv.Itoa(int(p.ActivityTimeout.Seconds()))
	}
	return values
}

// grants makes statements that say which actions a function may take on one part of the stack. They
// are nil for a part that the stack does not have.
type grants functionsProps

func (g grants) apps(actions ...string) awsiam.PolicyStatement {
	return allow(g.Tables.Apps.TableArn(), "dynamodb", actions...)
}

func (g grants) state(actions ...string) awsiam.PolicyStatement {
	return allow(g.Tables.State.TableArn(), "dynamodb", actions...)
}

func (g grants) broadcasts(actions ...string) awsiam.PolicyStatement {
	return allow(g.Queues.Broadcasts.QueueArn(), "sqs", actions...)
}

func (g grants) connections(methods ...string) awsiam.PolicyStatement {
	return g.Socket.manage(methods...)
}
