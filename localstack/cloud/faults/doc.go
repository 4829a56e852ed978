// Package faults decides when the local cloud breaks on purpose: in ways that AWS permits itself (a
// lost $disconnect, a 410 for a living connection, a message or an invocation that comes twice, a
// connection that ends) and in ways common to all services (throttles, errors, slowness, a process
// that dies between two writes).
//
// Start at fault.go, which describes the faults. A Set (set.go) holds those that are set now. The
// services ask it whenever a fault could strike: by Strike, or for calls over HTTP by Serve
// (calls.go). Without faults that costs one read of a pointer. A Set is also an HTTP handler
// (api.go): POST sets faults, GET lists them with how often they struck, DELETE removes all.
//
// Chance is seeded. For each occasion on which a fault could strike, it draws two numbers from a
// generator of its own, seeded by the order's seed and the fault's place in the order. So a failure
// can be replayed: give the same order, and let the occasions of each fault come in the same
// sequence. They do where one client acts at a time, and among many clients if the selectors are
// narrow enough. An order without a seed gets one, which the answer shows.
package faults
