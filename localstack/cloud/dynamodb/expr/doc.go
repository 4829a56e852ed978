// Package expr parses and evaluates DynamoDB's expressions: conditions and filters, key conditions, updates and
// projections. Start at Cache, which parses; the four kinds it returns each have a file.
//
// The grammar is minidyn's (github.com/truora/minidyn, interpreter/language): its lexer, parser and list of reserved words.
// The evaluation is ours, over package attr, for three reasons. minidyn's evaluator turns numbers into float64, so that
// 18849496460467696128 and ...129 are one number to it; it parses the text anew for every item that a filter sees; and
// it evaluates some statements that AWS refuses (an operand compared with itself, a misspelt function, overlapping paths).
// Evaluating its syntax tree keeps what it is good at, and what it accepts by mistake is refused here, with AWS's words.
//
// Two limits come with the parser. A bound of BETWEEN must be a placeholder or a top-level attribute; a nested path there
// is a syntax error. And the text of syntax errors is the parser's own after "Syntax error;", not AWS's token and context.
package expr
