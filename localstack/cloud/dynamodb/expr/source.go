package expr

import (
	"github.com/truora/minidyn/interpreter/language"

	"hark/localstack/cloud/dynamodb/attr"
)

// source is the right side of an assignment in an update: an operand, a function of operands, or a
// sum of two of these.
type source interface {
	evaluate(item attr.Map, p Params) (attr.Value, error)
	check(Params) error
}

// direct is an operand alone. It must exist.
type direct struct{ operand }

// ifNotExists is if_not_exists(path, otherwise).
type ifNotExists struct {
	path      path
	otherwise source
}

// listAppend is list_append(first, second).
type listAppend struct{ first, second source }

// arithmetic is left + right or left - right.
type arithmetic struct {
	operator    string
	left, right source
}

// sum parses the right side of SET.
func (p *parser) sum(e language.Expression) (source, error) {
	infix, ok := e.(*language.InfixExpression)
	if !ok {
		return p.source(e)
	}
	if infix.Operator != string(language.PLUS) && infix.Operator != string(language.MINUS) {
		return nil, p.kind.syntax("token: " + infix.Operator)
	}
	left, err := p.source(infix.Left)
	if err != nil {
		return nil, err
	}
	right, err := p.source(infix.Right)
	return arithmetic{operator: infix.Operator, left: left, right: right}, err
}

func (p *parser) source(e language.Expression) (source, error) {
	call, ok := e.(*language.CallExpression)
	if !ok {
		o, err := p.operand(e)
		return direct{o}, err
	}
	name, err := p.function(call)
	if err != nil {
		return nil, err
	}
	if len(call.Arguments) != 2 {
		return nil, p.operandCount(name, len(call.Arguments))
	}
	first, err := p.source(call.Arguments[0])
	if err != nil {
		return nil, err
	}
	second, err := p.source(call.Arguments[1])
	if err != nil {
		return nil, err
	}
	if name == "list_append" {
		return listAppend{first, second}, nil
	}
	d, _ := first.(direct)
	w, ok := d.operand.(path)
	if !ok {
		return nil, p.kind.invalid(
			"Operator or function requires a document path; operator or function: if_not_exists",
		)
	}
	return ifNotExists{path: w, otherwise: second}, nil
}

func (d direct) evaluate(item attr.Map, p Params) (attr.Value, error) {
	v, ok := d.value(item, p)
	if !ok {
		return nil, errAbsent
	}
	return v, nil
}

func (d ifNotExists) evaluate(item attr.Map, p Params) (attr.Value, error) {
	if v, ok := d.path.value(item, p); ok {
		return v, nil
	}
	return d.otherwise.evaluate(item, p)
}

func (j listAppend) evaluate(item attr.Map, p Params) (attr.Value, error) {
	first, err := j.first.evaluate(item, p)
	if err != nil {
		return nil, err
	}
	second, err := j.second.evaluate(item, p)
	if err != nil {
		return nil, err
	}
	a, okA := first.(attr.List)
	b, okB := second.(attr.List)
	if !okA || !okB {
		return nil, errOperand
	}
	return append(a[:len(a):len(a)], b...), nil
}

func (a arithmetic) evaluate(item attr.Map, p Params) (attr.Value, error) {
	left, err := a.left.evaluate(item, p)
	if err != nil {
		return nil, err
	}
	right, err := a.right.evaluate(item, p)
	if err != nil {
		return nil, err
	}
	x, okX := left.(attr.Number)
	y, okY := right.(attr.Number)
	switch {
	case !okX || !okY:
		return nil, errOperand
	case a.operator == string(language.PLUS):
		return sum(x.Add(y))
	default:
		return sum(x.Sub(y))
	}
}

func (d direct) check(Params) error { return nil }

func (d ifNotExists) check(p Params) error { return d.otherwise.check(p) }

func (j listAppend) check(p Params) error {
	return checkOperands(p, "list_append", attr.TypeList, j.first, j.second)
}

func (a arithmetic) check(p Params) error {
	return checkOperands(p, a.operator, attr.TypeN, a.left, a.right)
}

// checkOperands refuses operands from the request that are not of the type that the operator needs.
func checkOperands(p Params, operator string, want attr.Type, operands ...source) error {
	for _, s := range operands {
		if err := s.check(p); err != nil {
			return err
		}
		d, _ := s.(direct)
		given, ok := d.operand.(placeholder)
		if !ok {
			continue
		}
		if v, _ := given.value(nil, p); v.Type() != want {
			return wrongType(Update, operator, v)
		}
	}
	return nil
}
