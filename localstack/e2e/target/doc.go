// Package target opens what the suites and the benchmark run against: the deployment that HARK_URL
// names, or else a local cloud, which it builds, starts on free ports, and stops without leaving a
// process behind.
//
// Start with Open.
package target
