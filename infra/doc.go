// Command infra is the CDK app: it turns the context of cdk.json and the command line into Hark's CloudFormation template.
//
// Start in stack.go, which is a table of contents; every other file holds one subject. What the template must never
// lose is asserted in the test of its subject (least privilege in permissions_test.go, dead letters in stack_test.go and
// webhooks_test.go, error caching off in hosts_test.go), what the stack costs while nobody is connected in
// idle_bill_test.go, and the whole template is a golden file in testdata, reviewed like code.
// The app looks nothing up, so that it synthesizes without an AWS account.
package main
