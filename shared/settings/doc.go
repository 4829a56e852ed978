// Package settings decides what an app may set: the name, default, bounds and meaning of each
// setting, how an operator types it and how it is stored. The values themselves are a
// pusher.Settings; package dynamo stores them, and this package knows nothing of DynamoDB.
//
// A value has two forms. The text form is what scripts/app prints and takes. The stored form is
// built of bool, int64, string, []any and map[string]any, as in decoded JSON; an adapter turns it
// into its own types and back.
//
// Start at catalogue.go. A new setting is a field of pusher.Settings and an entry there; then
// `go test ./shared/settings -update` adds it to docs/settings.md.
package settings
