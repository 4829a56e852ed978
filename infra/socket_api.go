package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2integrations"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"
)

// socketStage is the stage of the WebSocket API. Clients never see it: CloudFront adds it to the
// path.
const socketStage = "v1"

// The throttle of $connect limits the bill that a stranger can make
// (docs/decisions/0020-limits.md): new connections per second, and how many at once. The other
// routes have no throttle, because API Gateway would answer a throttled frame with JSON of its own,
// on which pusher-js throws.
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
	props := awsapigatewayv2.WebSocketApiProps{
		ApiName:                  stack.StackName(),
		Description:              jsii.String("Pusher clients, through CloudFront"),
		RouteSelectionExpression: jsii.String("$request.body.event"),
	}
	api := awsapigatewayv2.NewWebSocketApi(stack, jsii.String("SocketApi"), &props)
	pin(api, "Socket")
	return socketAPI{WebSocketApi: api, stack: stack}
}

// host is the domain name of the API itself.
func (s socketAPI) host() string {
	return *s.ApiId() + ".execute-api." + *s.stack.Region() + "." + *s.stack.UrlSuffix()
}

// callbackURL is where frames are posted to connections. It names the stage instead of referring to
// it: the stage depends on the route to the connect function, whose environment has this URL.
func (s socketAPI) callbackURL(base string) string {
	if base == "" {
		return "https://" + s.host() + "/" + socketStage
	}
	return base + "/" + *s.ApiId() + "/" + socketStage
}

// manage allows methods of the @connections API on any connection: POST sends a frame, GET asks
// whether a connection is open, DELETE ends it.
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

// route connects routes to functions, and deploys the stage. A frame whose event has no route of
// its own goes to $default. Named routes are off by default, because Pusher's event names hold a
// colon, which AWS does not document as part of a route key (docs/aws.md §A1).
func (s socketAPI) route(f functions) {
	routes := []awsapigatewayv2.WebSocketRoute{
		s.addRoute("$connect", f.Connect),
		s.addRoute("$disconnect", f.Disconnect),
		s.addRoute("$default", f.Message),
	}
	if f.Subscribe != nil {
		routes = append(routes,
			s.addRoute("pusher:subscribe", f.Subscribe),
			s.addRoute("pusher:unsubscribe", f.Subscribe))
	}
	if f.Auth != nil {
		routes = append(routes, s.addRoute("pusher:signin", f.Auth))
	}

	props := awsapigatewayv2.WebSocketStageProps{
		WebSocketApi: s.WebSocketApi,
		StageName:    jsii.String(socketStage),
		AutoDeploy:   jsii.Bool(true),
	}
	stage := awsapigatewayv2.NewWebSocketStage(s.stack, jsii.String("SocketStage"), &props)
	pin(stage, "Stage")
	// The Throttle of the construct would apply to all routes.
	stage.Node().DefaultChild().(awsapigatewayv2.CfnStage).SetRouteSettings(map[string]any{
		"$connect": map[string]any{
			"ThrottlingRateLimit": connectRate, "ThrottlingBurstLimit": connectBurst,
		},
	})
	// The settings of a route need the route to exist, and a stage that is deployed before a route
	// serves without it until it is deployed again.
	for _, route := range routes {
		stage.Node().AddDependency(route)
	}
}

// addRoute adds a route with an integration of its own. A shared integration would come with the
// permission for its first route only.
func (s socketAPI) addRoute(
	routeKey string, f awslambda.Function,
) awsapigatewayv2.WebSocketRoute {
	name := jsii.String("Lambda")
	return s.AddRoute(&routeKey, &awsapigatewayv2.WebSocketRouteOptions{
		Integration: awsapigatewayv2integrations.NewWebSocketLambdaIntegration(name, f, nil),
	})
}
