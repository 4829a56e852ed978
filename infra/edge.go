package main

import (
	_ "embed"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfront"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfrontorigins"
	"github.com/aws/jsii-runtime-go"

	"hark/shared/config"
)

// viewerRequest is the code that runs at the edge on every request, whole.
//
//go:embed edge/viewer_request.js
var viewerRequest string

// newEdge is the host that clients connect to. API Gateway refuses any path after its stage, and pusher-js always asks
// for /app/{key}: the viewer-request function translates. CloudFront also tells the gateway who the viewer is, and shows
// the secret without which the connect function refuses.
func newEdge(stack awscdk.Stack, socket socketAPI, secret string) awscloudfront.Distribution {
	rewrite := awscloudfront.NewFunction(stack, jsii.String("ViewerRequestFunction"), &awscloudfront.FunctionProps{
		FunctionName: jsii.String(*stack.StackName() + "-" + *stack.Region() + "-viewer-request"),
		Comment:      jsii.String("/app/{key} to the WebSocket API's root"),
		Code:         awscloudfront.FunctionCode_FromInline(&viewerRequest),
		Runtime:      awscloudfront.FunctionRuntime_JS_2_0(),
	})
	pin(rewrite, "ViewerRequest")

	distribution := awscloudfront.NewDistribution(stack, jsii.String("Edge"), &awscloudfront.DistributionProps{
		Comment: jsii.String(*stack.StackName() + ": where clients connect"),
		DefaultBehavior: &awscloudfront.BehaviorOptions{
			Origin: awscloudfrontorigins.NewHttpOrigin(jsii.String(socket.host()), &awscloudfrontorigins.HttpOriginProps{
				OriginPath:         jsii.String("/" + socketStage),
				ProtocolPolicy:     awscloudfront.OriginProtocolPolicy_HTTPS_ONLY,
				OriginSslProtocols: &[]awscloudfront.OriginSslPolicy{awscloudfront.OriginSslPolicy_TLS_V1_2},
				CustomHeaders:      &map[string]*string{config.OriginSecretHeader: &secret},
			}),
			ViewerProtocolPolicy: awscloudfront.ViewerProtocolPolicy_HTTPS_ONLY,
			// All methods, so that whoever publishes to this host by mistake is told so by the function and not by CloudFront.
			AllowedMethods: awscloudfront.AllowedMethods_ALLOW_ALL(),
			Compress:       jsii.Bool(false),
			CachePolicy:    awscloudfront.CachePolicy_CACHING_DISABLED(),
			// With the viewer's Host header API Gateway would not know which API is meant.
			OriginRequestPolicy: awscloudfront.OriginRequestPolicy_ALL_VIEWER_EXCEPT_HOST_HEADER(),
			FunctionAssociations: &[]*awscloudfront.FunctionAssociation{{
				Function:  rewrite,
				EventType: awscloudfront.FunctionEventType_VIEWER_REQUEST,
			}},
		},
		ErrorResponses: uncachedErrors(),
		// Every edge of the world. A cheaper class saves cents per GB and sends distant clients a longer way to the socket.
		PriceClass: awscloudfront.PriceClass_PRICE_CLASS_ALL,
	})
	pin(distribution, "Client")
	return distribution
}

// uncachedErrors lists every status that CloudFront would keep for 10 seconds unless told otherwise. With one cache key
// for all apps, one app's error could answer another's client.
func uncachedErrors() *[]*awscloudfront.ErrorResponse {
	var responses []*awscloudfront.ErrorResponse
	for _, status := range []float64{400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504} {
		responses = append(responses, &awscloudfront.ErrorResponse{HttpStatus: &status, Ttl: duration(0)})
	}
	return &responses
}

// originSecret returns the given secret, or one made from the stack's id: its last part is random, known to whoever may
// read the stack and to nobody else, and stays the same for the stack's whole life.
func originSecret(given string) string {
	if given != "" {
		return given
	}
	return *awscdk.Fn_Select(jsii.Number(2), awscdk.Fn_Split(jsii.String("/"), awscdk.Aws_STACK_ID(), nil))
}
