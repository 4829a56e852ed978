// Package wiring builds what the functions are made of, from the environment that the stack gives them. A function's main
// asks for its parts by name; what it does not ask for is not linked into it.
package wiring

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"hark/shared/apigw"
	"hark/shared/config"
	"hark/shared/dynamo"
	"hark/shared/membership"
	"hark/shared/queue"
	"hark/shared/socket"
)

// Parts makes the collaborators of one function. They are built once, so that a warm invocation reuses their connections.
type Parts struct {
	Config config.Config
	Log    *slog.Logger

	aws  aws.Config
	db   *dynamodb.Client
	apps *dynamo.Apps
}

// answerTimeout is what a table or a queue has for one answer. The SDK itself waits for ever, so that one pooled connection that
// died while the function was frozen would cost the whole invocation; with it, the SDK's retries help.
const answerTimeout = 2 * time.Second

// Main runs a function: required are the variables it cannot do without, handler makes its handler from the parts. It ends
// the process with a line in the log if the function cannot start.
func Main(handler func(*Parts) (any, error), required ...string) {
	log := lambdacontext.NewLogger() // JSON, with the keys by which Lambda tells levels and requests
	h, err := start(context.Background(), log, handler, required)
	if err != nil {
		log.Error("cannot start", "error", err)
		os.Exit(1)
	}
	lambda.Start(h)
}

func start(ctx context.Context, log *slog.Logger, handler func(*Parts) (any, error), required []string) (any, error) {
	cfg, err := config.FromEnv(os.Getenv, required...)
	if err != nil {
		return nil, err
	}
	client := awshttp.NewBuildableClient().WithTimeout(answerTimeout)
	aws, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithHTTPClient(client))
	if err != nil {
		return nil, fmt.Errorf("load AWS config: %w", err)
	}
	return handler(&Parts{Config: cfg, Log: log, aws: aws, db: dynamodb.NewFromConfig(aws)})
}

// Apps is the table of apps, always the same one, because it remembers what it has read.
func (p *Parts) Apps() *dynamo.Apps {
	if p.apps == nil {
		p.apps = &dynamo.Apps{Client: p.db, Table: p.Config.AppsTable}
	}
	return p.apps
}

// State is the table of connections and subscriptions.
func (p *Parts) State() *dynamo.State { return &dynamo.State{Client: p.db, Table: p.Config.StateTable} }

// Gateway posts to connections, at most postsAtOnce at the same time.
func (p *Parts) Gateway(postsAtOnce int) (*apigw.Gateway, error) {
	return apigw.NewGateway(p.aws, apigw.Options{URL: p.Config.CallbackURL, PostsAtOnce: postsAtOnce})
}

// Membership runs the steps of subscriptions and connections. A function that never ends a connection
// gives no gateway, one that never queues anything no queue.
func (p *Parts) Membership(
	gateway membership.Gateway, broadcasts membership.Queue,
) *membership.Membership {
	rows := p.State()
	return &membership.Membership{
		Rows: membership.Rows{
			Connections: rows, Channels: rows, Subscriptions: rows, Cache: rows, Markers: rows,
			Presence: rows, Counts: rows, SignIns: rows, Statuses: rows, Leases: rows,
		},
		Apps: p.Apps(), Gateway: gateway, Queue: broadcasts, Checks: p.checks(), Webhooks: p.webhooks(),
		Timeout: config.FunctionTimeout, Log: p.Log,
	}
}

// Broadcasts is the queue of events, and of the changes that keep their place between events.
func (p *Parts) Broadcasts() *queue.Broadcasts {
	return &queue.Broadcasts{Client: sqs.NewFromConfig(p.aws), URL: p.Config.BroadcastsQueue}
}

// Refused is the queue of messages that could not be published.
func (p *Parts) Refused() *queue.Refused {
	return &queue.Refused{Client: sqs.NewFromConfig(p.aws), URL: p.Config.RefusedQueue}
}

// Frames is the handler of the frames that clients send. Which of them reach a function is for the routes to say.
func Frames(p *Parts) (any, error) {
	gateway, err := p.Gateway(1)
	if err != nil {
		return nil, err
	}
	broadcasts := p.Broadcasts()
	server := &socket.Server{
		Apps: p.Apps(), Membership: p.Membership(gateway, broadcasts), Bans: p.State(), Rates: p.State(),
		Publisher: broadcasts, Webhooks: p.webhooks(), Gateway: gateway, Log: p.Log,
	}
	return apigw.Message(server, p.Log), nil
}
