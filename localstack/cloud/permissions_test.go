package cloud

import "testing"

const functionARN = "arn:aws:lambda:us-east-1:000000000000:function:"

func TestPermissions(t *testing.T) {
	const (
		socket = `"Socket": {"Type": "AWS::Lambda::Permission", "Properties": {
			"Action": "lambda:InvokeFunction", "FunctionName": "` + functionARN + `api",
			"Principal": "apigateway.amazonaws.com",
			"SourceArn": "arn:aws:execute-api:us-east-1:000000000000:abc/*$connect"}}`
		url = `"Url": {"Type": "AWS::Lambda::Permission", "Properties": {
			"Action": "lambda:InvokeFunctionUrl", "FunctionName": "api",
			"Principal": "*", "FunctionUrlAuthType": "NONE"}}`
		via = `"Via": {"Type": "AWS::Lambda::Permission", "Properties": {
			"Action": "lambda:InvokeFunction", "FunctionName": "api",
			"Principal": "*", "InvokedViaFunctionUrl": true}}`
	)
	for _, tt := range []struct {
		name, resources string
		public, connect bool
	}{
		{"a URL with both permissions is public", url + "," + via, true, false},
		{"a URL with the old permission alone is not", url, false, false},
		{"a URL with the new permission alone is not", via, false, false},
		{"a service may for its source", socket, false, true},
		{
			"a URL's permission is none for a service",
			replace(t, via, `"*"`, `"apigateway.amazonaws.com"`), false, false,
		},
		{
			"a service may not for another source",
			replace(t, socket, "$connect", "$default"), false, false,
		},
		{
			"a service may not invoke another function",
			replace(t, socket, "function:api", "function:apis"), false, false,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all, err := permissionsOf(stackOf(t, tt.resources))
			if err != nil {
				t.Fatal(err)
			}
			if got := all.allowPublicURL("api"); got != tt.public {
				t.Errorf("public %v, want %v", got, tt.public)
			}
			const source = "arn:aws:execute-api:us-east-1:000000000000:abc/v1/$connect"
			if got := all.allowService(apiGateway, "api", source); got != tt.connect {
				t.Errorf("API Gateway may %v, want %v", got, tt.connect)
			}
		})
	}
}

func TestFunctionNames(t *testing.T) {
	const integration = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/"
	for id, want := range map[string]string{
		"Shop-api":                             "Shop-api",
		functionARN + "Shop-api":               "Shop-api",
		functionARN + "Shop-api:$LATEST":       "Shop-api",
		integration + functionARN + "Shop-api": "Shop-api",
	} {
		if got := functionName(id); got != want {
			t.Errorf("name of %s is %q, want %q", id, got, want)
		}
	}
}
