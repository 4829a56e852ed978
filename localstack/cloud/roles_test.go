package cloud

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hark/localstack/cloud/iam"
)

func TestRolesHaveAllTheirPolicies(t *testing.T) {
	stack := stackOf(t, `
		"Worker": {"Type": "AWS::IAM::Role", "Properties": {
			"Policies": [{"PolicyName": "own", "PolicyDocument": {"Statement": {
				"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "q"}}}],
			"ManagedPolicyArns": [
				{"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"},
					":iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"]]},
				{"Ref": "Managed"}
			]
		}},
		"Attached": {"Type": "AWS::IAM::Policy", "Properties": {
			"Roles": [{"Ref": "Worker"}],
			"PolicyDocument": {"Statement": [
				{"Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:Query"],
					"Resource": ["t", "u"], "Condition": {"Bool": {"x": "true"}}},
				{"Effect": "Deny", "Action": "*", "Resource": "secret"}
			]}
		}},
		"Managed": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {
			"PolicyDocument": {"Statement": [
				{"Effect": "Allow", "Action": "events:PutEvents", "Resource": "*"}]}
		}}`)
	roles, err := rolesOf(stack, account)
	if err != nil {
		t.Fatal(err)
	}
	getAndQuery := []string{"dynamodb:GetItem", "dynamodb:Query"}
	writeLogs := []string{"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"}
	want := map[string]*iam.Role{"arn:aws:iam::000000000000:role/Shop-Worker": {
		Name: "Shop-Worker", Account: account,
		Statements: []iam.Statement{
			{Effect: "Allow", Actions: getAndQuery, Resources: []string{"t", "u"}},
			{Effect: "Deny", Actions: []string{"*"}, Resources: []string{"secret"}},
			{Effect: "Allow", Actions: []string{"sqs:SendMessage"}, Resources: []string{"q"}},
			{Effect: "Allow", Actions: writeLogs, Resources: []string{"*"}},
			{Effect: "Allow", Actions: []string{"events:PutEvents"}, Resources: []string{"*"}},
		},
	}}
	if diff := cmp.Diff(want, roles); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
}

func TestPoliciesThatAreNotSupportedAreNamed(t *testing.T) {
	statement := func(elements string) string {
		return `"Policies": [{"PolicyDocument": {"Statement": [{` + elements + `}]}}]`
	}
	for _, tt := range []struct{ name, role, want string }{
		{
			"NotAction", statement(`"Effect": "Allow", "NotAction": "x", "Resource": "*"`),
			"role Worker: NotAction is not supported",
		},
		{
			"NotResource", statement(`"Effect": "Allow", "Action": "x", "NotResource": "*"`),
			"role Worker: NotResource is not supported",
		},
		{
			"a deny with a condition",
			statement(`"Effect": "Deny", "Action": "x", "Resource": "*", "Condition": {}`),
			"role Worker: a Deny with a Condition is not supported",
		},
		{
			"another effect", statement(`"Effect": "Maybe", "Action": "x", "Resource": "*"`),
			`role Worker: a statement's Effect is "Maybe"`,
		},
		{
			"an AWS managed policy that is not known",
			`"ManagedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"]`,
			"role Worker: what the policy arn:aws:iam::aws:policy/AdministratorAccess " +
				"allows is not known",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stack := stackOf(t,
				`"Worker": {"Type": "AWS::IAM::Role", "Properties": {`+tt.role+`}}`)
			_, err := rolesOf(stack, account)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}
