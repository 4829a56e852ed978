package main

import "testing"

func TestPublishURLIsPublicInBothWaysThatAWSDemands(t *testing.T) {
	tmpl := golden(t, "default")
	if got := tmpl.at("PublishUrl", "AuthType"); got != "NONE" {
		t.Error(got)
	}
	if got := text(tmpl.at("PublishUrl", "TargetFunctionArn")); got != "${Api.Arn}" {
		t.Error(got)
	}
	if !permits(tmpl, "Api", "lambda:InvokeFunctionUrl", map[string]any{
		"Principal": "*", "FunctionUrlAuthType": "NONE",
	}) {
		t.Error("the public may not call the URL")
	}
	if !permits(tmpl, "Api", "lambda:InvokeFunction", map[string]any{
		"Principal": "*", "InvokedViaFunctionUrl": true,
	}) {
		t.Error("the public may not invoke the function through the URL")
	}
}
