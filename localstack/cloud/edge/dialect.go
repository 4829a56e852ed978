package edge

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/parser"
	"github.com/dop251/goja/token"
)

// maxCode is CloudFront's limit for the code of a function, in bytes (docs/aws.md §A3).
const maxCode = 10 << 10

var importStatement = regexp.MustCompile(`(?m)^\s*import\b.*`)

// checkDialect parses the code and refuses by name what runtime cloudfront-js-2.0 does not have.
// The runtime has ECMAScript 5.1 and what AWS lists under "JavaScript runtime 2.0 features",
// nothing more. That list has let, const, arrow functions, template literals, rest parameters,
// async and await. What is refused here is not on it, and would fail when the function is published
// or, worse, when it first runs.
func checkDialect(code string) (*ast.Program, error) {
	if len(code) > maxCode {
		return nil, fmt.Errorf("code has %d bytes, CloudFront takes %d", len(code), maxCode)
	}
	if statement := importStatement.FindString(code); statement != "" {
		return nil, fmt.Errorf(
			"%q: modules, such as the KeyValueStore's, are not supported here",
			strings.TrimSpace(statement),
		)
	}
	program, err := parser.ParseFile(nil, "function.js", code, 0)
	if err != nil {
		return nil, fmt.Errorf("code cannot be parsed: %w", err)
	}
	if construct := unsupportedSyntax(reflect.ValueOf(program.Body)); construct != "" {
		return nil, fmt.Errorf("%s: runtime cloudfront-js-2.0 does not have it", construct)
	}
	return program, nil
}

// unsupportedSyntax returns the name of the first construct in the tree that the runtime does not
// have; empty if there is none.
func unsupportedSyntax(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() || !v.CanInterface() {
			return ""
		}
		if name := unsupportedNode(v.Interface()); name != "" {
			return name
		}
		return unsupportedSyntax(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			// The walk finds declarations where they stand; these lists would lead to them twice.
			if v.Type().Field(i).IsExported() && v.Type().Field(i).Name != "DeclarationList" {
				if name := unsupportedSyntax(v.Field(i)); name != "" {
					return name
				}
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			if name := unsupportedSyntax(v.Index(i)); name != "" {
				return name
			}
		}
	default: // names, positions, operators
	}
	return ""
}

func unsupportedNode(node any) string {
	switch n := node.(type) {
	case *ast.ClassLiteral:
		return "class"
	case *ast.ForOfStatement:
		return "for...of"
	case *ast.ObjectPattern, *ast.ArrayPattern:
		return "destructuring"
	case *ast.SpreadElement:
		return "spread"
	case *ast.OptionalChain:
		return "optional chaining (?.)"
	case *ast.YieldExpression:
		return "yield"
	case *ast.BinaryExpression:
		if n.Operator == token.COALESCE {
			return "nullish coalescing (??)"
		}
	case *ast.FunctionLiteral:
		if n.Generator {
			return "generator function"
		}
	}
	return ""
}
