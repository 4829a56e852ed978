package cloud

import (
	"slices"
	"strings"

	"hark/localstack/cloud/template"
	"hark/localstack/cloud/wildcard"
)

// permissions are the stack's AWS::Lambda::Permission resources: who may invoke its functions from outside.
type permissions []permission

type permission struct {
	Action                string
	FunctionName          string // name or ARN
	Principal             string
	SourceArn             string // may hold * and ?
	FunctionURLAuthType   string `json:"FunctionUrlAuthType"`
	InvokedViaFunctionURL bool   `json:"InvokedViaFunctionUrl"`
}

func permissionsOf(stack *template.Stack) (permissions, error) {
	var all permissions
	for _, res := range stack.OfType("AWS::Lambda::Permission") {
		var p permission
		if err := res.Decode(&p); err != nil {
			return nil, err
		}
		p.FunctionName = functionName(p.FunctionName)
		all = append(all, p)
	}
	return all, nil
}

// service reports whether an AWS service may invoke the function on behalf of the source, which is an ARN.
func (all permissions) service(principal, function, source string) bool {
	return slices.ContainsFunc(all, func(p permission) bool {
		return p.Action == "lambda:InvokeFunction" && p.Principal == principal && p.FunctionName == function &&
			!p.InvokedViaFunctionURL && (p.SourceArn == "" || wildcard.Match(p.SourceArn, source))
	})
}

// public reports whether anybody may invoke the function through its URL. Since October 2025 that takes two permissions
// (docs/aws.md §B).
func (all permissions) public(function string) bool {
	url := slices.ContainsFunc(all, func(p permission) bool {
		return p.Action == "lambda:InvokeFunctionUrl" && p.Principal == "*" && p.FunctionName == function &&
			(p.FunctionURLAuthType == "" || p.FunctionURLAuthType == "NONE")
	})
	invoke := slices.ContainsFunc(all, func(p permission) bool {
		return p.Action == "lambda:InvokeFunction" && p.Principal == "*" && p.FunctionName == function && p.InvokedViaFunctionURL
	})
	return url && invoke
}

// functionName takes the name out of a function's ARN, with or without a version; a name is itself.
func functionName(id string) string {
	if _, name, ok := strings.Cut(id, ":function:"); ok {
		id, _, _ = strings.Cut(name, ":")
	}
	return id
}
