package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"
)

// publishURL is where apps publish: the api function's own URL. CloudFront before it would double the price of a
// delivery, and API Gateway would charge for each request what the URL does not.
type publishURL struct{ awslambda.FunctionUrl }

// newPublishURL opens the function to the internet: every request is signed with an app's secret, which the function
// checks. The CDK adds the two permissions that AWS demands of a public URL since October 2025 (docs/aws.md §B).
func newPublishURL(api awslambda.Function) publishURL {
	url := api.AddFunctionUrl(&awslambda.FunctionUrlOptions{AuthType: awslambda.FunctionUrlAuthType_NONE})
	pin(url, "PublishUrl")
	return publishURL{url}
}

// host is the URL's domain name: CloudFormation gives https://{host}/.
func (u publishURL) host() string {
	return *awscdk.Fn_Select(jsii.Number(2), awscdk.Fn_Split(jsii.String("/"), u.Url(), nil))
}
