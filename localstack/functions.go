package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"hark/localstack/cloud/faults"
	"hark/localstack/cloud/iam"
	"hark/localstack/cloud/lambda"
	"hark/localstack/cloud/template"
)

// callbackVariable is the SDK's own variable for where frames are posted (decisions.md 21).
const callbackVariable = "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"

// The function that is built from webhookSource posts to the endpoints of apps. loopbackVariable lets it post to this machine, which
// on AWS would be its own network. Nothing in a template says so: both are the product's own.
const (
	webhookSource    = "functions/webhook"
	loopbackVariable = "HARK_WEBHOOK_LOOPBACK"
)

// source is the folder that a function is built from (decisions.md 20).
func source(res template.Resource) (string, error) {
	s, _ := res.Metadata["hark:source"].(string)
	if s == "" {
		return "", fmt.Errorf("resource %s: its Metadata does not say hark:source, the folder that it is built from", res.LogicalID)
	}
	return s, nil
}

// sources are the folders of all the stack's functions, each once.
func sources(stack *template.Stack) ([]string, error) {
	var all []string
	for _, res := range stack.OfType("AWS::Lambda::Function") {
		s, err := source(res)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

func (c *cloud) createFunctions(binaries map[string]string) error {
	for _, res := range c.stack.OfType("AWS::Lambda::Function") {
		var properties struct {
			lambda.FunctionSpec
			Role string
		}
		if err := res.Decode(&properties); err != nil {
			return err
		}
		spec := properties.FunctionSpec
		role, ok := c.roles[properties.Role]
		if !ok {
			return fmt.Errorf("resource %s: its role %s is not in the stack", res.LogicalID, properties.Role)
		}
		own := *role
		own.Session = res.ID
		from, err := source(res)
		if err != nil {
			return err
		}
		spec.FunctionName, spec.Role, spec.Binary = res.ID, &own, binaries[from]
		if from == webhookSource {
			c.loopback[res.ID] = true
		}
		if err := c.localize(spec.Environment.Variables); err != nil {
			return fmt.Errorf("resource %s: %w", res.LogicalID, err)
		}
		if err := c.lambda.Create(spec); err != nil {
			return fmt.Errorf("resource %s: %w", res.LogicalID, err)
		}
	}
	return nil
}

// localize rewrites AWS's addresses in a function's variables to where the local cloud serves them: the gateway's
// callback address and the URLs of queues.
func (c *cloud) localize(variables map[string]string) error {
	queues := fmt.Sprintf("https://sqs.%s.amazonaws.com/", c.region)
	for name, value := range variables {
		if name == callbackVariable {
			local, err := c.callback(value)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			variables[name] = local
			continue
		}
		variables[name] = strings.ReplaceAll(value, queues, c.endpoint+"/")
	}
	return nil
}

// callback turns https://{api}.execute-api.{region}.amazonaws.com/{stage} into the AWS port's address of the same.
func (c *cloud) callback(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", fmt.Errorf("read the address: %w", err)
	}
	api := regexp.MustCompile(`^([a-z0-9]+)\.execute-api\.[a-z0-9-]+\.amazonaws\.com$`).FindStringSubmatch(u.Host)
	if api == nil {
		return "", fmt.Errorf("%s is not the address of a stage of API Gateway", address)
	}
	return c.endpoint + connectionsPath + api[1] + strings.TrimSuffix(u.Path, "/"), nil
}

// environment is what a function's process gets besides the template's variables: who it is, where AWS is, and what only a machine
// of one's own may allow.
func (c *cloud) environment(function string, role *iam.Role, process faults.Process) []string {
	own := c.keys.issue(role, process)
	env := []string{
		"AWS_ACCESS_KEY_ID=" + own.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY=" + own.SecretAccessKey,
		"AWS_SESSION_TOKEN=" + own.SessionToken,
		"AWS_ENDPOINT_URL=" + c.endpoint,
	}
	if c.loopback[function] {
		env = append(env, loopbackVariable+"=true")
	}
	return env
}

// createURLs gives functions their URLs. One whose permissions would not let the public in is there and answers 403, as
// on AWS.
func (c *cloud) createURLs() error {
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
			c.log.Warn("a function URL answers 403: it needs permissions for lambda:InvokeFunctionUrl and, with "+
				"InvokedViaFunctionUrl, for lambda:InvokeFunction", "resource", res.LogicalID)
			c.forbidden[spec.ID] = true
		}
		c.hosts[address.Host] = c.url(spec.ID)
	}
	return nil
}

// url is what the function URL with the id serves.
func (c *cloud) url(id string) http.Handler {
	if c.forbidden[id] {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"Message":"Forbidden"}`))
		})
	}
	return c.lambda.URL(id)
}

func (c *cloud) createMappings() error {
	for _, res := range c.stack.OfType("AWS::Lambda::EventSourceMapping") {
		var spec lambda.MappingSpec
		if err := res.Decode(&spec); err != nil {
			return err
		}
		if err := c.lambda.Map(spec); err != nil {
			return fmt.Errorf("resource %s: %w", res.LogicalID, err)
		}
	}
	return nil
}

// invoke is how API Gateway reaches functions. It may, by the permissions that createAPIs has checked.
func (c *cloud) invoke(ctx context.Context, functionARN string, payload []byte) ([]byte, string, error) {
	result, err := c.lambda.Invoke(ctx, functionARN, payload)
	return result.Payload, result.FunctionError, err
}
