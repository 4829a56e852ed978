// Command bench measures the local cloud as clients see it: real sockets, real signed HTTP
// publishes. It starts a cloud of its own on free ports, so two runs never meet; scripts/bench runs
// it.
//
// It measures three things: how long an event takes from the start of its publish to each
// subscriber, at a rate that leaves room; how many deliveries a second a full queue gives; and how
// long a connection takes from dialling to its greeting. Load, client and cloud share the machine's
// cores. Figures of Laravel Reverb stand beside ours (reverb.go).
package main
