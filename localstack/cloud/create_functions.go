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
	own := *role
	own.Session = res.ID
	binary, err := c.opts.Binary(res)
	if err != nil {
		return fmt.Errorf("resource %s: %w", res.LogicalID, err)
	}
	spec.FunctionName, spec.Role, spec.Binary = res.ID, &own, binary
	if c.opts.Environment != nil {
		c.extra[res.ID] = c.opts.Environment(res)
	}
	if err := c.localize(spec.Environment.Variables); err != nil {
		return fmt.Errorf("resource %s: %w", res.LogicalID, err)
	}
	if err := c.lambda.Create(spec); err != nil {
		return fmt.Errorf("resource %s: %w", res.LogicalID, err)
	}
	return nil
}

// environment returns what a function's process gets besides the template's variables: credentials
// of its own, where AWS is, and what Options.Environment gave.
func (c *Cloud) environment(function string, role *iam.Role, process faults.Process) []string {
	own := c.keys.issue(role, process)
	return append([]string{
		"AWS_ACCESS_KEY_ID=" + own.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY=" + own.SecretAccessKey,
		"AWS_SESSION_TOKEN=" + own.SessionToken,
		"AWS_ENDPOINT_URL=" + c.opts.Endpoint,
	}, c.extra[function]...)
}

// createMappings lets queues feed functions, from Start on.
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

// invoke is how API Gateway reaches functions. createAPIs has checked that it may.
func (c *Cloud) invoke(
	ctx context.Context, functionARN string, payload []byte,
) (answer []byte, functionError string, err error) {
	result, err := c.lambda.Invoke(ctx, functionARN, payload)
	return result.Payload, result.FunctionError, err
}
