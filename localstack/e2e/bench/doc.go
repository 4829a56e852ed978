// Command bench measures a local cloud as clients see it, with real WebSockets and real signed
// publishes. It starts a cloud of its own on free ports, so that two runs do not disturb each
// other; scripts/bench runs it.
//
// It measures three things: the time from the start of a publish to each delivery, at a rate below
// the limit; the deliveries a second from a full queue; and the time from dialling to the greeting.
// Load, clients and cloud share the machine's cores. The report also has figures of Laravel Reverb
// (reverb.go). Start in main.go.
package main
