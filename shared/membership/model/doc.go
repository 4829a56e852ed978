// Package model checks the steps of package membership, and what consumers of its queue do, by walking every interleaving: each write,
// read, post and queue call is one atomic step, a function may die between any two of its steps, a consumer that dies gets its batch
// again, $disconnect comes early, twice or never, and frames of one connection run in any order.
//
// Nothing of it is deployed. It is here so that a change of a rule can be tried before it is written: `go test .` checks every
// configuration, `go test -big .` also the large ones, and an ablation that is not found violated says that a rule is not needed.
package model
