// Package meter counts what AWS would bill for a run of the local cloud, and prices it. Start at
// meter.go: the services add units, with the function and the operation that used them. Tests
// compare exact units, which do not depend on the machine. prices.go has the one table of prices
// and says what is not known here; http.go shows everything.
package meter
