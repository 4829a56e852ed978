// Package dynamodb is the local cloud's DynamoDB: it keeps tables in memory and answers AWS's own
// wire protocol, as much of it as a serverless application's data path uses. The aws CLI and the
// AWS SDKs talk to it unchanged.
//
// It has the item operations (get, put, update, delete, their batches and transactions), Query and
// Scan, and the three operations that describe tables. It refuses everything else by name:
// secondary indexes, streams, PartiQL and the parameters that expressions replaced. Tables come
// from a template (Service.Create), not over the wire.
//
// It keeps DynamoDB's order of keys, its expressions (package expr), its 38-digit numbers and item
// sizes (package attr), its limits, pages and errors. It counts consumption in request units as AWS
// documents it, and always adds it to the meter, whether or not the request asks to see it. One
// test suite holds this package and AWS's DynamoDB Local to the same answers. It does not imitate
// throttling (unless a fault is set), eventual consistency (every read is strong, billed as
// requested), conflicts between transactions (they wait for each other) or durability.
//
// Start at http.go, which finds the operation. The operations are in get.go, query.go, write.go,
// batch.go and transact.go; table.go is the storage. A table is one B-tree ordered by partition key
// and sort key, so Query reads a range and never the whole table. Items are immutable: the table's
// lock is held to read and change the tree, not to filter or encode items.
package dynamodb
