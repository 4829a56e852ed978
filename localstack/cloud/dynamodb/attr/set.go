package attr

import (
	"slices"
	"strings"
)

// NewSet returns the set of the members: strings, numbers (in ParseNumber's form) or raw bytes. An empty set and a
// member given twice are Invalid, as DynamoDB has neither.
func NewSet(of Type, members []string) (Set, error) {
	if len(members) == 0 {
		return Set{}, Invalid("One or more parameter values were invalid: An " + setName(of) + " set  may not be empty")
	}
	s := makeSet(of, members)
	if len(s.members) < len(members) {
		return Set{}, Invalid("One or more parameter values were invalid: Input collection [" +
			strings.Join(members, ", ") + "] contains duplicates.")
	}
	return s, nil
}

// setName is AWS's word for a set of the type.
func setName(of Type) string {
	switch of {
	case TypeNS:
		return "number"
	case TypeBS:
		return "binary"
	default:
		return "string"
	}
}

// makeSet orders the members and drops the repeated.
func makeSet(of Type, members []string) Set {
	sorted := slices.Clone(members)
	if of == TypeNS {
		slices.SortFunc(sorted, compareNumbers)
	} else {
		slices.Sort(sorted)
	}
	return Set{of: of, members: slices.Compact(sorted)}
}

// Len returns the number of members.
func (s Set) Len() int { return len(s.members) }

// Has reports whether the value is a member.
func (s Set) Has(v Value) bool {
	return slices.ContainsFunc(s.members, func(m string) bool { return Equal(s.member(m), v) })
}

// Union returns the members of both sets, which are of one type.
func (s Set) Union(t Set) Set { return makeSet(s.of, slices.Concat(s.members, t.members)) }

// Minus returns the members of s that t lacks, and false if none is left: DynamoDB keeps no empty sets.
func (s Set) Minus(t Set) (Set, bool) {
	left := slices.DeleteFunc(slices.Clone(s.members), func(m string) bool { return slices.Contains(t.members, m) })
	return Set{of: s.of, members: left}, len(left) > 0
}

// member returns a member as the value that it is.
func (s Set) member(m string) Value {
	switch s.of {
	case TypeNS:
		return Number(m)
	case TypeBS:
		return Binary(m)
	default:
		return String(m)
	}
}
