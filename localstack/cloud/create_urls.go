package cloud

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"hark/localstack/cloud/lambda"
)

// createURLs creates the function URLs. A URL that lacks one of the permissions for the public
// answers 403, as on AWS (docs/aws.md §B).
func (c *Cloud) createURLs() error {
	for _, res := range c.stack.OfType("AWS::Lambda::Url") {
		var spec lambda.URLSpec
		if err := res.Decode(&spec); err != nil {
			return err
		}
		address, err := url.Parse(res.Attributes["FunctionUrl"])
		if err != nil {
			return fmt.Errorf("resource %s: %w", res.LogicalID, err)
		}
		spec.ID, _, _ = strings.Cut(address.Host, ".")
		if err := c.lambda.CreateURL(spec); err != nil {
			return fmt.Errorf("resource %s: %w", res.LogicalID, err)
		}
		if !c.permissions.allowPublicURL(functionName(spec.TargetFunctionArn)) {
			c.opts.Log.Warn("a function URL answers 403: it needs permissions for "+
				"lambda:InvokeFunctionUrl and, with InvokedViaFunctionUrl, for "+
				"lambda:InvokeFunction", "resource", res.LogicalID)
			c.forbidden[spec.ID] = true
		}
		c.hosts[address.Host] = c.functionURL(spec.ID)
	}
	return nil
}

// functionURL returns the handler of the function URL with the ID.
func (c *Cloud) functionURL(id string) http.Handler {
	if c.forbidden[id] {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"Message":"Forbidden"}`))
		})
	}
	return c.lambda.URL(id)
}
