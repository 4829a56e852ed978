package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hark/localstack/cloud/iam"
	"hark/localstack/cloud/template"
)

// stackOf resolves a template with these resources.
func stackOf(t *testing.T, resources string) *template.Stack {
	t.Helper()
	parsed, err := template.Parse([]byte(`{"Resources": {` + resources + `}}`))
	if err != nil {
		t.Fatal(err)
	}
	stack, err := parsed.Resolve(template.Env{StackName: stackName, Region: region, Account: account, StackID: stackID})
	if err != nil {
		t.Fatal(err)
	}
	return stack
}

func TestRolesHaveAllTheirPolicies(t *testing.T) {
	stack := stackOf(t, `
		"Worker": {"Type": "AWS::IAM::Role", "Properties": {
			"Policies": [{"PolicyName": "own", "PolicyDocument": {"Statement": {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "q"}}}],
			"ManagedPolicyArns": [
				{"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"]]},
				{"Ref": "Managed"}
			]
		}},
		"Attached": {"Type": "AWS::IAM::Policy", "Properties": {
			"Roles": [{"Ref": "Worker"}],
			"PolicyDocument": {"Statement": [
				{"Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:Query"], "Resource": ["t", "u"], "Condition": {"Bool": {"x": "true"}}},
				{"Effect": "Deny", "Action": "*", "Resource": "secret"}
			]}
		}},
		"Managed": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {
			"PolicyDocument": {"Statement": [{"Effect": "Allow", "Action": "events:PutEvents", "Resource": "*"}]}
		}}`)
	roles, err := rolesOf(stack, account)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]*iam.Role{"arn:aws:iam::000000000000:role/Hark-Worker": {
		Name: "Hark-Worker", Account: account,
		Statements: []iam.Statement{
			{Effect: "Allow", Actions: []string{"dynamodb:GetItem", "dynamodb:Query"}, Resources: []string{"t", "u"}},
			{Effect: "Deny", Actions: []string{"*"}, Resources: []string{"secret"}},
			{Effect: "Allow", Actions: []string{"sqs:SendMessage"}, Resources: []string{"q"}},
			{Effect: "Allow", Actions: []string{"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"}, Resources: []string{"*"}},
			{Effect: "Allow", Actions: []string{"events:PutEvents"}, Resources: []string{"*"}},
		},
	}}
	if diff := cmp.Diff(want, roles); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
}

func TestWhatPoliciesMayNotHold(t *testing.T) {
	for _, tt := range []struct{ name, role, want string }{
		{
			"NotAction", `"Policies": [{"PolicyDocument": {"Statement": [{"Effect": "Allow", "NotAction": "x", "Resource": "*"}]}}]`,
			"role Worker: NotAction is not supported",
		},
		{
			"NotResource", `"Policies": [{"PolicyDocument": {"Statement": [{"Effect": "Allow", "Action": "x", "NotResource": "*"}]}}]`,
			"role Worker: NotResource is not supported",
		},
		{
			"a deny with a condition", `"Policies": [{"PolicyDocument": {"Statement": [{"Effect": "Deny", "Action": "x", "Resource": "*", "Condition": {}}]}}]`,
			"role Worker: a Deny with a Condition is not supported",
		},
		{
			"another effect", `"Policies": [{"PolicyDocument": {"Statement": [{"Effect": "Maybe", "Action": "x", "Resource": "*"}]}}]`,
			`role Worker: a statement's Effect is "Maybe"`,
		},
		{
			"a policy of AWS's that is not known", `"ManagedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"]`,
			"role Worker: what the policy arn:aws:iam::aws:policy/AdministratorAccess allows is not known",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stack := stackOf(t, `"Worker": {"Type": "AWS::IAM::Role", "Properties": {`+tt.role+`}}`)
			if _, err := rolesOf(stack, account); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestPermissions(t *testing.T) {
	const (
		socket = `"Socket": {"Type": "AWS::Lambda::Permission", "Properties": {"Action": "lambda:InvokeFunction", "FunctionName": "arn:aws:lambda:us-east-1:000000000000:function:api",
			"Principal": "apigateway.amazonaws.com", "SourceArn": "arn:aws:execute-api:us-east-1:000000000000:abc/*$connect"}}`
		url = `"Url": {"Type": "AWS::Lambda::Permission", "Properties": {"Action": "lambda:InvokeFunctionUrl", "FunctionName": "api",
			"Principal": "*", "FunctionUrlAuthType": "NONE"}}`
		via = `"Via": {"Type": "AWS::Lambda::Permission", "Properties": {"Action": "lambda:InvokeFunction", "FunctionName": "api",
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
		{"a URL's permission is none for a service", strings.Replace(via, `"*"`, `"apigateway.amazonaws.com"`, 1), false, false},
		{"a service may not for another source", strings.Replace(socket, "$connect", "$default", 1), false, false},
		{"a service may not invoke another function", strings.Replace(socket, "function:api", "function:apis", 1), false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all, err := permissionsOf(stackOf(t, tt.resources))
			if err != nil {
				t.Fatal(err)
			}
			if got := all.public("api"); got != tt.public {
				t.Errorf("public %v, want %v", got, tt.public)
			}
			const source = "arn:aws:execute-api:us-east-1:000000000000:abc/v1/$connect"
			if got := all.service("apigateway.amazonaws.com", "api", source); got != tt.connect {
				t.Errorf("API Gateway may %v, want %v", got, tt.connect)
			}
		})
	}
}
