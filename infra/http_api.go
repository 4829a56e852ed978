package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"
)

// publishURL is where apps publish: the api function's own URL, which costs nothing. CloudFront in
// front of it would double the price of a delivery, and API Gateway charges for each request
// (docs/decisions/0003-endpoints.md).
type publishURL struct{ awslambda.FunctionUrl }

// newPublishURL opens the function to the internet: the function checks the signature of every
// request, made with an app's secret. The CDK adds the two permissions that AWS demands of a public
// URL since October 2025 (docs/aws.md §B).
func newPublishURL(api awslambda.Function) publishURL {
	url := api.AddFunctionUrl(&awslambda.FunctionUrlOptions{
		AuthType: awslambda.FunctionUrlAuthType_NONE,
	})
	pin(url, "PublishUrl")
	return publishURL{url}
}

// host is the URL's domain name. CloudFormation knows only the whole URL, https://{host}/.
func (u publishURL) host() string {
	return *awscdk.Fn_Select(jsii.Number(2), awscdk.Fn_Split(jsii.String("/"), u.Url(), nil))
}
