// Package dynamo keeps apps, connections, subscriptions, markers and leases in DynamoDB. It is an adapter: it knows how a
// row looks and on which condition one may change (model.md §3), and decides nothing else.
//
// The table of apps has one key, pk; the table of state has pk and sk, and drops rows past their expires attribute some
// time later, so that whoever delivers looks at it too. The keys are listed in ARCHITECTURE.md and built in keys.go.
package dynamo
