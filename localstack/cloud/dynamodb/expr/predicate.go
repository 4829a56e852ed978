package expr

import (
	"slices"
	"strconv"
	"strings"

	"github.com/truora/minidyn/interpreter/language"

	"hark/localstack/cloud/dynamodb/attr"
)

// Predicate is a parsed Condition or Filter.
type Predicate struct {
	placeholders
	root test
}

// test is a node of a predicate. It is true or false for an item.
type test interface {
	holds(item attr.Map, p Params) bool
	check(kind Kind, p Params) error
}

// Match reports whether the predicate is true for the item. An absent item is an empty map.
func (e *Predicate) Match(item attr.Map, p Params) bool { return e.root.holds(item, p) }

// Mentions returns one of the named top-level attributes that the predicate reads, or "" if it
// reads none of them.
func (e *Predicate) Mentions(p Params, names ...string) string {
	found := ""
	walk(e.root, func(o operand) {
		if w, ok := o.(path); ok && slices.Contains(names, w[0].resolve(p).name) {
			found = w[0].resolve(p).name
		}
	})
	return found
}

func (e *Predicate) check(p Params) error { return e.root.check(e.kind, p) }

func parsePredicate(p *parser, text string) (*Predicate, error) {
	root, err := p.predicate(text)
	if err != nil {
		return nil, err
	}
	return &Predicate{placeholders: p.placeholders, root: root}, nil
}

// predicate parses a whole text. It calls minidyn's parser for a list of expressions and requires
// that there is exactly one: the parser for conditions keeps only the last of several and does not
// report the others.
func (p *parser) predicate(text string) (test, error) {
	parsed := language.NewParser(language.NewLexer(text))
	list := parsed.ParseProjectionExpression()
	if errs := parsed.Errors(); len(errs) > 0 {
		return nil, p.kind.syntax(errs[0])
	}
	if len(list) != 1 {
		return nil, p.kind.syntax(`token: ","`)
	}
	return p.test(list[0])
}

// test parses a condition.
func (p *parser) test(e language.Expression) (test, error) {
	switch e := e.(type) {
	case *language.PrefixExpression:
		inner, err := p.test(e.Right)
		return negation{inner}, err
	case *language.InfixExpression:
		if e.Operator == language.AND || e.Operator == language.OR {
			return p.junction(e)
		}
		return p.comparison(e)
	case *language.BetweenExpression:
		operands, err := p.comparables(e.Left, e.Range[0], e.Range[1])
		return relation{name: "BETWEEN", operands: operands}, err
	case *language.InExpression:
		if len(e.Range) == 0 {
			return nil, p.kind.syntax("IN needs a list")
		}
		operands, err := p.comparables(append([]language.Expression{e.Left}, e.Range...)...)
		return relation{name: "IN", operands: operands}, err
	case *language.CallExpression:
		return p.call(e)
	}
	return nil, p.kind.syntax("not a condition")
}

func (p *parser) junction(e *language.InfixExpression) (test, error) {
	left, err := p.test(e.Left)
	if err != nil {
		return nil, err
	}
	right, err := p.test(e.Right)
	if err != nil {
		return nil, err
	}
	return junction{and: e.Operator == language.AND, left: left, right: right}, nil
}

func (p *parser) comparison(e *language.InfixExpression) (test, error) {
	switch e.Operator {
	case language.EQ, language.NotEQ, language.LT, language.LTE, language.GT, language.GTE:
	default:
		return nil, p.kind.syntax("token: " + e.Operator)
	}
	operands, err := p.comparables(e.Left, e.Right)
	return relation{name: e.Operator, operands: operands}, err
}

// comparables parses the operands of a comparison: values, paths and sizes.
func (p *parser) comparables(list ...language.Expression) ([]operand, error) {
	operands := make([]operand, len(list))
	for i, e := range list {
		o, err := p.comparable(e)
		if err != nil {
			return nil, err
		}
		operands[i] = o
	}
	return operands, nil
}

func (p *parser) comparable(e language.Expression) (operand, error) {
	call, ok := e.(*language.CallExpression)
	if !ok {
		return p.operand(e)
	}
	name, err := p.function(call)
	if err != nil {
		return nil, err
	}
	if name != "size" {
		return nil, p.kind.invalid(
			"The function is not allowed to be used this way in an expression; function: " + name,
		)
	}
	if len(call.Arguments) != 1 {
		return nil, p.operandCount(name, len(call.Arguments))
	}
	of, err := p.operand(call.Arguments[0])
	return size{of}, err
}

// function returns the function's name. It fails if expressions of this kind do not have the
// function.
func (p *parser) function(e *language.CallExpression) (string, error) {
	id, ok := e.Function.(*language.Identifier)
	if !ok {
		return "", p.kind.syntax(`token: "("`)
	}
	switch id.Value {
	case "attribute_exists", "attribute_not_exists", "attribute_type",
		"begins_with", "contains", "size":
		if p.kind == Update {
			return "", p.kind.invalid(
				"The function is not allowed in an update expression; function: " + id.Value,
			)
		}
	case "if_not_exists", "list_append":
		if p.kind != Update {
			return "", p.kind.invalid(
				"The function is not allowed in a condition expression; function: " + id.Value,
			)
		}
	default:
		return "", p.kind.invalid("Invalid function name; function: " + id.Value)
	}
	return id.Value, nil
}

func (p *parser) operandCount(name string, n int) error {
	return p.kind.invalid("Incorrect number of operands for operator or function; " +
		"operator or function: " + name + ", number of operands: " + strconv.Itoa(n))
}

// call parses a function that is a condition, such as begins_with.
func (p *parser) call(e *language.CallExpression) (test, error) {
	name, err := p.function(e)
	if err != nil {
		return nil, err
	}
	if name == "size" {
		return nil, p.kind.invalid(
			"The function is not allowed to be used this way in an expression; function: size",
		)
	}
	want := 2
	if strings.HasSuffix(name, "exists") {
		want = 1
	}
	if len(e.Arguments) != want {
		return nil, p.operandCount(name, len(e.Arguments))
	}
	operands, err := p.comparables(e.Arguments...)
	if err != nil {
		return nil, err
	}
	if _, isPath := operands[0].(path); want == 1 && !isPath {
		return nil, p.kind.invalid(
			"Operator or function requires a document path; operator or function: " + name,
		)
	}
	return relation{name: name, operands: operands}, nil
}

// walk calls visit for every operand of a predicate.
func walk(t test, visit func(operand)) {
	switch t := t.(type) {
	case negation:
		walk(t.inner, visit)
	case junction:
		walk(t.left, visit)
		walk(t.right, visit)
	case relation:
		for _, o := range t.operands {
			if s, ok := o.(size); ok {
				o = s.argument
			}
			visit(o)
		}
	}
}
