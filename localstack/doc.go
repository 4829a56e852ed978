// Command localstack runs the stack on this machine: a small AWS in one process, for the services that the stack uses. It
// reads the synthesized template, builds the functions that the template names, creates every resource in the engines
// beside it (dynamodb, sqs, lambda, gateway, edge) and serves them on two ports. It imports nothing of the product or of
// the CDK app: what it knows of them is in the template. README.md tells what is faithful and what is not.
//
// Read on in run.go, the life of the program; boot.go, from the template to the engines; front.go and public.go, what the
// ports serve. What can be made to break is in package faults, what a run would cost in package meter. This is not
// LocalStack.
package main
