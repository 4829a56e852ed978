package cloud

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"hark/localstack/cloud/iam"
	"hark/localstack/cloud/template"
)

// rolesOf reads the stack's roles, by ARN, with the statements of all policies that are attached to them: their own, those
// of AWS::IAM::Policy and AWS::IAM::ManagedPolicy, and the AWS managed policies of which the contents are known here.
func rolesOf(stack *template.Stack, account string) (map[string]*iam.Role, error) {
	attached, err := attachedPolicies(stack)
	if err != nil {
		return nil, err
	}
	roles := make(map[string]*iam.Role)
	for _, res := range stack.OfType("AWS::IAM::Role") {
		role, err := readRole(res, attached)
		if err != nil {
			return nil, fmt.Errorf("role %s: %w", res.LogicalID, err)
		}
		role.Account = account
		roles[res.Attributes["Arn"]] = role
	}
	return roles, nil
}

func readRole(res template.Resource, attached attachments) (*iam.Role, error) {
	var properties struct {
		Policies []struct {
			PolicyName     string
			PolicyDocument policyDocument
		}
		ManagedPolicyArns []string

		// Without effect.
		AssumeRolePolicyDocument    json.RawMessage // who else may take the role is not asked
		RoleName, Description, Tags json.RawMessage // res.ID has the name
	}
	if err := res.Decode(&properties); err != nil {
		return nil, err
	}
	role := &iam.Role{Name: res.ID, Statements: slices.Clone(attached.byRole[res.ID])}
	for _, policy := range properties.Policies {
		statements, err := policy.PolicyDocument.statements()
		if err != nil {
			return nil, err
		}
		role.Statements = append(role.Statements, statements...)
	}
	for _, arn := range properties.ManagedPolicyArns {
		statements, ok := attached.byPolicy[arn]
		if !ok {
			if statements, ok = awsManaged(arn); !ok {
				return nil, fmt.Errorf("what the policy %s allows is not known to the local cloud", arn)
			}
		}
		role.Statements = append(role.Statements, statements...)
	}
	return role, nil
}

// attachments are the policies that are resources of their own: by the role that they name, and by their ARN for roles
// that name them.
type attachments struct {
	byRole, byPolicy map[string][]iam.Statement
}

func attachedPolicies(stack *template.Stack) (attachments, error) {
	a := attachments{byRole: make(map[string][]iam.Statement), byPolicy: make(map[string][]iam.Statement)}
	for _, res := range slices.Concat(stack.OfType("AWS::IAM::Policy"), stack.OfType("AWS::IAM::ManagedPolicy")) {
		var properties struct {
			PolicyDocument policyDocument
			Roles          []string

			PolicyName, ManagedPolicyName, Description json.RawMessage // without effect
		}
		if err := res.Decode(&properties); err != nil {
			return attachments{}, err
		}
		statements, err := properties.PolicyDocument.statements()
		if err != nil {
			return attachments{}, fmt.Errorf("policy %s: %w", res.LogicalID, err)
		}
		for _, role := range properties.Roles {
			a.byRole[role] = append(a.byRole[role], statements...)
		}
		if arn := res.Attributes["PolicyArn"]; arn != "" {
			a.byPolicy[arn] = statements
		}
	}
	return a, nil
}

// awsManaged returns what a policy of AWS's own allows, as far as functions use them.
func awsManaged(arn string) ([]iam.Statement, bool) {
	actions := []string{"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"}
	switch strings.TrimPrefix(arn, "arn:aws:iam::aws:policy/service-role/") {
	case "AWSLambdaBasicExecutionRole":
	case "AWSLambdaSQSQueueExecutionRole":
		actions = append(actions, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
	default:
		return nil, false
	}
	return []iam.Statement{{Effect: "Allow", Actions: actions, Resources: []string{"*"}}}, true
}
