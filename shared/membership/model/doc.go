// Package model checks the steps of package membership, and of the consumers of its queue, by
// walking every interleaving of them (docs/steps.md). Each write, read, post and queue call is one
// atomic step. A function may die between any two of its steps; a consumer that dies gets its batch
// again; $disconnect comes early, twice or never; and frames of one connection run in any order.
//
// Nothing of it is deployed. It is here so that a change of a rule can be tried before it is
// written.
//
// Start at engine.go, which walks, and at rows.go. Each model is a struct of rules, and the comment
// on the struct describes the protocol: rows is for channels without presence, their events and
// caches; presence for presence channels with a limit of members; watch for watchlists; count for
// subscription counts. Rows are named as in docs/steps.md: C is the connection, S the subscription,
// K the marker.
//
// `go test .` checks every configuration, and that every rule is needed: with -v it prints a
// shortest trace of what happens without the rule. `go test . -big` checks larger configurations as
// well.
//
// The promises are
//
//	P1 no rows of connections that have ended
//	P2 observers know which members a presence channel has
//	P3 an occupied channel is listed, an empty one is not
//	P4 no event is early, and none is lost
//	P5 the newest frame of a connection wins
package model
