// Package cloud is a small AWS in one process. It creates the resources of a CloudFormation
// template in services of its own and serves them as AWS would. It knows AWS and the template, and
// nothing of the program that the template deploys: no function, table or variable of that program
// is named in this folder. What a template does not say comes in as Options.
//
// Start in cloud.go, the type and its options. boot.go creates a stack, in the order in which
// resources need each other; each create_*.go reads the resources of one kind and hands them to
// their service. policies.go, roles.go, permissions.go and queue_policies.go read who may do what.
// addresses.go puts local addresses in place of AWS's in the functions' variables. port.go is the
// AWS port: one HTTP endpoint for all services; keys.go and signature.go say who calls it.
//
// The services are the packages below: dynamodb, sqs, events (EventBridge), lambda, gateway (API
// Gateway) and edge (CloudFront). What they share is there too: template, iam, wildcard, meter
// (what a run would cost) and faults (what is made to break). They never import this package.
package cloud
