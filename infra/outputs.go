package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfront"
)

// newOutputs adds the outputs that a user needs next. A secret is never among them: everybody who
// may list stacks can read the outputs.
func newOutputs(
	stack awscdk.Stack, client awscloudfront.Distribution, publish publishURL, t tables,
) {
	clientHost, publishHost := *client.DistributionDomainName(), publish.host()
	output(stack, "ClientHost", "Where clients connect: wsHost of Echo and pusher-js", clientHost)
	output(stack, "PublishHost", "Where apps publish: host of the Pusher server SDKs", publishHost)
	output(stack, "AppsTable", "For scripts/app, which adds and lists apps", *t.Apps.TableName())
	output(stack, "StateTable", "Who is connected and subscribed", *t.State.TableName())
	output(stack, "Env", "For the .env of a Laravel app", laravelEnv(clientHost, publishHost))
}

// laravelEnv is the block that Laravel's installer of Reverb writes, with the two hosts of the
// stack.
func laravelEnv(clientHost, publishHost string) string {
	return `BROADCAST_CONNECTION=reverb
REVERB_APP_ID= # see scripts/app
REVERB_APP_KEY= # see scripts/app
REVERB_APP_SECRET= # see scripts/app
REVERB_HOST=` + publishHost + `
REVERB_PORT=443
REVERB_SCHEME=https
VITE_REVERB_APP_KEY="${REVERB_APP_KEY}"
VITE_REVERB_HOST=` + clientHost + `
VITE_REVERB_PORT=443
VITE_REVERB_SCHEME=https`
}

func output(stack awscdk.Stack, name, description, value string) {
	awscdk.NewCfnOutput(stack, &name, &awscdk.CfnOutputProps{
		Description: &description, Value: &value,
	})
}
