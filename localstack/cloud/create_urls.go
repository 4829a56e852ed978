package cloud

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"hark/localstack/cloud/lambda"
)

// createURLs gives functions their URLs. A URL whose permissions do not let the public in answers
// 403, as on AWS.
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
		if !c.permissions.public(functionName(spec.TargetFunctionArn)) {
			c.opts.Log.Warn("a function URL answers 403: it needs permissions for "+
				"lambda:InvokeFunctionUrl and, with InvokedViaFunctionUrl, for "+
				"lambda:InvokeFunction", "resource", res.LogicalID)
			c.forbidden[spec.ID] = true
		}
		c.hosts[address.Host] = c.functionURL(spec.ID)
	}
	return nil
}

// functionURL returns what the function URL with the id serves.
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
