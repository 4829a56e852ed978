package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"hark/localstack/cloud/template"
)

// deployed returns a stack as CloudFormation knows it: its template with the IDs that its resources
// have there, and its outputs.
func deployed(ctx context.Context, endpoint, region, name string) (*template.Stack, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(region),
		config.WithBaseEndpoint(endpoint))
	if err != nil {
		return nil, fmt.Errorf("load AWS config: %w", err)
	}
	client := cloudformation.NewFromConfig(cfg)
	described, err := client.DescribeStacks(ctx,
		&cloudformation.DescribeStacksInput{StackName: &name})
	if err != nil {
		return nil, err
	}
	if len(described.Stacks) != 1 {
		return nil, fmt.Errorf("there are %d", len(described.Stacks))
	}
	// arn:aws:cloudformation:{region}:{account}:stack/{name}/{uuid}
	id := aws.ToString(described.Stacks[0].StackId)
	parts := strings.Split(id, ":")
	if len(parts) != 6 {
		return nil, fmt.Errorf("its id %q is not an ARN", id)
	}
	env := template.Env{StackName: name, Region: parts[3], Account: parts[4], StackID: id}
	if env.IDs, err = physicalIDs(ctx, client, name); err != nil {
		return nil, err
	}
	got, err := client.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &name})
	if err != nil {
		return nil, err
	}
	parsed, err := template.Parse([]byte(aws.ToString(got.TemplateBody)))
	if err != nil {
		return nil, err
	}
	stack, err := parsed.Resolve(env)
	if err != nil {
		return nil, err
	}
	for _, output := range described.Stacks[0].Outputs {
		stack.Outputs[aws.ToString(output.OutputKey)] = aws.ToString(output.OutputValue)
	}
	return stack, nil
}

// physicalIDs returns the IDs of a stack's resources, by logical ID.
func physicalIDs(
	ctx context.Context, client *cloudformation.Client, stack string,
) (map[string]string, error) {
	ids := make(map[string]string)
	pages := cloudformation.NewListStackResourcesPaginator(client,
		&cloudformation.ListStackResourcesInput{StackName: &stack})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, res := range page.StackResourceSummaries {
			ids[aws.ToString(res.LogicalResourceId)] = aws.ToString(res.PhysicalResourceId)
		}
	}
	return ids, nil
}
