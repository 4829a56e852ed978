// Command disconnect forgets a connection that has ended: API Gateway's $disconnect route.
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
	lambda.Start(apigw.Disconnect(members))
}

// newMembership builds the client once. Nothing is closed here: the socket is what has gone.
func newMembership(ctx context.Context, getenv func(string) string) (*membership.Membership, error) {
	cfg, err := config.FromEnv(getenv, config.StateTable)
	if err != nil {
		return nil, err
	}
	aws, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("load AWS config: %w", err)
	}
	state := &dynamo.State{Client: dynamodb.NewFromConfig(aws), Table: cfg.StateTable}
	return &membership.Membership{Store: state, Timeout: config.FunctionTimeout}, nil
}
