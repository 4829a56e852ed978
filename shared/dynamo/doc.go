// Package dynamo reads and writes rows in DynamoDB: it knows how a row looks and on which condition it
// may change (docs/steps.md §3), and decides nothing else.
//
// The table of apps has one key, pk. The table of state has pk and sk. DynamoDB removes rows some time
// after their expires attribute, so every reader that delivers checks the attribute too. keys.go
// builds the keys of state rows; ARCHITECTURE.md lists them.
package dynamo
