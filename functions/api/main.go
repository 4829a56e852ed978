// Command api serves the Pusher HTTP API behind a function URL.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"hark/shared/apigw"
	"hark/shared/config"
	"hark/shared/dynamo"
	"hark/shared/httpapi"
	"hark/shared/queue"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	api, err := newAPI(context.Background(), os.Getenv, log)
	if err != nil {
		log.Error("cannot start", "error", err)
		os.Exit(1)
	}
	lambda.Start(apigw.HTTP(api.Handler()))
}

// newAPI builds the clients once, so that a warm invocation reuses their connections.
func newAPI(ctx context.Context, getenv func(string) string, log *slog.Logger) (*httpapi.API, error) {
	cfg, err := config.FromEnv(getenv, config.AppsTable, config.StateTable, config.BroadcastsQueue)
	if err != nil {
		return nil, err
	}
	aws, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("load AWS config: %w", err)
	}
	db := dynamodb.NewFromConfig(aws)
	return &httpapi.API{
		Apps:      &dynamo.Apps{Client: db, Table: cfg.AppsTable},
		Publisher: &queue.Broadcasts{Client: sqs.NewFromConfig(aws), URL: cfg.BroadcastsQueue},
		Counter:   &dynamo.State{Client: db, Table: cfg.StateTable},
		Log:       log,
	}, nil
}
