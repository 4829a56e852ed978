package attr

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// MaxDepth is how deeply lists and maps may be nested, counting the item itself ("Quotas": nested
// attribute depth).
const MaxDepth = 32

// Invalid is a validation error: JSON of the right shape, with a value that DynamoDB refuses. Its
// text is AWS's message.
type Invalid string

func (e Invalid) Error() string { return string(e) }

// errShape is for JSON that is not in the attribute-value format: AWS's SerializationException.
var errShape = errors.New("unexpected JSON in an attribute value")

// UnmarshalJSON reads an item or a key: an object of typed values. It fails with Invalid where
// DynamoDB answers with a validation error.
//
// Values are the bulk of the requests to a busy table, so they have a reader of their own. The
// general decoder would build two maps for every attribute.
func (m *Map) UnmarshalJSON(b []byte) error {
	r := reader{b: b}
	fields, _, err := r.fields(1)
	if err != nil {
		return err
	}
	*m = fields
	return nil
}

// Values are a request's ExpressionAttributeValues. They are read like a Map, but errors have other
// texts.
type Values Map

// UnmarshalJSON reads an object of typed values.
func (v *Values) UnmarshalJSON(b []byte) error {
	r := reader{b: b}
	fields, name, err := r.fields(0)
	var bad Invalid
	if errors.As(err, &bad) {
		return Invalid(
			"ExpressionAttributeValues contains invalid value: " + string(bad) + " for key " + name,
		)
	}
	if err != nil {
		return err
	}
	*v = Values(fields)
	return nil
}

// reader reads JSON that encoding/json has already found valid, as it does before it calls
// UnmarshalJSON. It fails on other input.
type reader struct {
	b []byte
	i int
}

// next skips white space and returns the byte after it, which it does not consume. At the end it
// returns 0.
func (r *reader) next() byte {
	for r.i < len(r.b) {
		switch c := r.b[r.i]; c {
		case ' ', '\t', '\r', '\n':
			r.i++
		default:
			return c
		}
	}
	return 0
}

// take consumes the byte if it comes next.
func (r *reader) take(c byte) bool {
	if r.next() != c {
		return false
	}
	r.i++
	return true
}

// null consumes the literal null if it comes next. AWS treats a null like an absent member.
func (r *reader) null() bool {
	if r.next() != 'n' || !strings.HasPrefix(string(r.b[r.i:min(r.i+4, len(r.b))]), "null") {
		return false
	}
	r.i += 4
	return true
}

// each calls read for every element, from the opening byte to the closing one.
func (r *reader) each(open, end byte, read func() error) error {
	if !r.take(open) {
		return errShape
	}
	if r.take(end) {
		return nil
	}
	for {
		if err := read(); err != nil {
			return err
		}
		if r.take(end) {
			return nil
		}
		if !r.take(',') {
			return errShape
		}
	}
}

// fields reads an object of typed values. depth is the number of maps and lists around the values.
// On an error name is the field that has it.
func (r *reader) fields(depth int) (m Map, name string, err error) {
	m = Map{}
	ordered := true
	err = r.each('{', '}', func() error {
		if name, err = r.text(); err != nil {
			return err
		}
		if !r.take(':') {
			return errShape
		}
		v, err := r.value(depth)
		if err != nil {
			return err
		}
		ordered = ordered && (len(m) == 0 || m[len(m)-1].Name < name)
		m = append(m, Field{name, v})
		return nil
	})
	if err == nil && !ordered {
		m = sorted(m)
	}
	return m, name, err
}

// sorted orders the fields by name. Of two with the same name the later one counts, as in JSON.
func sorted(m Map) Map {
	slices.Reverse(m)
	slices.SortStableFunc(m, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	return slices.CompactFunc(m, func(a, b Field) bool { return a.Name == b.Name })
}

// value reads {"TYPE": content}.
func (r *reader) value(depth int) (Value, error) {
	var v Value
	err := r.each('{', '}', func() error {
		name, err := r.text()
		if err != nil {
			return err
		}
		if !r.take(':') {
			return errShape
		}
		if r.null() {
			return nil
		}
		if v != nil {
			return Invalid("Supplied AttributeValue has more than one datatypes set, " +
				"must contain exactly one of the supported datatypes")
		}
		v, err = r.content(Type(name), depth)
		return err
	})
	if err == nil && v == nil {
		err = Invalid(
			"Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
		)
	}
	return v, err
}

func (r *reader) content(t Type, depth int) (Value, error) {
	switch t {
	case TypeS:
		s, err := r.scalar(t)
		return String(s), err
	case TypeN:
		s, err := r.scalar(t)
		return Number(s), err
	case TypeB:
		s, err := r.scalar(t)
		return Binary(s), err
	case TypeBool, TypeNull:
		return r.flag(t)
	case TypeSS, TypeNS, TypeBS:
		return r.set(t)
	case TypeList, TypeMap:
		if depth == MaxDepth {
			return nil, Invalid("Nesting Levels have exceeded supported limits: " +
				"Attributes in the item have nested levels beyond supported limit")
		}
		if t == TypeMap {
			m, _, err := r.fields(depth + 1)
			return m, err
		}
		return r.list(depth + 1)
	}
	return nil, Invalid(
		"Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
	)
}

func (r *reader) list(depth int) (Value, error) {
	l := List{}
	err := r.each('[', ']', func() error {
		v, err := r.value(depth)
		l = append(l, v)
		return err
	})
	return l, err
}

// scalar reads a string, number or binary and returns the text of the value.
func (r *reader) scalar(t Type) (string, error) {
	s, err := r.text()
	if err != nil {
		return "", err
	}
	switch t {
	case TypeN:
		n, err := ParseNumber(s)
		return string(n), err
	case TypeB:
		raw, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return "", fmt.Errorf("%w: %w", errShape, err)
		}
		return string(raw), nil
	default:
		return s, nil
	}
}

func (r *reader) set(t Type) (Value, error) {
	var members []string
	err := r.each('[', ']', func() error {
		member, err := r.scalar(t[:1])
		members = append(members, member)
		return err
	})
	if err != nil {
		return nil, err
	}
	return NewSet(t, members)
}

func (r *reader) flag(t Type) (Value, error) {
	r.next()
	var b bool
	switch rest := r.b[r.i:]; {
	case strings.HasPrefix(string(rest[:min(4, len(rest))]), "true"):
		b = true
		r.i += 4
	case strings.HasPrefix(string(rest[:min(5, len(rest))]), "false"):
		r.i += 5
	default:
		return nil, errShape
	}
	switch {
	case t == TypeBool:
		return Bool(b), nil
	case !b:
		return nil, Invalid("One or more parameter values were invalid: " +
			"Null attribute value types must have the value of true")
	default:
		return Null{}, nil
	}
}

// text reads a string. It leaves strings with escapes or bytes beyond ASCII to encoding/json.
func (r *reader) text() (string, error) {
	if !r.take('"') {
		return "", errShape
	}
	start, simple := r.i, true
	for ; r.i < len(r.b); r.i++ {
		switch c := r.b[r.i]; {
		case c == '"':
			r.i++
			if simple {
				return string(r.b[start : r.i-1]), nil
			}
			var s string
			if err := json.Unmarshal(r.b[start-1:r.i], &s); err != nil {
				return "", fmt.Errorf("%w: %w", errShape, err)
			}
			return s, nil
		case c == '\\':
			simple = false
			r.i++
		case c >= 0x80 || c < 0x20:
			simple = false
		}
	}
	return "", errShape
}
