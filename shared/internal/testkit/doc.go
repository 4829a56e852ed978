// Package testkit is what the tests of shared/ have in common: rows on the local DynamoDB engine
// (table.go), apps and connections without AWS (apps.go, gateway.go), and invocations that a test
// steps through (steps.go). Only tests import it.
package testkit
