package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2integrations"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"
)

// socketStage is the stage of the WebSocket API. Clients never see it: the edge adds it to the path.
const socketStage = "v1"

// What bounds a stranger's bill (design: abuse, money, secrets): new connections per second, and how many at once. The
// other routes have no throttle, because API Gateway would answer a throttled frame with JSON of its own, at which
// pusher-js throws.
const (
	connectRate  = 200
	connectBurst = 400
)

// socketAPI is the WebSocket API that holds the clients' connections.
type socketAPI struct {
	awsapigatewayv2.WebSocketApi
	stack awscdk.Stack
}

func newSocketAPI(stack awscdk.Stack) socketAPI {
	api := awsapigatewayv2.NewWebSocketApi(stack, jsii.String("SocketApi"), &awsapigatewayv2.WebSocketApiProps{
		ApiName:                  stack.StackName(),
		Description:              jsii.String("Pusher clients, through CloudFront"),
		RouteSelectionExpression: jsii.String("$request.body.event"),
	})
	pin(api, "Socket")
	return socketAPI{WebSocketApi: api, stack: stack}
}

// host is the domain name of the API itself.
func (s socketAPI) host() string {
	return *s.ApiId() + ".execute-api." + *s.stack.Region() + "." + *s.stack.UrlSuffix()
}

// callbackURL is where frames are posted to connections. It names the stage instead of referring to it: the stage
// depends on the route to the connect function, which has this URL in its environment.
func (s socketAPI) callbackURL(base string) string {
	if base == "" {
		return "https://" + s.host() + "/" + socketStage
	}
	return base + "/" + *s.ApiId() + "/" + socketStage
}

// manage allows methods of the management API, on any connection: POST sends a frame, GET asks whether a connection
// lives, DELETE ends it.
func (s socketAPI) manage(methods ...string) awsiam.PolicyStatement {
	var resources []*string
	for _, method := range methods {
		resources = append(resources, s.stack.FormatArn(&awscdk.ArnComponents{
			Service:      jsii.String("execute-api"),
			Resource:     s.ApiId(),
			ResourceName: jsii.String(socketStage + "/" + method + "/@connections/*"),
		}))
	}
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:   jsii.Strings("execute-api:ManageConnections"),
		Resources: &resources,
	})
}

// route sends what clients do to the functions, and publishes the stage. A frame whose event no route is named for goes to
// $default. Named routes are not the default, because Pusher's event names hold a colon, which AWS does not document as part
// of a route key (docs/aws.md §A1).
func (s socketAPI) route(f functions) {
	routes := []awsapigatewayv2.WebSocketRoute{
		s.to("$connect", f.Connect), s.to("$disconnect", f.Disconnect), s.to("$default", f.Message),
	}
	if f.Subscribe != nil {
		routes = append(routes, s.to("pusher:subscribe", f.Subscribe), s.to("pusher:unsubscribe", f.Subscribe))
	}
	if f.Auth != nil {
		routes = append(routes, s.to("pusher:signin", f.Auth))
	}

	stage := awsapigatewayv2.NewWebSocketStage(s.stack, jsii.String("SocketStage"), &awsapigatewayv2.WebSocketStageProps{
		WebSocketApi: s.WebSocketApi,
		StageName:    jsii.String(socketStage),
		AutoDeploy:   jsii.Bool(true),
	})
	pin(stage, "Stage")
	// The stage's own Throttle would hold for all routes. Settings of one route need that route to exist; and a stage that is
	// published first would serve without the others until it is published again.
	stage.Node().DefaultChild().(awsapigatewayv2.CfnStage).SetRouteSettings(map[string]any{
		"$connect": map[string]any{"ThrottlingRateLimit": connectRate, "ThrottlingBurstLimit": connectBurst},
	})
	for _, route := range routes {
		stage.Node().AddDependency(route)
	}
}

// to adds a route with an integration of its own: one that is shared would come with the permission for its first route only.
func (s socketAPI) to(routeKey string, f awslambda.Function) awsapigatewayv2.WebSocketRoute {
	return s.AddRoute(&routeKey, &awsapigatewayv2.WebSocketRouteOptions{
		Integration: awsapigatewayv2integrations.NewWebSocketLambdaIntegration(jsii.String("Lambda"), f, nil),
	})
}
