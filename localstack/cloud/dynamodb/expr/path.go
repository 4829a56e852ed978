package expr

import (
	"slices"
	"strconv"
	"strings"

	"hark/localstack/cloud/dynamodb/attr"
)

// path leads to a value inside an item. Its first step is a name.
type path []step

// step is a name (or its #placeholder) in a map, or an index in a list if the name is empty.
type step struct {
	name  string
	index int
}

// resolve replaces a placeholder by its name.
func (s step) resolve(p Params) step {
	if strings.HasPrefix(s.name, "#") {
		s.name = p.Names[s.name]
	}
	return s
}

func (w path) resolve(p Params) path {
	r := make(path, len(w))
	for i, s := range w {
		r[i] = s.resolve(p)
	}
	return r
}

// value follows the path. It returns false if a step does not exist or does not fit the value.
func (w path) value(item attr.Map, p Params) (attr.Value, bool) {
	var v attr.Value = item
	for _, s := range w {
		switch at := v.(type) {
		case attr.Map:
			s = s.resolve(p)
			found, ok := at.Get(s.name)
			if s.name == "" || !ok {
				return nil, false
			}
			v = found
		case attr.List:
			if s.name != "" || s.index >= len(at) {
				return nil, false
			}
			v = at[s.index]
		default:
			return nil, false
		}
	}
	return v, true
}

// String formats a resolved path as AWS's messages do: [a, b, [0]].
func (w path) String() string {
	var b strings.Builder
	for i, s := range w {
		if i > 0 {
			b.WriteString(", ")
		}
		if s.name != "" {
			b.WriteString(s.name)
		} else {
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		}
	}
	return "[" + b.String() + "]"
}

// tree holds several paths, joined at their common beginnings. No path is the beginning of another.
type tree struct {
	children []branch // all names or all indexes, in the order in which they first occur
	first    int      // the number of the first path that contains this node
	leaf     bool     // that path ends here
}

type branch struct {
	step step
	tree *tree
}

// newTree joins the resolved paths. It fails if two paths overlap, or use the same place as a map
// and as a list.
func newTree(kind Kind, paths []path) (*tree, error) {
	root := &tree{first: -1}
	for i, w := range paths {
		t := root
		for depth, s := range w {
			if len(t.children) > 0 && (t.children[0].step.name == "") != (s.name == "") {
				return nil, pathConflict(kind, "conflict", paths[t.first], w)
			}
			next := t.child(s)
			if next == nil {
				next = &tree{first: i}
				t.children = append(t.children, branch{s, next})
			} else if next.leaf || depth == len(w)-1 {
				return nil, pathConflict(kind, "overlap", paths[next.first], w)
			}
			t = next
		}
		t.leaf = true
	}
	return root, nil
}

func pathConflict(kind Kind, how string, one, two path) error {
	return kind.invalid("Two document paths " + how +
		" with each other; must remove or rewrite one of these paths; " +
		"path one: " + one.String() + ", path two: " + two.String())
}

func (t *tree) child(s step) *tree {
	i := slices.IndexFunc(t.children, func(b branch) bool { return b.step == s })
	if i < 0 {
		return nil
	}
	return t.children[i].tree
}

// project returns the parts of the value that the paths lead to, and false if there are none. The
// selected elements of a list move together.
func (t *tree) project(v attr.Value) (attr.Value, bool) {
	if t.leaf {
		return v, true
	}
	switch v := v.(type) {
	case attr.Map:
		part := attr.Map{}
		for _, b := range t.children {
			if field, ok := v.Get(b.step.name); ok && b.step.name != "" {
				if sub, ok := b.tree.project(field); ok {
					part = part.With(b.step.name, sub)
				}
			}
		}
		return part, len(part) > 0
	case attr.List:
		part := attr.List{}
		for i, element := range v {
			if below := t.child(step{index: i}); below != nil {
				if sub, ok := below.project(element); ok {
					part = append(part, sub)
				}
			}
		}
		return part, len(part) > 0
	}
	return nil, false
}

// projectItem is project for a whole item. It returns an empty map if the item has none of the
// paths.
func (t *tree) projectItem(item attr.Map) attr.Map {
	part, ok := t.project(item)
	if m, isMap := part.(attr.Map); ok && isMap {
		return m
	}
	return attr.Map{}
}
