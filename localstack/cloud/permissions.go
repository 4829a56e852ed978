package cloud

import (
	"slices"
	"strings"

	"hark/localstack/cloud/template"
	"hark/localstack/cloud/wildcard"
)

// permissions are the stack's AWS::Lambda::Permission resources: the services and the public that
// may invoke its functions.
type permissions []permission

type permission struct {
	Action                string
	FunctionName          string // name or ARN
	Principal             string
	SourceArn             string // a pattern with * and ?; empty for any source
	FunctionURLAuthType   string `json:"FunctionUrlAuthType"`
	InvokedViaFunctionURL bool   `json:"InvokedViaFunctionUrl"`
}

// permissionsOf reads the permissions of a stack.
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

// allowService reports whether an AWS service may invoke the function on behalf of the source,
// which is an ARN.
func (all permissions) allowService(principal, function, source string) bool {
	return slices.ContainsFunc(all, func(p permission) bool {
		return p.Action == "lambda:InvokeFunction" && p.Principal == principal &&
			p.FunctionName == function && !p.InvokedViaFunctionURL &&
			(p.SourceArn == "" || wildcard.Match(p.SourceArn, source))
	})
}

// allowPublicURL reports whether the public may invoke the function through its URL. Since October
// 2025 AWS requires two permissions for that (docs/aws.md §B).
func (all permissions) allowPublicURL(function string) bool {
	url := slices.ContainsFunc(all, func(p permission) bool {
		return p.Action == "lambda:InvokeFunctionUrl" && p.Principal == "*" &&
			p.FunctionName == function &&
			(p.FunctionURLAuthType == "" || p.FunctionURLAuthType == "NONE")
	})
	invoke := slices.ContainsFunc(all, func(p permission) bool {
		return p.Action == "lambda:InvokeFunction" && p.Principal == "*" &&
			p.FunctionName == function && p.InvokedViaFunctionURL
	})
	return url && invoke
}

// functionName returns the name in a function's ARN, which may end in a version. A name is returned
// as it is.
func functionName(id string) string {
	if _, name, ok := strings.Cut(id, ":function:"); ok {
		id, _, _ = strings.Cut(name, ":")
	}
	return id
}
