// Command localstack runs the stack on this machine: a small AWS in one process, for the services that the stack uses. It
// reads the synthesized template, builds the functions that the template names, creates every resource in the engines
// beside it (dynamodb, sqs, lambda, gateway, edge) and serves them on two ports. It imports nothing of the product or of
// the CDK app: the engines know of them what is in the template. The command itself also knows what makes it handy: how
// an app's row looks (seed.go), how its publishers sign (publish.go), which paths go to which host (public.go), and which
// function posts webhooks (functions.go). README.md tells what is faithful and what is not.
//
// Read on in run.go, the life of the program; boot.go, from the template to the engines; front.go and public.go, what the
// ports serve. What can be made to break is in package faults, what a run would cost in package meter. This is not
// LocalStack.
package main
