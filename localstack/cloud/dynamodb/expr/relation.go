package expr

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/truora/minidyn/interpreter/language"

	"hark/localstack/cloud/dynamodb/attr"
)

// negation is NOT.
type negation struct{ inner test }

func (n negation) holds(item attr.Map, p Params) bool { return !n.inner.holds(item, p) }
func (n negation) check(kind Kind, p Params) error    { return n.inner.check(kind, p) }

// junction is AND or OR.
type junction struct {
	and         bool
	left, right test
}

func (j junction) holds(item attr.Map, p Params) bool {
	if j.and {
		return j.left.holds(item, p) && j.right.holds(item, p)
	}
	return j.left.holds(item, p) || j.right.holds(item, p)
}

func (j junction) check(kind Kind, p Params) error {
	if err := j.left.check(kind, p); err != nil {
		return err
	}
	return j.right.check(kind, p)
}

// relation is a comparison or a function: a name and operands, of which the first is the subject.
type relation struct {
	name     string
	operands []operand
}

// holds follows DynamoDB's rules for values that are absent or of different types: only <> and
// attribute_not_exists can be true of them, and the NOT of anything else.
func (r relation) holds(item attr.Map, p Params) bool {
	v, ok := r.operands[0].value(item, p)
	switch r.name {
	case "attribute_exists":
		return ok
	case "attribute_not_exists":
		return !ok
	case language.NotEQ:
		w, okW := r.operands[1].value(item, p)
		return !ok || !okW || !attr.Equal(v, w)
	}
	if !ok {
		return false
	}
	rest := make([]attr.Value, 0, 2)
	for _, o := range r.operands[1:] {
		w, ok := o.value(item, p)
		if !ok && r.name != "IN" {
			return false
		}
		rest = append(rest, w)
	}
	return r.relates(v, rest)
}

func (r relation) relates(v attr.Value, rest []attr.Value) bool {
	switch r.name {
	case language.EQ:
		return attr.Equal(v, rest[0])
	case "IN":
		return slices.ContainsFunc(rest, func(w attr.Value) bool { return attr.Equal(v, w) })
	case "BETWEEN":
		return compares(v, language.GTE, rest[0]) && compares(v, language.LTE, rest[1])
	case "attribute_type":
		return rest[0] == attr.String(v.Type())
	case "begins_with":
		return beginsWith(v, rest[0])
	case "contains":
		return contains(v, rest[0])
	default:
		return compares(v, r.name, rest[0])
	}
}

func compares(v attr.Value, operator string, w attr.Value) bool {
	order, ok := attr.Compare(v, w)
	switch operator {
	case language.LT:
		return ok && order < 0
	case language.LTE:
		return ok && order <= 0
	case language.GT:
		return ok && order > 0
	case language.GTE:
		return ok && order >= 0
	}
	return false
}

func beginsWith(v, prefix attr.Value) bool {
	switch v := v.(type) {
	case attr.String:
		p, ok := prefix.(attr.String)
		return ok && strings.HasPrefix(string(v), string(p))
	case attr.Binary:
		p, ok := prefix.(attr.Binary)
		return ok && strings.HasPrefix(string(v), string(p))
	}
	return false
}

func contains(v, part attr.Value) bool {
	switch v := v.(type) {
	case attr.String:
		p, ok := part.(attr.String)
		return ok && strings.Contains(string(v), string(p))
	case attr.Binary:
		p, ok := part.(attr.Binary)
		return ok && strings.Contains(string(v), string(p))
	case attr.Set:
		return v.Has(part)
	case attr.List:
		return slices.ContainsFunc(v, func(e attr.Value) bool { return attr.Equal(e, part) })
	}
	return false
}

// size is the operand size(x): the number of UTF-16 units of a string (as DynamoDB Local counts
// them), of bytes of a binary, of elements of a set, list or map. Other values have no size.
type size struct{ argument operand }

func (s size) value(item attr.Map, p Params) (attr.Value, bool) {
	v, ok := s.argument.value(item, p)
	if !ok {
		return nil, false
	}
	n := 0
	switch v := v.(type) {
	case attr.String:
		n = len(utf16.Encode([]rune(string(v))))
	case attr.Binary:
		n = len(v)
	case attr.Set:
		n = v.Len()
	case attr.List:
		n = len(v)
	case attr.Map:
		n = len(v)
	default:
		return nil, false
	}
	return attr.Number(strconv.Itoa(n)), true
}

// check refuses operands that are wrong for every item.
func (r relation) check(kind Kind, p Params) error {
	if err := r.checkDistinct(kind, p); err != nil {
		return err
	}
	for i, o := range r.operands {
		if s, ok := o.(size); ok {
			if err := s.check(kind, p); err != nil {
				return err
			}
			continue
		}
		v, given := o.(placeholder)
		if !given {
			if r.name == "attribute_type" && i == 1 {
				return kind.invalid("Incorrect operand type for operator or function; " +
					"operator or function: attribute_type, operand type: a path")
			}
			continue
		}
		value, _ := v.value(nil, p)
		if !r.takes(i, value.Type()) {
			return wrongType(kind, r.name, value)
		}
		if r.name == "attribute_type" && i == 1 && !isTypeName(value) {
			return kind.invalid("Invalid attribute type name found; type: " +
				string(value.(attr.String)) +
				", valid types: {N,BS,L,B,NULL,M,S,SS,NS,BOOL}")
		}
	}
	if r.name == "BETWEEN" {
		return r.checkBounds(kind, p)
	}
	return nil
}

func wrongType(kind Kind, operator string, v attr.Value) error {
	return kind.invalid("Incorrect operand type for operator or function; operator or function: " +
		operator +
		", operand type: " + string(v.Type()))
}

// takes reports whether the relation can be true with a value of the type as its i-th operand.
func (r relation) takes(i int, t attr.Type) bool {
	switch r.name {
	case language.LT, language.LTE, language.GT, language.GTE, "BETWEEN":
		return t == attr.TypeS || t == attr.TypeN || t == attr.TypeB
	case "begins_with":
		return t == attr.TypeS || t == attr.TypeB
	case "attribute_type":
		return i == 0 || t == attr.TypeS
	}
	return true
}

func isTypeName(v attr.Value) bool {
	s, _ := v.(attr.String)
	return slices.Contains([]attr.Type{
		attr.TypeS, attr.TypeN, attr.TypeB, attr.TypeBool, attr.TypeNull,
		attr.TypeList, attr.TypeMap, attr.TypeSS, attr.TypeNS, attr.TypeBS,
	}, attr.Type(s))
}

func (s size) check(kind Kind, p Params) error {
	v, given := s.argument.(placeholder)
	if !given {
		return nil
	}
	value, _ := v.value(nil, p)
	switch value.(type) {
	case attr.Number, attr.Bool, attr.Null:
		return wrongType(kind, "size", value)
	}
	return nil
}

// checkDistinct refuses a path that is compared with itself.
func (r relation) checkDistinct(kind Kind, p Params) error {
	first, ok := r.operands[0].(path)
	if !ok {
		return nil
	}
	first = first.resolve(p)
	for _, o := range r.operands[1:] {
		if w, ok := o.(path); ok && slices.Equal(first, w.resolve(p)) {
			return kind.invalid("The first operand must be distinct from the remaining operands " +
				"for this operator or function; operator: " + r.name +
				", first operand: " + first.String())
		}
	}
	return nil
}

// checkBounds refuses two bounds from the request that differ in type or are in the wrong order.
func (r relation) checkBounds(kind Kind, p Params) error {
	low, givenLow := r.operands[1].(placeholder)
	high, givenHigh := r.operands[2].(placeholder)
	if !givenLow || !givenHigh {
		return nil
	}
	l, _ := low.value(nil, p)
	h, _ := high.value(nil, p)
	order, same := attr.Compare(l, h)
	switch {
	case !same:
		return kind.invalid("The BETWEEN operator requires same data type for lower and upper " +
			"bounds; " + bounds(l, h))
	case order > 0:
		return kind.invalid("The BETWEEN operator requires upper bound to be greater than " +
			"or equal to lower bound; " + bounds(l, h))
	}
	return nil
}

func bounds(l, h attr.Value) string {
	show := func(v attr.Value) string {
		text := ""
		switch v := v.(type) {
		case attr.String:
			text = string(v)
		case attr.Number:
			text = string(v)
		}
		return "AttributeValue: {" + string(v.Type()) + ":" + text + "}"
	}
	return "lower bound operand: " + show(l) + ", upper bound operand: " + show(h)
}
