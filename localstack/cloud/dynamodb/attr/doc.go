// Package attr holds DynamoDB's attribute values: their ten types, their order and equality, the bytes they are billed
// for, and the JSON in which they travel.
//
// Values never change once made, so that an item read from a table can be encoded after the table's lock is gone, and an
// update shares with its old item whatever it leaves alone. Numbers stay decimal text: DynamoDB promises 38 digits, and a
// float64 holds 15.
package attr
