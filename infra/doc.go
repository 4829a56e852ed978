// Command infra is the CDK app: it turns the context of cdk.json and the command line into Hark's CloudFormation template.
//
// Start in stack.go, which is a table of contents; every other file holds one subject. What the template must never
// lose (least privilege, dead letters, error caching off) is asserted in stack_test.go, what the stack costs while
// nobody is connected in idle_bill_test.go, and the whole template is a golden file in testdata, reviewed like code.
// The app looks nothing up, so that it synthesizes without an AWS account.
package main
