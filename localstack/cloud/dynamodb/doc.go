// Package dynamodb is the local cloud's DynamoDB: tables in memory behind AWS's own wire protocol, as much of it as a
// serverless application's data path uses. The aws CLI and the AWS SDKs talk to it unchanged.
//
// It has the item operations (get, put, update, delete, their batches and transactions), Query and Scan, and the three
// operations that describe tables. Everything else is refused by its name: secondary indexes, streams, PartiQL and the
// parameters that expressions replaced. Tables come from a template (Service.Create), not over the wire.
//
// What it promises: DynamoDB's order of keys, its expressions (package expr), 38-digit numbers and item sizes (package
// attr), its limits, pages and errors, and consumption in request units as AWS documents it, which goes to the meter whether
// the caller asked for it or not. One suite holds it and AWS's DynamoDB Local to the same answers. What it does not
// imitate: throttling, eventual consistency (every read is strong, billed as asked), conflicts between transactions (they
// wait for each other) and durability.
//
// Where to start: http.go finds the operation, read.go, page.go, write.go, batch.go and transact.go are the operations,
// table.go is the storage. A table is one B-tree ordered by (partition key, sort key), so Query reads a range, never the
// table. Items are immutable; a table's lock is held to look at the tree and to change it, not to filter or encode.
package dynamodb
