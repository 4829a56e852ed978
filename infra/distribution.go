package main

import (
	_ "embed"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfront"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfrontorigins"
	"github.com/aws/jsii-runtime-go"

	"hark/shared/config"
)

// viewerRequest is the code of the CloudFront Function that runs on every request. All of it is in
// the template.
//
//go:embed edge/viewer_request.js
var viewerRequest string

// newDistribution makes the host that clients connect to. API Gateway refuses any path behind its
// stage, and pusher-js always asks for /app/{key}, so the viewer-request function rewrites the
// path. CloudFront also adds the address of the viewer, and sends the secret
// without which the connect function refuses (docs/decisions/0021-origin-secret.md).
func newDistribution(
	stack awscdk.Stack, socket socketAPI, secret string,
) awscloudfront.Distribution {
	props := awscloudfront.DistributionProps{
		Comment: jsii.String(*stack.StackName() + ": where clients connect"),
		DefaultBehavior: &awscloudfront.BehaviorOptions{
			Origin:               newOrigin(socket, secret),
			ViewerProtocolPolicy: awscloudfront.ViewerProtocolPolicy_HTTPS_ONLY,
			// All methods: an app that publishes to this host by mistake gets the function's
			// explanation and not CloudFront's error.
			AllowedMethods: awscloudfront.AllowedMethods_ALLOW_ALL(),
			Compress:       jsii.Bool(false),
			CachePolicy:    awscloudfront.CachePolicy_CACHING_DISABLED(),
			// With the viewer's Host header API Gateway would not know which API is meant.
			OriginRequestPolicy: awscloudfront.OriginRequestPolicy_ALL_VIEWER_EXCEPT_HOST_HEADER(),
			FunctionAssociations: &[]*awscloudfront.FunctionAssociation{{
				Function:  newViewerRequest(stack),
				EventType: awscloudfront.FunctionEventType_VIEWER_REQUEST,
			}},
		},
		ErrorResponses: uncachedErrors(),
		// Every edge location of the world. A cheaper class saves cents per GB and gives distant
		// clients a longer way.
		PriceClass: awscloudfront.PriceClass_PRICE_CLASS_ALL,
	}
	distribution := awscloudfront.NewDistribution(stack, jsii.String("Edge"), &props)
	pin(distribution, "Client")
	return distribution
}

// newViewerRequest makes the CloudFront Function that rewrites the path.
func newViewerRequest(stack awscdk.Stack) awscloudfront.Function {
	props := awscloudfront.FunctionProps{
		FunctionName: jsii.String(*stack.StackName() + "-" + *stack.Region() + "-viewer-request"),
		Comment:      jsii.String("/app/{key} to the WebSocket API's root"),
		Code:         awscloudfront.FunctionCode_FromInline(&viewerRequest),
		Runtime:      awscloudfront.FunctionRuntime_JS_2_0(),
	}
	rewrite := awscloudfront.NewFunction(stack, jsii.String("ViewerRequestFunction"), &props)
	pin(rewrite, "ViewerRequest")
	return rewrite
}

// newOrigin is the WebSocket API as CloudFront reaches it.
func newOrigin(socket socketAPI, secret string) awscloudfront.IOrigin {
	tls := awscloudfront.OriginSslPolicy_TLS_V1_2
	props := awscloudfrontorigins.HttpOriginProps{
		OriginPath:         jsii.String("/" + socketStage),
		ProtocolPolicy:     awscloudfront.OriginProtocolPolicy_HTTPS_ONLY,
		OriginSslProtocols: &[]awscloudfront.OriginSslPolicy{tls},
		CustomHeaders:      &map[string]*string{config.OriginSecretHeader: &secret},
	}
	return awscloudfrontorigins.NewHttpOrigin(jsii.String(socket.host()), &props)
}

// uncachedErrors lists every status that CloudFront would by default keep for 10 seconds. All apps
// share one cache key, so one app's error could answer another app's client.
func uncachedErrors() *[]*awscloudfront.ErrorResponse {
	var responses []*awscloudfront.ErrorResponse
	for _, status := range []float64{400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504} {
		response := awscloudfront.ErrorResponse{HttpStatus: &status, Ttl: duration(0)}
		responses = append(responses, &response)
	}
	return &responses
}

// originSecret returns the given secret, or one derived from the stack's id. The last part of the
// id is random and stays the same for the stack's whole life; only those who may read the stack
// know it.
func originSecret(given string) string {
	if given != "" {
		return given
	}
	parts := awscdk.Fn_Split(jsii.String("/"), awscdk.Aws_STACK_ID(), nil)
	return *awscdk.Fn_Select(jsii.Number(2), parts)
}
