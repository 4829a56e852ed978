// Package wiring builds the parts of the functions from the environment that the stack gives them.
// The main of a function calls Main and asks Parts for the parts that it needs; the linker leaves
// out the others. The parts for webhooks are in webhooks.go.
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

// Parts builds the parts of one function. A main builds them once for each process, so that later
// invocations use the same TCP connections.
type Parts struct {
	Config config.Config
	Log    *slog.Logger

	aws  aws.Config
	db   *dynamodb.Client
	apps *dynamo.Apps
}

// answerTimeout is how long a table or a queue may take to answer one request; then the SDK tries
// again. By itself the SDK would wait for ever, and one pooled connection that died while the
// function was frozen would cost the whole invocation.
const answerTimeout = 2 * time.Second

// Main runs a function. handler builds its handler from the parts; required names the variables
// that must be set. If the function cannot start, Main logs a line and ends the process.
func Main(handler func(*Parts) (any, error), required ...string) {
	log := lambdacontext.NewLogger() // JSON, with the keys that Lambda expects
	h, err := start(context.Background(), log, handler, required)
	if err != nil {
		log.Error("cannot start", "error", err)
		os.Exit(1)
	}
	lambda.Start(h)
}

func start(
	ctx context.Context, log *slog.Logger, handler func(*Parts) (any, error), required []string,
) (any, error) {
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

// Apps is the table of apps. Every call returns the same one, because it has a cache.
func (p *Parts) Apps() *dynamo.Apps {
	if p.apps == nil {
		p.apps = &dynamo.Apps{Client: p.db, Table: p.Config.AppsTable}
	}
	return p.apps
}

// State is the table of connections, subscriptions and other state.
func (p *Parts) State() *dynamo.State {
	return &dynamo.State{Client: p.db, Table: p.Config.StateTable}
}

// Gateway posts to connections, with at most postsAtOnce requests under way.
func (p *Parts) Gateway(postsAtOnce int) (*apigw.Gateway, error) {
	return apigw.NewGateway(p.aws, apigw.Options{
		URL: p.Config.CallbackURL, PostsAtOnce: postsAtOnce,
	})
}

// Membership runs the steps of connections and subscriptions. gateway is nil in a function that
// never posts to a connection or closes one, broadcasts in a function that never queues anything.
func (p *Parts) Membership(
	gateway membership.Gateway, broadcasts membership.Queue,
) *membership.Membership {
	rows := p.State()
	return &membership.Membership{
		Rows: membership.Rows{
			Connections: rows, Channels: rows, Subscriptions: rows, Cache: rows, Markers: rows,
			Presence: rows, Counts: rows, SignIns: rows, Statuses: rows, Leases: rows,
		},
		Apps: p.Apps(), Gateway: gateway, Queue: broadcasts,
		Checks: p.checks(), Webhooks: p.webhooks(),
		Timeout: config.FunctionTimeout, Log: p.Log,
	}
}

// Broadcasts is the queue of events to deliver, and of changes that keep their place between them.
func (p *Parts) Broadcasts() *queue.Broadcasts {
	return &queue.Broadcasts{Client: sqs.NewFromConfig(p.aws), URL: p.Config.BroadcastsQueue}
}

// Refused is the queue of messages that could not be published.
func (p *Parts) Refused() *queue.Refused {
	return &queue.Refused{Client: sqs.NewFromConfig(p.aws), URL: p.Config.RefusedQueue}
}

// Frames returns the handler of the frames of clients. It handles every frame; the routes of the
// WebSocket API decide which frames a function gets.
func Frames(p *Parts) (any, error) {
	gateway, err := p.Gateway(1)
	if err != nil {
		return nil, err
	}
	broadcasts := p.Broadcasts()
	server := &socket.Server{
		Apps: p.Apps(), Membership: p.Membership(gateway, broadcasts),
		Bans: p.State(), Rates: p.State(),
		Publisher: broadcasts, Webhooks: p.webhooks(), Gateway: gateway, Log: p.Log,
	}
	return apigw.Message(server, p.Log), nil
}
