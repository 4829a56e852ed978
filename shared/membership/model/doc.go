// Package model checks the steps of package membership, and what consumers of its queue do, by walking every interleaving: each write,
// read, post and queue call is one atomic step, a function may die between any two of its steps, a consumer that dies gets its batch
// again, $disconnect comes early, twice or never, and frames of one connection run in any order.
//
// Nothing of it is deployed. It is here so that a change of a rule can be tried before it is written. Each model is a struct of rules,
// whose comment says how the protocol goes: rows for channels without presence, their events and caches; presence, with its limit
// of members; watch for watchlists; count for subscription counts. `go test .` checks every configuration and that every rule is
// needed, with a shortest trace of what happens without it (-v); `go test . -big` checks larger configurations as well.
//
// P1 to P5 are the promises: no rows of the dead; observers know who is there; an occupied channel is listed, an empty one is not;
// no event is early or lost; the newest frame wins. The engine is in engine.go.
package model
