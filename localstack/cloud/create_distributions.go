package cloud

import (
	"fmt"

	"hark/localstack/cloud/edge"
	"hark/localstack/cloud/template"
)

// createDistributions creates the CloudFront distributions. Their origins are hosts of the stack,
// so New calls it after the functions that create these hosts.
func (c *Cloud) createDistributions() error {
	codes := make(map[string]string) // JavaScript of the CloudFront functions, by ARN
	for _, res := range c.stack.OfType("AWS::CloudFront::Function") {
		var function edge.FunctionSpec
		if err := res.Decode(&function); err != nil {
			return err
		}
		codes[res.ID] = function.FunctionCode
	}
	for _, res := range c.stack.OfType("AWS::CloudFront::Distribution") {
		arn, err := associatedFunction(res)
		if err != nil {
			return err
		}
		d, err := edge.New(edge.Options{
			ID: res.ID, DomainName: res.Attributes["DomainName"], Distribution: res.Properties,
			FunctionCode: codes[arn], Origin: c.Host, Meter: c.meter, Log: c.opts.Log,
		})
		if err != nil {
			return fmt.Errorf("resource %s: %w", res.LogicalID, err)
		}
		c.hosts[res.Attributes["DomainName"]] = d
	}
	return nil
}

// associatedFunction returns the ARN of the function that a distribution runs, or "" if it runs
// none. Package edge refuses a distribution whose behaviours run different functions.
func associatedFunction(distribution template.Resource) (arn string, err error) {
	type behavior struct {
		FunctionAssociations []struct{ FunctionARN string }
	}
	var properties struct {
		DistributionConfig struct {
			DefaultCacheBehavior behavior
			CacheBehaviors       []behavior
		}
	}
	if err := distribution.Peek(&properties); err != nil {
		return "", err
	}
	config := properties.DistributionConfig
	for _, b := range append(config.CacheBehaviors, config.DefaultCacheBehavior) {
		for _, association := range b.FunctionAssociations {
			arn = association.FunctionARN
		}
	}
	return arn, nil
}
