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
	Connect, Message, Disconnect awslambda.Function // the WebSocket side
	Subscribe, Auth              awslambda.Function // of it, what is apart from Message with named routes; else nil
	API                          awslambda.Function // the HTTP side
	Broadcast, Sweep             awslambda.Function // the background
	Webhook, Publish             awslambda.Function // of it, what only a stack with webhooks has; else nil
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

// newFunctions gives each function the variables and the permissions that it uses, and nothing else. A transaction needs the
// actions of its items: IAM knows none for TransactWriteItems. DynamoDB's batches have actions of their own; for SQS's, the
// action of one message is enough.
func newFunctions(stack awscdk.Stack, p functionsProps) functions {
	values := p.values()
	deploy := func(f function) awslambda.Function { return newFunction(stack, p.Dist, f, values) }

	var f functions
	p.ends(&f, deploy)
	p.publishing(&f, deploy)
	p.background(&f, deploy)
	p.frames(&f, deploy)
	if p.Webhooks != nil {
		p.telling(&f, deploy)
	}
	return f
}

// ends adds the functions for both ends of a connection.
func (p functionsProps) ends(f *functions, deploy func(function) awslambda.Function) {
	may := grants(p)
	f.Connect = deploy(function{
		name: "connect",
		does: "$connect: writes the connection down and greets it",
		env:  []string{config.AppsTable, config.StateTable, config.CallbackURL, config.OriginSecret, config.ActivityTimeout},
		may: []awsiam.PolicyStatement{
			may.apps("GetItem"),
			may.state("PutItem", "Query", "UpdateItem"), // an app with a maximum: its open connections, counted with the row
			may.sockets("POST", "DELETE"),
		},
	})
	f.Disconnect = deploy(function{
		name: "disconnect",
		does: "$disconnect: forgets the connection",
		env:  []string{config.AppsTable, config.StateTable, config.BroadcastsQueue, config.ChecksQueue},
		may: []awsiam.PolicyStatement{
			may.apps("GetItem"), // does the app want its subscribers counted?
			may.state("BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"),
			may.queue("SendMessage"), // members that leave, users that go offline
			may.checks("SendMessage"),
		},
	})
}

// publishing adds the function that apps call.
func (p functionsProps) publishing(f *functions, deploy func(function) awslambda.Function) {
	may := grants(p)
	f.API = deploy(function{
		name: "api",
		does: "The Pusher HTTP API: verifies, validates, queues",
		env:  []string{config.AppsTable, config.StateTable, config.BroadcastsQueue, config.CallbackURL},
		may: []awsiam.PolicyStatement{
			may.apps("GetItem"),
			may.state("GetItem", "PutItem", "Query"), // it puts publishes that come with a key, and bans
			may.queue("SendMessage"),
			may.sockets("POST", "DELETE"), // an app may end a user's connections
		},
	})
}

// background adds the functions that nobody waits for.
func (p functionsProps) background(f *functions, deploy func(function) awslambda.Function) {
	may := grants(p)
	f.Broadcast = deploy(function{
		name: "broadcast",
		does: "Delivers queued events to the subscribers, and keeps the members of presence channels",
		env: []string{
			config.AppsTable, config.StateTable, config.BroadcastsQueue, config.CallbackURL,
			config.ChecksQueue, config.DeliveriesQueue,
		},
		may: []awsiam.PolicyStatement{
			may.apps("GetItem"), // limits of presence channels
			may.state("BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"),
			may.queue("DeleteMessage", "GetQueueAttributes", "ReceiveMessage"), // by Lambda's pollers, as this role
			may.queue("SendMessage"), // who is found gone leaves other channels too
			may.checks("SendMessage"),
			may.deliveries("SendMessage"), // subscription counts
			may.sockets("POST", "GET", "DELETE"),
		},
	})
	f.Sweep = deploy(function{
		name: "sweep",
		does: "Each minute: forgets connections whose end was left in doubt or never told, unlists empty channels",
		env:  []string{config.AppsTable, config.StateTable, config.BroadcastsQueue, config.CallbackURL, config.ChecksQueue},
		may: []awsiam.PolicyStatement{
			may.apps("GetItem", "Scan"), // the audit goes through the channels of every app
			may.state("BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"),
			may.queue("SendMessage"),
			may.checks("SendMessage"),
			may.sockets("GET", "DELETE"), // is whoever never said goodbye still there?
		},
	})
}

// frames adds the functions that answer what clients send. One answers everything; with named routes it is three, and none
// of them may do more to the state than its own frames need. What all of them do is to read the connection, to count its
// frames, and to end one that was forgotten or sends too many.
func (p functionsProps) frames(f *functions, deploy func(function) awslambda.Function) {
	may := grants(p)
	answering := func(f function, onState ...string) awslambda.Function {
		f.env = append(f.env, config.AppsTable, config.StateTable, config.BroadcastsQueue, config.CallbackURL)
		f.may = append(f.may,
			may.apps("GetItem"),
			may.state(onState...),
			may.queue("SendMessage"), // client events; joins and leaves; subscription counts; users that come online
			may.sockets("POST", "DELETE"))
		return deploy(f)
	}
	message := function{
		name: "message",
		does: "$default: answers the frames that clients send",
		env:  []string{config.DeliveriesQueue},
		may:  []awsiam.PolicyStatement{may.deliveries("SendMessage")}, // client events
	}
	if !p.NamedRoutes {
		message = p.occupying(message)
		f.Message = answering(message, "BatchGetItem", "BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem")
		return
	}
	message.does = "$default: answers every frame that has no route of its own"
	f.Message = answering(message, "GetItem", "UpdateItem")
	f.Subscribe = answering(p.occupying(function{
		name: "subscribe",
		does: "pusher:subscribe, pusher:unsubscribe: keeps the channels of a connection",
	}), "BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem")
	f.Auth = answering(function{
		name: "auth",
		does: "pusher:signin: signs a connection in as a user",
	}, "BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem") // a batch: whom the user watches
}

// occupying lets a function have channels looked at, of which it makes occupied or vacant ones: who subscribes or unsubscribes. Signing
// in and client events leave channels as they are.
func (p functionsProps) occupying(f function) function {
	f.env = append(f.env, config.ChecksQueue)
	f.may = append(f.may, grants(p).checks("SendMessage"))
	return f
}

// values are those of every variable that a function may read.
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
		values[config.RefusedQueue] = *w.DeadPublish.QueueUrl()
	}
	if p.ActivityTimeout > 0 {
		values[config.ActivityTimeout] = strconv.Itoa(int(p.ActivityTimeout.Seconds()))
	}
	return values
}

// grants makes statements: which actions a function may take on one part of the stack.
type grants functionsProps

func (g grants) apps(actions ...string) awsiam.PolicyStatement {
	return allow(g.Tables.Apps.TableArn(), "dynamodb", actions...)
}

func (g grants) state(actions ...string) awsiam.PolicyStatement {
	return allow(g.Tables.State.TableArn(), "dynamodb", actions...)
}

func (g grants) queue(actions ...string) awsiam.PolicyStatement {
	return allow(g.Queues.Broadcasts.QueueArn(), "sqs", actions...)
}

func (g grants) sockets(methods ...string) awsiam.PolicyStatement { return g.Socket.manage(methods...) }
