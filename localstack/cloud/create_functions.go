package cloud

import (
	"context"
	"fmt"

	"hark/localstack/cloud/faults"
	"hark/localstack/cloud/iam"
	"hark/localstack/cloud/lambda"
	"hark/localstack/cloud/template"
)

func (c *Cloud) createFunctions() error {
	for _, res := range c.stack.OfType("AWS::Lambda::Function") {
		if err := c.createFunction(res); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cloud) createFunction(res template.Resource) error {
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
		return fmt.Errorf("resource %s: its role %s is not in the stack",
			res.LogicalID, properties.Role)
	}
	sessionRole := *role
	sessionRole.Session = res.ID
	binary, err := c.opts.Binary(res)
	if err != nil {
		return fmt.Errorf("resource %s: %w", res.LogicalID, err)
	}
	spec.FunctionName, spec.Role, spec.Binary = res.ID, &sessionRole, binary
	if c.opts.Environment != nil {
		c.extraEnv[res.ID] = c.opts.Environment(res)
	}
	if err := c.localize(spec.Environment.Variables); err != nil {
		return fmt.Errorf("resource %s: %w", res.LogicalID, err)
	}
	if err := c.lambda.Create(spec); err != nil {
		return fmt.Errorf("resource %s: %w", res.LogicalID, err)
	}
	return nil
}

// environment returns the variables that a process of the function has in addition to those of the
// template: credentials of its own, the address of the AWS port, and the result of
// Options.Environment.
func (c *Cloud) environment(function string, role *iam.Role, process faults.Process) []string {
	credentials := c.keys.issue(role, process)
	return append([]string{
		"AWS_ACCESS_KEY_ID=" + credentials.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY=" + credentials.SecretAccessKey,
		"AWS_SESSION_TOKEN=" + credentials.SessionToken,
		"AWS_ENDPOINT_URL=" + c.opts.Endpoint,
	}, c.extraEnv[function]...)
}

// createMappings connects queues to the functions that consume them. Polling begins with Start.
func (c *Cloud) createMappings() error {
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

// invoke runs a function for API Gateway. createAPIs has checked that the stack permits it.
func (c *Cloud) invoke(
	ctx context.Context, functionARN string, payload []byte,
) (answer []byte, functionError string, err error) {
	result, err := c.lambda.Invoke(ctx, functionARN, payload)
	return result.Payload, result.FunctionError, err
}
