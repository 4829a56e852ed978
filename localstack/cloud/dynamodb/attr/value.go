package attr

import (
	"cmp"
	"slices"
	"strings"
)

// Type is DynamoDB's name of a type, as used in JSON and by attribute_type.
type Type string

// The types of values.
const (
	TypeS    Type = "S"
	TypeN    Type = "N"
	TypeB    Type = "B"
	TypeBool Type = "BOOL"
	TypeNull Type = "NULL"
	TypeList Type = "L"
	TypeMap  Type = "M"
	TypeSS   Type = "SS"
	TypeNS   Type = "NS"
	TypeBS   Type = "BS"
)

// Value is one of String, Number, Binary, Bool, Null, List, Map and Set. It is immutable: functions
// that change a value return a new one.
type Value interface {
	// Type returns the name of the value's type.
	Type() Type
	// Size returns the number of bytes that AWS counts for the value, without its attribute's name
	// ("Capacity unit consumption": item sizes and formats).
	Size() int
}

// String is text in UTF-8.
type String string

// Number is a decimal number in the canonical form that ParseNumber returns.
type Number string

// Binary is raw bytes, not base64.
type Binary string

// Bool is true or false.
type Bool bool

// Null is DynamoDB's null.
type Null struct{}

// List is an ordered list of values of any types.
type List []Value

// Map is a document or a whole item: fields in the order of their names, each name once.
type Map []Field

// Field is one attribute of a Map.
type Field struct {
	Name  string
	Value Value
}

// Set is a set of strings, numbers or binaries. NewSet makes one.
type Set struct {
	kind    Type     // TypeSS, TypeNS or TypeBS
	members []string // in the order of the type, each once
}

// Type returns TypeS.
func (String) Type() Type { return TypeS }

// Type returns TypeN.
func (Number) Type() Type { return TypeN }

// Type returns TypeB.
func (Binary) Type() Type { return TypeB }

// Type returns TypeBool.
func (Bool) Type() Type { return TypeBool }

// Type returns TypeNull.
func (Null) Type() Type { return TypeNull }

// Type returns TypeList.
func (List) Type() Type { return TypeList }

// Type returns TypeMap.
func (Map) Type() Type { return TypeMap }

// Type returns TypeSS, TypeNS or TypeBS.
func (s Set) Type() Type { return s.kind }

// Size counts UTF-8 bytes.
func (s String) Size() int { return len(s) }

// Size counts the raw bytes.
func (b Binary) Size() int { return len(b) }

// Size is 1.
func (Bool) Size() int { return 1 }

// Size is 1.
func (Null) Size() int { return 1 }

// Size is 3, and for each element its size and 1.
func (l List) Size() int {
	n := 3 + len(l)
	for _, v := range l {
		n += v.Size()
	}
	return n
}

// Size is 3, and for each field the sizes of its name and value and 1. For a whole item use
// ItemSize.
func (m Map) Size() int { return 3 + len(m) + m.ItemSize() }

// ItemSize is the size of a map that is a whole item: the sizes of its names and values.
func (m Map) ItemSize() int {
	n := 0
	for _, f := range m {
		n += len(f.Name) + f.Value.Size()
	}
	return n
}

// Size is the sum of the members' sizes.
func (s Set) Size() int {
	n := 0
	for _, m := range s.members {
		n += s.member(m).Size()
	}
	return n
}

// Depth returns how deeply lists and maps are nested in the value, including the value itself. Of a
// scalar it is 0.
func Depth(v Value) int {
	deepest := 0
	switch v := v.(type) {
	case List:
		for _, e := range v {
			deepest = max(deepest, Depth(e))
		}
	case Map:
		for _, f := range v {
			deepest = max(deepest, Depth(f.Value))
		}
	default:
		return 0
	}
	return deepest + 1
}

// Get returns the field's value and whether there is one.
func (m Map) Get(name string) (Value, bool) {
	i, ok := m.find(name)
	if !ok {
		return nil, false
	}
	return m[i].Value, true
}

// With returns a copy of the map in which the field has the value.
func (m Map) With(name string, v Value) Map {
	i, ok := m.find(name)
	if ok {
		c := slices.Clone(m)
		c[i].Value = v
		return c
	}
	c := make(Map, 0, len(m)+1)
	c = append(c, m[:i]...)
	c = append(c, Field{name, v})
	return append(c, m[i:]...)
}

// Without returns the map without the field. It returns m itself if there is no such field.
func (m Map) Without(name string) Map {
	i, ok := m.find(name)
	if !ok {
		return m
	}
	return slices.Concat(m[:i], m[i+1:])
}

func (m Map) find(name string) (int, bool) {
	return slices.BinarySearchFunc(
		m, name, func(f Field, name string) int { return strings.Compare(f.Name, name) },
	)
}

// Compare orders two strings (by UTF-8 bytes), two numbers, or two binaries (by unsigned bytes). It
// returns false for other types and for values of different types, which have no order.
func Compare(a, b Value) (int, bool) {
	switch a := a.(type) {
	case String:
		if b, ok := b.(String); ok {
			return cmp.Compare(a, b), true
		}
	case Number:
		if b, ok := b.(Number); ok {
			return compareNumbers(string(a), string(b)), true
		}
	case Binary:
		if b, ok := b.(Binary); ok {
			return cmp.Compare(a, b), true
		}
	}
	return 0, false
}

// Equal reports whether two values have the same type and content. The order of a list's elements
// counts.
func Equal(a, b Value) bool {
	switch a := a.(type) {
	case List:
		b, ok := b.(List)
		return ok && slices.EqualFunc(a, b, Equal)
	case Map:
		b, ok := b.(Map)
		return ok && slices.EqualFunc(
			a, b, func(a, b Field) bool { return a.Name == b.Name && Equal(a.Value, b.Value) },
		)
	case Set:
		b, ok := b.(Set)
		return ok && a.kind == b.kind && slices.Equal(a.members, b.members)
	default:
		return a == b // compares type and text; a number has only one text
	}
}
