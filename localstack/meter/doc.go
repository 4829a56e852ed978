// Package meter counts what AWS would bill for a run of the local cloud. The engines add to it; tests read exact units
// from it, since units do not depend on the machine.
package meter
