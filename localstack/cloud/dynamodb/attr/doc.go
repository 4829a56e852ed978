// Package attr implements DynamoDB's attribute values: their ten types, order and equality, the
// sizes they are billed for, and their JSON.
//
// Start at value.go. Values are immutable. So an item read from a table can be encoded after the
// table's lock is released, and an updated item shares with the old one all that did not change.
// Numbers stay decimal text, because DynamoDB keeps 38 digits and a float64 only 15.
package attr
