package cloud

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"hark/localstack/cloud/iam"
	"hark/localstack/cloud/template"
)

// rolesOf returns the stack's roles by ARN. A role has the statements of all its policies: its
// inline policies, those of AWS::IAM::Policy and AWS::IAM::ManagedPolicy resources, and AWS managed
// policies if awsManaged knows them.
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

// readRole reads a role. The account is left empty.
func readRole(res template.Resource, attached attachments) (*iam.Role, error) {
	var properties struct {
		Policies []struct {
			PolicyName     string
			PolicyDocument policyDocument
		}
		ManagedPolicyArns []string

		// Without effect.
		AssumeRolePolicyDocument    json.RawMessage // only the stack's functions take roles
		RoleName, Description, Tags json.RawMessage // res.ID is the name
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
				return nil, fmt.Errorf("what the policy %s allows is not known to the local cloud",
					arn)
			}
		}
		role.Statements = append(role.Statements, statements...)
	}
	return role, nil
}

// attachments are the statements of policies that are resources of their own: byRole for policies
// that name their roles, and byPolicy, by ARN, for roles that name their policies.
type attachments struct {
	byRole, byPolicy map[string][]iam.Statement
}

// attachedPolicies reads the stack's AWS::IAM::Policy and AWS::IAM::ManagedPolicy resources.
func attachedPolicies(stack *template.Stack) (attachments, error) {
	a := attachments{
		byRole: make(map[string][]iam.Statement), byPolicy: make(map[string][]iam.Statement),
	}
	inline := stack.OfType("AWS::IAM::Policy")
	for _, res := range slices.Concat(inline, stack.OfType("AWS::IAM::ManagedPolicy")) {
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

// awsManaged returns what an AWS managed policy allows. It knows those that functions commonly
// have.
func awsManaged(arn string) ([]iam.Statement, bool) {
	actions := []string{"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"}
	switch strings.TrimPrefix(arn, "arn:aws:iam::aws:policy/service-role/") {
	case "AWSLambdaBasicExecutionRole":
	case "AWSLambdaSQSQueueExecutionRole":
		actions = append(actions,
			"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
	default:
		return nil, false
	}
	return []iam.Statement{{Effect: "Allow", Actions: actions, Resources: []string{"*"}}}, true
}
