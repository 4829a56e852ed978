// Package faults is what can be made to break in the local cloud: what AWS allows itself (a lost
// $disconnect, a 410 for a connection that lives, a message or an invocation that comes twice, a
// socket that ends) and what happens to everybody (throttles, errors, slowness, a process that dies
// between two writes).
//
// A Set holds the faults that are set at the moment. The engines ask it whenever one could strike
// (Strike, and Serve for calls over HTTP); without faults that costs the reading of a pointer. A
// Set is an HTTP handler (http.go): POST sets faults, GET lists them with how often they struck,
// and DELETE removes them all.
//
// Chance is seeded. A fault takes two numbers from a generator of its own, seeded by the order's
// seed and the fault's place in the order, for each occasion on which it could strike. So a failure
// replays if the same order is given and the occasions of each fault come in the same sequence:
// always where one client acts at a time, and with selectors narrow enough also among many. An
// order without a seed gets one, which the answer shows.
package faults
