package expr

import (
	"cmp"
	"slices"

	"github.com/truora/minidyn/interpreter/language"

	"hark/localstack/cloud/dynamodb/attr"
)

// KeyRange is a parsed KeyCondition.
type KeyRange struct {
	placeholders
	relations []relation
}

// Key names a key attribute of a table.
type Key struct {
	Name string
	Type attr.Type
}

// Range is the part of a table that a key condition selects: in one partition, the sort keys
// between two bounds or with a prefix. A nil bound is no bound.
type Range struct {
	Partition         attr.Value
	Low, High         attr.Value
	LowOpen, HighOpen bool       // the range excludes the bound
	Prefix            attr.Value // String or Binary
}

func parseKeyRange(p *parser, text string) (*KeyRange, error) {
	root, err := p.predicate(text)
	if err != nil {
		return nil, err
	}
	k := &KeyRange{placeholders: p.placeholders}
	if err := k.collect(root); err != nil {
		return nil, err
	}
	return k, nil
}

// collect flattens conditions joined by AND. Key conditions cannot be joined otherwise.
func (k *KeyRange) collect(t test) error {
	switch t := t.(type) {
	case negation:
		return badOperator("NOT")
	case junction:
		if !t.and {
			return badOperator("OR")
		}
		if err := k.collect(t.left); err != nil {
			return err
		}
		return k.collect(t.right)
	case relation:
		switch t.name {
		case language.EQ, language.LT, language.LTE, language.GT, language.GTE,
			"BETWEEN", "begins_with":
		default:
			return badOperator(t.name)
		}
		if slices.ContainsFunc(t.operands, func(o operand) bool { _, ok := o.(size); return ok }) {
			return attr.Invalid("KeyConditionExpressions cannot contain nested operations")
		}
		t, err := pathFirst(t)
		if err != nil {
			return err
		}
		k.relations = append(k.relations, t)
	}
	return nil
}

func badOperator(name string) error {
	return attr.Invalid("Invalid operator used in KeyConditionExpression: " + name)
}

// pathFirst turns ":v = key" into "key = :v". It refuses conditions that do not compare one key
// with values.
func pathFirst(r relation) (relation, error) {
	if _, ok := r.operands[0].(placeholder); ok && len(r.operands) == 2 {
		flipped, ok := map[string]string{
			language.EQ: language.EQ, language.LT: language.GT, language.LTE: language.GTE,
			language.GT: language.LT, language.GTE: language.LTE,
		}[r.name]
		if ok {
			r = relation{name: flipped, operands: []operand{r.operands[1], r.operands[0]}}
		}
	}
	if _, ok := r.operands[0].(path); !ok {
		return r, attr.Invalid(
			"Invalid condition in KeyConditionExpression: No key attribute specified",
		)
	}
	for _, o := range r.operands[1:] {
		if _, ok := o.(placeholder); !ok {
			return r, attr.Invalid("Invalid condition in KeyConditionExpression: " +
				"Multiple attribute names used in one condition")
		}
	}
	return r, nil
}

func (k *KeyRange) check(p Params) error {
	for _, r := range k.relations {
		if err := r.check(k.kind, p); err != nil {
			return err
		}
	}
	return nil
}

// Bind returns the range for a table with the given keys. sort.Name is empty if the table has no
// sort key.
func (k *KeyRange) Bind(p Params, partition, sort Key) (Range, error) {
	var r Range
	seen := make(map[string]bool)
	for _, rel := range k.relations {
		w := rel.operands[0].(path).resolve(p)
		if len(w) > 1 {
			return r, attr.Invalid("Key attributes must be scalars; list random access '[]' " +
				"and map lookup '.' are not allowed: Key: " + w[0].name)
		}
		name := w[0].name
		if seen[name] {
			return r, attr.Invalid(
				"KeyConditionExpressions must only contain one condition per key",
			)
		}
		seen[name] = true
		if err := r.restrict(rel, name, p, partition, sort); err != nil {
			return r, err
		}
	}
	if r.Partition == nil {
		return r, attr.Invalid("Query condition missed key schema element: " + partition.Name)
	}
	return r, nil
}

// restrict adds one condition to the range.
func (r *Range) restrict(rel relation, name string, p Params, partition, sort Key) error {
	key := partition
	switch {
	case name == sort.Name && name != "":
		key = sort
	case name != partition.Name:
		return attr.Invalid("Query condition missed key schema element: " +
			cmp.Or(sort.Name, partition.Name))
	case rel.name != language.EQ:
		return attr.Invalid("Query key condition not supported")
	}
	values := make([]attr.Value, 0, 2)
	for _, o := range rel.operands[1:] {
		v, _ := o.value(nil, p)
		if v.Type() != key.Type {
			return attr.Invalid("One or more parameter values were invalid: " +
				"Condition parameter type does not match schema type")
		}
		if v.Size() == 0 {
			return EmptyKey(key)
		}
		values = append(values, v)
	}
	if key == partition {
		r.Partition = values[0]
		return nil
	}
	switch rel.name {
	case language.EQ:
		r.Low, r.High = values[0], values[0]
	case language.GT, language.GTE:
		r.Low, r.LowOpen = values[0], rel.name == language.GT
	case language.LT, language.LTE:
		r.High, r.HighOpen = values[0], rel.name == language.LT
	case "BETWEEN":
		r.Low, r.High = values[0], values[1]
	case "begins_with":
		r.Prefix = values[0]
	}
	return nil
}

// EmptyKey is the error for a key attribute with an empty value.
func EmptyKey(k Key) error {
	kind := "string"
	if k.Type == attr.TypeB {
		kind = "binary"
	}
	return attr.Invalid("One or more parameter values are not valid. " +
		"The AttributeValue for a key attribute cannot contain an empty " + kind +
		" value. Key: " + k.Name)
}
