package attr

import (
	"slices"
	"strings"
)

// NewSet returns the set of the members: strings, numbers (in ParseNumber's form) or raw bytes. It
// fails with Invalid if there are no members or one is given twice, which DynamoDB does not allow.
func NewSet(kind Type, members []string) (Set, error) {
	if len(members) == 0 {
		return Set{}, Invalid("One or more parameter values were invalid: An " +
			setName(kind) + " set  may not be empty")
	}
	s := makeSet(kind, members)
	if len(s.members) < len(members) {
		return Set{}, Invalid("One or more parameter values were invalid: Input collection [" +
			strings.Join(members, ", ") + "] contains duplicates.")
	}
	return s, nil
}

// setName is AWS's name for a set of the type.
func setName(kind Type) string {
	switch kind {
	case TypeNS:
		return "number"
	case TypeBS:
		return "binary"
	default:
		return "string"
	}
}

// makeSet orders the members and drops duplicates.
func makeSet(kind Type, members []string) Set {
	sorted := slices.Clone(members)
	if kind == TypeNS {
		slices.SortFunc(sorted, compareNumbers)
	} else {
		slices.Sort(sorted)
	}
	return Set{kind: kind, members: slices.Compact(sorted)}
}

// Len returns the number of members.
func (s Set) Len() int { return len(s.members) }

// Has reports whether the value is a member.
func (s Set) Has(v Value) bool {
	return slices.ContainsFunc(s.members, func(m string) bool { return Equal(s.member(m), v) })
}

// Union returns the members of both sets, which must be of the same type.
func (s Set) Union(t Set) Set { return makeSet(s.kind, slices.Concat(s.members, t.members)) }

// Minus returns the members of s that t lacks. It returns false if there are none: DynamoDB has no
// empty sets.
func (s Set) Minus(t Set) (Set, bool) {
	left := slices.DeleteFunc(
		slices.Clone(s.members), func(m string) bool { return slices.Contains(t.members, m) },
	)
	return Set{kind: s.kind, members: left}, len(left) > 0
}

// member returns the text of a member as a Value.
func (s Set) member(m string) Value {
	switch s.kind {
	case TypeNS:
		return Number(m)
	case TypeBS:
		return Binary(m)
	default:
		return String(m)
	}
}
