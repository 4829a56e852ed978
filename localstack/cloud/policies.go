package cloud

import (
	"encoding/json"
	"errors"
	"fmt"

	"hark/localstack/cloud/iam"
	"hark/localstack/cloud/template"
)

// policyDocument is an IAM policy, as a template writes it.
type policyDocument struct {
	Version   string
	Statement oneOrMore[statement]
}

type statement struct {
	Sid, Effect            string
	Action, Resource       oneOrMore[string]
	NotAction, NotResource json.RawMessage
	Condition              json.RawMessage
}

// oneOrMore is a list in an IAM policy. A list of one item may be written without brackets.
type oneOrMore[T any] []T

// UnmarshalJSON reads an item or a list of items.
func (l *oneOrMore[T]) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '[' {
		return template.Strict(data, (*[]T)(l))
	}
	*l = make([]T, 1)
	return template.Strict(data, &(*l)[0])
}

// statements returns the policy's statements in the form that package iam evaluates. It returns an
// error for elements that iam does not support. The Condition of an Allow is ignored. A Deny with a
// Condition is an error, because without the Condition it would deny too much.
func (d policyDocument) statements() ([]iam.Statement, error) {
	out := make([]iam.Statement, 0, len(d.Statement))
	for _, s := range d.Statement {
		switch {
		case s.NotAction != nil:
			return nil, errors.New("NotAction is not supported by the local cloud")
		case s.NotResource != nil:
			return nil, errors.New("NotResource is not supported by the local cloud")
		case s.Effect != "Allow" && s.Effect != "Deny":
			return nil, fmt.Errorf("a statement's Effect is %q, neither Allow nor Deny", s.Effect)
		case s.Effect == "Deny" && s.Condition != nil:
			return nil, errors.New("a Deny with a Condition is not supported by the local cloud")
		}
		out = append(out, iam.Statement{Effect: s.Effect, Actions: s.Action, Resources: s.Resource})
	}
	return out, nil
}
