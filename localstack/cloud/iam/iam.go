package iam

import (
	"context"
	"fmt"
	"strings"

	"hark/localstack/cloud/wildcard"
)

// Statement is one statement of a policy, its single values already lists.
type Statement struct {
	Effect    string // "Allow" or "Deny"
	Actions   []string
	Resources []string
}

// Role is the role of a function.
type Role struct {
	Name       string
	Session    string // the function's name, as AWS shows it in messages
	Account    string
	Statements []Statement
}

// Denied is the refusal of a call, in AWS's words.
type Denied struct {
	Role             *Role
	Action, Resource string
	Explicit         bool // a Deny statement matched
}

func (d *Denied) Error() string {
	why := "because no identity-based policy allows the " + d.Action + " action"
	if d.Explicit {
		why = "with an explicit deny in an identity-based policy"
	}
	return fmt.Sprintf("User: arn:aws:sts::%s:assumed-role/%s/%s is not authorized to perform: "+
		"%s on resource: %s %s",
		d.Role.Account, d.Role.Name, d.Role.Session, d.Action, d.Resource, why)
}

type key struct{}

// WithRole returns a context whose calls are made in the role.
func WithRole(ctx context.Context, r *Role) context.Context {
	return context.WithValue(ctx, key{}, r)
}

// Caller returns the name of the function that makes the context's calls: the session of its role.
// It is empty for calls from outside.
func Caller(ctx context.Context) string {
	if r, _ := ctx.Value(key{}).(*Role); r != nil {
		return r.Session
	}
	return ""
}

// Check returns a *Denied if the context's role may not do the action on the resource. A context
// without a role belongs to the account's administrator, who may do everything.
func Check(ctx context.Context, action, resource string) error {
	r, _ := ctx.Value(key{}).(*Role)
	if r == nil {
		return nil
	}
	allowed := false
	for _, s := range r.Statements {
		if !matchAny(s.Actions, action, true) || !matchAny(s.Resources, resource, false) {
			continue
		}
		if s.Effect == "Deny" {
			return &Denied{Role: r, Action: action, Resource: resource, Explicit: true}
		}
		allowed = true
	}
	if !allowed {
		return &Denied{Role: r, Action: action, Resource: resource}
	}
	return nil
}

func matchAny(patterns []string, s string, fold bool) bool {
	for _, p := range patterns {
		if fold {
			p, s = strings.ToLower(p), strings.ToLower(s)
		}
		if wildcard.Match(p, s) {
			return true
		}
	}
	return false
}
