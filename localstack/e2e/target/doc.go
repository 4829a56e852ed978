// Package target opens what the suites and the benchmark run against: the deployment that HARK_URL
// names, or else a local cloud that it builds, starts on free ports, and ends again without leaving
// a process behind.
//
// Start with Open.
package target
