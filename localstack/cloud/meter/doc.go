// Package meter counts what AWS would bill for a run of the local cloud, and prices it. The engines
// add to it, with the function and the operation that used a unit (meter.go); tests read exact
// units from it, since units do not depend on the machine. prices.go is the one table of prices,
// and says what is not known here; http.go shows everything.
package meter
