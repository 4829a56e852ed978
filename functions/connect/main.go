// Command connect serves $connect: it lets a client in, and greets it after the handshake has been answered.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/events"
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
	handler, err := newHandler(context.Background(), os.Getenv, log)
	if err != nil {
		log.Error("cannot start", "error", err)
		os.Exit(1)
	}
	lambda.Start(handler)
}

// newHandler builds the clients once, so that a warm invocation reuses their connections.
func newHandler(
	ctx context.Context, getenv func(string) string, log *slog.Logger,
) (func(context.Context, events.APIGatewayWebsocketProxyRequest) (io.Reader, error), error) {
	cfg, err := config.FromEnv(getenv, config.AppsTable, config.StateTable, config.OriginSecret, config.CallbackURL)
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
	opener := &socket.Opener{
		Apps:        &dynamo.Apps{Client: db, Table: cfg.AppsTable},
		Connections: &membership.Membership{Store: &dynamo.State{Client: db, Table: cfg.StateTable}},
		Sender:      sockets, Secret: cfg.OriginSecret, Activity: cfg.ActivityTimeout, Log: log,
	}
	return apigw.Connect(opener, apigw.Handshakes{SecretHeader: config.OriginSecretHeader, KeyParameter: config.KeyParameter}, log), nil
}
