// Command message answers the frames that clients send: API Gateway's $default route.
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
	"hark/shared/socket"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	server, err := newServer(context.Background(), os.Getenv, log)
	if err != nil {
		log.Error("cannot start", "error", err)
		os.Exit(1)
	}
	lambda.Start(apigw.Message(server, log))
}

// newServer builds the clients once, so that a warm invocation reuses their connections.
func newServer(ctx context.Context, getenv func(string) string, log *slog.Logger) (*socket.Server, error) {
	cfg, err := config.FromEnv(getenv, config.AppsTable, config.StateTable, config.CallbackURL)
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
	db := dynamodb.NewFromConfig(aws)
	return &socket.Server{
		Apps: &dynamo.Apps{Client: db, Table: cfg.AppsTable},
		Members: &membership.Membership{
			Store: &dynamo.State{Client: db, Table: cfg.StateTable}, Sockets: sockets, Timeout: config.FunctionTimeout,
		},
		Sender: sockets, Log: log,
	}, nil
}
