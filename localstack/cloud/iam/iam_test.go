package iam_test

import (
	"context"
	"errors"
	"testing"

	"hark/localstack/cloud/iam"
)

const table = "arn:aws:dynamodb:us-east-1:000000000000:table/Hark-State"

func role(statements ...iam.Statement) *iam.Role {
	return &iam.Role{
		Name:       "Hark-MessageRole",
		Session:    "Hark-message",
		Account:    "000000000000",
		Statements: statements,
	}
}

func allow(action, resource string) iam.Statement {
	return iam.Statement{Effect: "Allow", Actions: []string{action}, Resources: []string{resource}}
}

func deny(action, resource string) iam.Statement {
	return iam.Statement{Effect: "Deny", Actions: []string{action}, Resources: []string{resource}}
}

const connection = "arn:aws:execute-api:us-east-1:000000000000:abc123/v1/POST/@connections/" +
	"L0SM9cOFvHcCIhw="

// checks are policies and what they allow.
var checks = []struct {
	name             string
	statements       []iam.Statement
	action, resource string
	allowed          bool
}{
	{"a role without statements may do nothing", nil, "dynamodb:GetItem", table, false},
	{
		"the very action and resource",
		[]iam.Statement{allow("dynamodb:GetItem", table)},
		"dynamodb:GetItem", table, true,
	},
	{
		"another action",
		[]iam.Statement{allow("dynamodb:GetItem", table)},
		"dynamodb:PutItem",
		table, false,
	},
	{
		"another resource",
		[]iam.Statement{allow("dynamodb:GetItem", table)},
		"dynamodb:GetItem", table + "2", false,
	},
	{
		"the action of one statement with the resource of another",
		[]iam.Statement{allow("dynamodb:GetItem", "other"), allow("dynamodb:Query", table)},
		"dynamodb:GetItem", table, false,
	},
	{
		"actions whatever their case",
		[]iam.Statement{allow("DynamoDB:getitem", table)},
		"dynamodb:GetItem", table, true,
	},
	{
		"resources only in their case",
		[]iam.Statement{allow("dynamodb:GetItem", table)},
		"dynamodb:GetItem",
		"arn:aws:dynamodb:us-east-1:000000000000:table/hark-state", false,
	},
	{
		"every action of a service",
		[]iam.Statement{allow("dynamodb:*", table)},
		"dynamodb:TransactWriteItems", table, true,
	},
	{
		"every action of another service",
		[]iam.Statement{allow("sqs:*", "*")},
		"dynamodb:GetItem", table, false,
	},
	{"everything", []iam.Statement{allow("*", "*")}, "dynamodb:GetItem", table, true},
	{
		"a star stands for slashes too",
		[]iam.Statement{
			allow(
				"execute-api:ManageConnections",
				"arn:aws:execute-api:us-east-1:000000000000:abc123/v1/*/@connections/*",
			),
		},
		"execute-api:ManageConnections", connection, true,
	},
	{
		"a star does not reach over what follows it",
		[]iam.Statement{
			allow(
				"execute-api:ManageConnections",
				"arn:aws:execute-api:us-east-1:000000000000:abc123/v1/GET/*",
			),
		},
		"execute-api:ManageConnections", connection, false,
	},
	{
		"stars that must go back for a second try",
		[]iam.Statement{allow("*", "a*bc*d")},
		"x:Y", "abbcabcd", true,
	},
	{
		"a question mark stands for one character",
		[]iam.Statement{allow("dynamodb:?etItem", table)},
		"dynamodb:GetItem", table, true,
	},
	{
		"a question mark stands for no fewer",
		[]iam.Statement{allow("dynamodb:GetItem?", table)},
		"dynamodb:GetItem", table, false,
	},
	{
		"a deny wins over an allow",
		[]iam.Statement{allow("*", "*"), deny("dynamodb:*", table)},
		"dynamodb:GetItem", table,
		false,
	},
	{
		"a deny wins wherever it stands",
		[]iam.Statement{deny("dynamodb:*", table), allow("*", "*")},
		"dynamodb:GetItem", table,
		false,
	},
	{
		"a deny of something else",
		[]iam.Statement{deny("sqs:*", "*"), allow("*", "*")},
		"dynamodb:GetItem", table, true,
	},
}

func TestPoliciesAllowAndDeny(t *testing.T) {
	for _, tt := range checks {
		t.Run(tt.name, func(t *testing.T) {
			err := iam.Check(
				iam.WithRole(t.Context(), role(tt.statements...)), tt.action, tt.resource,
			)
			if allowed := err == nil; allowed != tt.allowed {
				t.Errorf("allowed %v, want %v (%v)", allowed, tt.allowed, err)
			}
		})
	}
}

func TestWithoutARoleTheCallerIsTheAdministrator(t *testing.T) {
	for name, ctx := range map[string]context.Context{
		"no role": t.Context(), "a nil role": iam.WithRole(t.Context(), nil),
	} {
		if err := iam.Check(ctx, "dynamodb:DeleteTable", table); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDeniedIsWordedAsAWSWordsIt(t *testing.T) {
	for _, tt := range []struct {
		name       string
		statements []iam.Statement
		explicit   bool
		want       string
	}{
		{
			"nothing allows it", nil, false,
			"User: arn:aws:sts::000000000000:assumed-role/Hark-MessageRole/Hark-message is not " +
				"authorized to perform: " +
				"dynamodb:GetItem on resource: " + table + " because no identity-based policy " +
				"allows the dynamodb:GetItem action",
		},
		{
			"a statement denies it",
			[]iam.Statement{deny("*", "*")},
			true,
			"User: arn:aws:sts::000000000000:assumed-role/Hark-MessageRole/Hark-message is not " +
				"authorized to perform: " +
				"dynamodb:GetItem on resource: " + table + " with an explicit deny in an " +
				"identity-based policy",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := iam.Check(
				iam.WithRole(t.Context(), role(tt.statements...)), "dynamodb:GetItem", table,
			)
			var denied *iam.Denied
			if !errors.As(err, &denied) {
				t.Fatalf("error %v, want a *iam.Denied", err)
			}
			if denied.Explicit != tt.explicit || denied.Error() != tt.want {
				t.Errorf(
					"explicit %v, %q\nwant %v, %q", denied.Explicit, denied, tt.explicit, tt.want,
				)
			}
		})
	}
}
