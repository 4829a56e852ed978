// Package dynamo reads and writes rows in DynamoDB: it knows how a row looks and on which condition
// it may change (docs/steps.md §3). It decides nothing else.
//
// The table of apps has one key, pk. The table of state has two, pk and sk. DynamoDB removes rows
// some time after their expires attribute, so readers for whom that matters compare it themselves.
//
// Start at keys.go, which builds the keys of all rows of the state table; ARCHITECTURE.md lists
// them. Each kind of row has a file: connections.go, connection_channels.go (the channels in a
// connection's row), subscriptions.go, markers.go, announced.go, users.go, watchers.go, cache.go,
// counts.go, leases.go, audit.go, publishes.go, bans.go and rates.go. They make their requests with
// the helpers of state.go and batches.go. apps.go and apps_change.go are the table of apps.
package dynamo
