// Command broadcast delivers the events of the broadcasts queue to their subscribers.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"hark/shared/apigw"
	"hark/shared/broadcast"
	"hark/shared/config"
	"hark/shared/dynamo"
	"hark/shared/membership"
	"hark/shared/queue"
)

// width is how many posts of one event are under way at once: enough to hide a post's few milliseconds behind each other
// on a fraction of a processor.
const width = 64

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	broadcaster, err := newBroadcaster(context.Background(), os.Getenv, log)
	if err != nil {
		log.Error("cannot start", "error", err)
		os.Exit(1)
	}
	lambda.Start(queue.Consume(broadcaster, log))
}

// newBroadcaster builds the clients once, so that a warm invocation reuses their connections.
func newBroadcaster(ctx context.Context, getenv func(string) string, log *slog.Logger) (*broadcast.Broadcaster, error) {
	cfg, err := config.FromEnv(getenv, config.StateTable, config.CallbackURL)
	if err != nil {
		return nil, err
	}
	aws, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("load AWS config: %w", err)
	}
	sockets, err := apigw.NewConnections(aws, apigw.Options{URL: cfg.CallbackURL, Width: width})
	if err != nil {
		return nil, err
	}
	state := &dynamo.State{Client: dynamodb.NewFromConfig(aws), Table: cfg.StateTable}
	return &broadcast.Broadcaster{
		Subscribers: state,
		Forget:      &membership.Membership{Store: state, Sockets: sockets, Timeout: config.FunctionTimeout},
		Sender:      sockets, Parallel: width, Log: log,
	}, nil
}
