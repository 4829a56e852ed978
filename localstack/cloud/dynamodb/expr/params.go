package expr

import (
	"slices"
	"strconv"
	"strings"

	"hark/localstack/cloud/dynamodb/attr"
)

// Params are the names and values of a request's placeholders.
type Params struct {
	Names  map[string]string // ExpressionAttributeNames: #x
	Values attr.Map          // ExpressionAttributeValues: :x
}

// Expression is a parsed expression of any kind. Many requests may use it at once.
type Expression interface {
	check(Params) error
	uses() *placeholders
}

// placeholders is the part that all expressions share: their kind and the placeholders in their
// text.
type placeholders struct {
	kind          Kind
	names, values []string
}

func (u *placeholders) uses() *placeholders { return u }

// defined fails if the request does not define a placeholder of the expression.
func (u *placeholders) defined(p Params) error {
	for _, n := range u.names {
		if _, ok := p.Names[n]; !ok {
			return u.kind.invalid("An expression attribute name used in the document path " +
				"is not defined; attribute name: " + n)
		}
	}
	for _, v := range u.values {
		if _, ok := p.Values.Get(v); !ok {
			return u.kind.invalid(
				"An expression attribute value used in expression is not defined; " +
					"attribute value: " + v,
			)
		}
	}
	return nil
}

// Check checks a request's placeholders against all of its expressions. Each one used must be
// defined, each one defined must be used, and values must have types that their operators accept.
// Expressions must be checked before they are evaluated.
func (p Params) Check(expressions ...Expression) error {
	if err := p.checkNames(); err != nil {
		return err
	}
	if len(expressions) == 0 {
		switch {
		case p.Names != nil:
			return attr.Invalid(
				"ExpressionAttributeNames can only be specified when using expressions",
			)
		case p.Values != nil:
			return attr.Invalid(
				"ExpressionAttributeValues can only be specified when using expressions",
			)
		}
		return nil
	}
	var names, values []string
	for _, e := range expressions {
		u := e.uses()
		if err := u.defined(p); err != nil {
			return err
		}
		if err := e.check(p); err != nil {
			return err
		}
		names = append(names, u.names...)
		values = append(values, u.values...)
	}
	return p.unused(names, values)
}

func (p Params) checkNames() error {
	if p.Names != nil && len(p.Names) == 0 {
		return attr.Invalid("ExpressionAttributeNames must not be empty")
	}
	if p.Values != nil && len(p.Values) == 0 {
		return attr.Invalid("ExpressionAttributeValues must not be empty")
	}
	for name, meaning := range p.Names {
		if rest, ok := strings.CutPrefix(name, "#"); !ok || !isWord(rest) {
			return attr.Invalid(
				"ExpressionAttributeNames contains invalid key: Syntax error; key: " +
					strconv.Quote(name),
			)
		}
		if meaning == "" {
			return attr.Invalid(
				"ExpressionAttributeNames contains invalid value: Empty attribute name " +
					"for key " + name,
			)
		}
	}
	for _, f := range p.Values {
		if rest, ok := strings.CutPrefix(f.Name, ":"); !ok || !isWord(rest) {
			return attr.Invalid(
				"ExpressionAttributeValues contains invalid key: Syntax error; key: " +
					strconv.Quote(f.Name),
			)
		}
	}
	return nil
}

func (p Params) unused(names, values []string) error {
	var left []string
	for name := range p.Names {
		if !slices.Contains(names, name) {
			left = append(left, name)
		}
	}
	if len(left) > 0 {
		slices.Sort(left)
		return attr.Invalid("Value provided in ExpressionAttributeNames unused in expressions: " +
			"keys: {" + strings.Join(left, ", ") + "}")
	}
	for _, f := range p.Values {
		if !slices.Contains(values, f.Name) {
			left = append(left, f.Name)
		}
	}
	if len(left) > 0 {
		return attr.Invalid("Value provided in ExpressionAttributeValues unused in expressions: " +
			"keys: {" + strings.Join(left, ", ") + "}")
	}
	return nil
}

// operand is a part of an expression that may have a value in an item.
type operand interface {
	value(item attr.Map, p Params) (attr.Value, bool)
}

// placeholder is an operand that the request defines.
type placeholder string

func (v placeholder) value(
	_ attr.Map, p Params,
) (attr.Value, bool) {
	return p.Values.Get(string(v))
}
