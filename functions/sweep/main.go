// Command sweep forgets for good, once a minute, the connections whose end was left in doubt.
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
	"hark/shared/config"
	"hark/shared/dynamo"
	"hark/shared/membership"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	members, err := newMembership(context.Background(), os.Getenv)
	if err != nil {
		log.Error("cannot start", "error", err)
		os.Exit(1)
	}
	lambda.Start(func(ctx context.Context) error {
		forgotten, err := members.Sweep(ctx)
		if forgotten > 0 {
			log.InfoContext(ctx, "swept", "forgotten", forgotten)
		}
		return err
	})
}

// newMembership builds the clients once, so that a warm invocation reuses their connections.
func newMembership(ctx context.Context, getenv func(string) string) (*membership.Membership, error) {
	cfg, err := config.FromEnv(getenv, config.StateTable, config.CallbackURL)
	if err != nil {
		return nil, err
	}
	aws, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("load AWS config: %w", err)
	}
	sockets, err := apigw.NewConnections(aws, apigw.Options{URL: cfg.CallbackURL})
	if err != nil {
		return nil, err
	}
	state := &dynamo.State{Client: dynamodb.NewFromConfig(aws), Table: cfg.StateTable}
	return &membership.Membership{Store: state, Sockets: sockets, Timeout: config.FunctionTimeout}, nil
}
