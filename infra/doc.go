// Command infra is the CDK app: it turns the context of cdk.json and the command line into Hark's
// CloudFormation template. It looks nothing up, so it synthesizes without an AWS account.
//
// Start in stack.go, which is a table of contents. Every other file holds one subject; functions.go
// lists the functions with their variables and permissions, lambda.go makes one of them.
//
// The whole template is a golden file in testdata, reviewed like code. What it must never lose is
// also asserted in the test of its subject: least privilege in permissions_test.go, dead-letter
// queues in queues_test.go and webhooks_test.go, no cached errors in distribution_test.go, and what
// the stack costs while no client is connected in idle_bill_test.go.
package main
