// Package expr parses and evaluates DynamoDB's expressions: conditions and filters, key conditions,
// updates and projections. Start at Cache (parse.go), which parses. Each of the four kinds that it
// returns has a file: predicate.go, keyrange.go, change.go and selection.go.
//
// The grammar is minidyn's (github.com/truora/minidyn, interpreter/language): its lexer, parser and
// list of reserved words. The evaluation is our own, over package attr, for three reasons.
// minidyn's evaluator turns numbers into float64, so that 18849496460467696128 and ...129 are
// equal. It parses the text again for every item that a filter checks. And it evaluates some
// expressions that AWS refuses: an operand compared with itself, a misspelt function, overlapping
// paths. This package evaluates minidyn's syntax tree and refuses what minidyn accepts by mistake,
// with AWS's messages.
//
// The parser brings two limits. A bound of BETWEEN must be a placeholder or a top-level attribute;
// a nested path is a syntax error. And the text of a syntax error after "Syntax error;" is the
// parser's, not AWS's token and context.
package expr
