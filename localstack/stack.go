package main

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"hark/localstack/cloud"
	"hark/localstack/cloud/template"
)

// The Region and account of the stack, and its name. None of them exists outside of this machine.
const (
	region    = "us-east-1"
	account   = "000000000000"
	stackName = "Hark"
	stackID   = "arn:aws:cloudformation:" + region + ":" + account + ":stack/" + stackName +
		"/6861726b-0000-4000-8000-000000000000"
)

// The names in Hark's template that the command relies on: the key of a function's metadata under
// which infra writes the function's folder, and the outputs of the stack.
const (
	sourceKey         = "hark:source"
	appsTableOutput   = "AppsTable"
	stateTableOutput  = "StateTable"
	clientHostOutput  = "ClientHost"
	publishHostOutput = "PublishHost"
)

// controlPath is the path under which the AWS port serves the meter and the faults.
const controlPath = "/_hark"

// The function that is built from webhookSource posts to the endpoints of apps. On AWS it refuses
// addresses of its own network. loopbackVariable lets it post to this machine, where the endpoints
// of a developer are.
const (
	webhookSource    = "functions/webhook"
	loopbackVariable = "HARK_WEBHOOK_LOOPBACK"
)

// readStack reads a synthesized template and resolves its references and intrinsic functions.
func readStack(path string) (*template.Stack, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}
	parsed, err := template.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	stack, err := parsed.Resolve(template.Env{
		StackName: stackName, Region: region, Account: account, StackID: stackID,
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return stack, nil
}

// source returns the folder that a function is built from, relative to the root of the module.
func source(function template.Resource) (string, error) {
	folder, _ := function.Metadata[sourceKey].(string)
	if folder == "" {
		return "", errors.New("its Metadata does not say " + sourceKey +
			", the folder that it is built from")
	}
	return folder, nil
}

// sources returns the folders of the stack's functions, sorted and without duplicates.
func sources(stack *template.Stack) ([]string, error) {
	var all []string
	for _, res := range stack.OfType("AWS::Lambda::Function") {
		folder, err := source(res)
		if err != nil {
			return nil, fmt.Errorf("resource %s: %w", res.LogicalID, err)
		}
		all = append(all, folder)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// withHark returns the options with those fields set that depend on Hark. The map binaries holds
// the paths of the functions' executables, by the folders that they are built from.
func withHark(o cloud.Options, binaries map[string]string) cloud.Options {
	o.Region, o.Account = region, account
	o.ControlPath = controlPath
	o.Alternative = "To run the stack on an emulator that has more: scripts/localstack"
	o.Environment = environment
	o.Binary = func(function template.Resource) (string, error) {
		folder, err := source(function)
		return binaries[folder], err
	}
	return o
}

// environment returns the variables that a function has on this machine but not on AWS.
func environment(function template.Resource) []string {
	if folder, _ := source(function); folder == webhookSource {
		return []string{loopbackVariable + "=true"}
	}
	return nil
}
