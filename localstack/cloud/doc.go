// Package cloud is a small AWS in one process. It creates the resources of a CloudFormation
// template in services of its own and serves them as AWS would. It knows AWS and the template, and
// nothing of the program that the template deploys: no file here names a function, table or
// variable of that program. What a template does not say comes from Options.
//
// Start in cloud.go, with the type Cloud and its options. boot.go creates a stack; each create_*.go
// reads the resources of one kind and passes them to their service. policies.go, roles.go,
// permissions.go and queue_policies.go read what the stack allows to whom. addresses.go replaces
// the addresses of AWS in the functions' variables with local ones. port.go is the AWS port, one
// HTTP endpoint for all services; keys.go and signature.go identify its callers.
//
// The services are the packages below: dynamodb, sqs, events (EventBridge), lambda, gateway (API
// Gateway) and edge (CloudFront). Below are also the packages that they share: template, iam,
// wildcard, meter (what a run would cost) and faults (failures on request). None of them imports
// this package.
package cloud
