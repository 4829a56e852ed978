package expr

import (
	"slices"
	"strings"

	"github.com/truora/minidyn/interpreter/language"

	"hark/localstack/cloud/dynamodb/attr"
)

// Change is a parsed Update.
type Change struct {
	placeholders
	actions []action
}

// action is one action of a clause, such as "a = :v" of SET.
type action struct {
	verb  language.TokenType // SET, REMOVE, ADD or DELETE
	path  path
	value source // nil for REMOVE
}

// AWS's messages about updates that do not fit their item.
const (
	errPath = attr.Invalid(
		"The document path provided in the update expression is invalid for update",
	)
	errAbsent = attr.Invalid(
		"The provided expression refers to an attribute that does not exist in the item",
	)
	errOperand = attr.Invalid("An operand in the update expression has an incorrect data type")
)

func parseChange(p *parser, text string) (*Change, error) {
	parsed := language.NewUpdateParser(language.NewLexer(text))
	statement := parsed.ParseUpdateExpression()
	if errs := parsed.Errors(); len(errs) > 0 {
		if verb, ok := strings.CutPrefix(errs[0], "duplicate update clause keyword: "); ok {
			return nil, p.kind.invalid(`The "` + strings.ToUpper(verb) +
				`" section can only be used once in an update expression;`)
		}
		return nil, p.kind.syntax(errs[0])
	}
	update, ok := statement.Expression.(*language.UpdateExpression)
	if !ok || len(update.Expressions) == 0 {
		return nil, p.kind.syntax("no action")
	}
	c := &Change{}
	for _, e := range update.Expressions {
		a, err := p.action(e)
		if err != nil {
			return nil, err
		}
		c.actions = append(c.actions, a)
	}
	c.placeholders = p.placeholders
	return c, nil
}

func (p *parser) action(e language.Expression) (action, error) {
	parsed, ok := e.(*language.ActionExpression)
	if !ok || parsed == nil {
		return action{}, p.kind.syntax("not an action")
	}
	w, err := p.path(parsed.Left)
	if err != nil {
		return action{}, err
	}
	a := action{verb: parsed.Token.Type, path: w}
	switch a.verb {
	case language.REMOVE:
		return a, nil
	case language.SET:
		a.value, err = p.sum(parsed.Right)
		return a, err
	default: // ADD, DELETE
		o, err := p.operand(parsed.Right)
		if err != nil {
			return action{}, err
		}
		if _, given := o.(placeholder); !given {
			return action{}, p.kind.syntax(string(a.verb) + " needs a value")
		}
		a.value = direct{o}
		return a, nil
	}
}

// check checks the actions' paths against each other, and the request's values against their
// operators.
func (c *Change) check(p Params) error {
	if _, err := c.tree(p); err != nil {
		return err
	}
	for _, a := range c.actions {
		if a.value == nil {
			continue
		}
		if err := a.value.check(p); err != nil {
			return err
		}
		if err := a.checkSet(p); err != nil {
			return err
		}
	}
	return nil
}

// checkSet refuses values that ADD and DELETE do not accept.
func (a action) checkSet(p Params) error {
	if a.verb == language.SET {
		return nil
	}
	v, _ := a.value.evaluate(nil, p)
	_, isNumber := v.(attr.Number)
	_, isSet := v.(attr.Set)
	if isSet || isNumber && a.verb == language.ADD {
		return nil
	}
	return Update.invalid("Incorrect operand type for operator or function; operator: " +
		string(a.verb) + ", operand type: " + string(v.Type()) +
		", typeSet: ALLOWED_FOR_" + string(a.verb) + "_OPERAND")
}

func (c *Change) tree(p Params) (*tree, error) {
	paths := make([]path, len(c.actions))
	for i, a := range c.actions {
		paths[i] = a.path.resolve(p)
	}
	return newTree(c.kind, paths)
}

// Touches returns one of the named top-level attributes that the update changes, or "" if it
// changes none of them.
func (c *Change) Touches(p Params, names ...string) string {
	for _, a := range c.actions {
		if name := a.path[0].resolve(p).name; slices.Contains(names, name) {
			return name
		}
	}
	return ""
}

// Apply returns the item after the update. All values are read from the item as it was before.
func (c *Change) Apply(item attr.Map, p Params) (attr.Map, error) {
	t, err := c.tree(p)
	if err != nil {
		return nil, err
	}
	results := make([]attr.Value, len(c.actions))
	for i, a := range c.actions {
		if results[i], err = a.result(item, p); err != nil {
			return nil, err
		}
	}
	edited, err := t.edit(item, results)
	if err != nil {
		return nil, err
	}
	return edited.(attr.Map), nil
}

// Changed reduces an item, before or after the update, to the values at the update's paths. It
// serves UPDATED_OLD and UPDATED_NEW.
func (c *Change) Changed(item attr.Map, p Params) (attr.Map, error) {
	t, err := c.tree(p)
	if err != nil {
		return nil, err
	}
	return t.projectItem(item), nil
}

// result returns the new value at the action's path, or nil for none.
func (a action) result(item attr.Map, p Params) (attr.Value, error) {
	if a.verb == language.REMOVE {
		return nil, nil
	}
	operand, err := a.value.evaluate(item, p)
	if err != nil || a.verb == language.SET {
		return operand, err
	}
	old, exists := a.path.value(item, p)
	switch {
	case !exists && a.verb == language.DELETE:
		return nil, nil
	case !exists:
		return operand, nil
	case old.Type() != operand.Type():
		return nil, errOperand
	}
	if n, ok := old.(attr.Number); ok {
		return sum(n.Add(operand.(attr.Number)))
	}
	if a.verb == language.ADD {
		return old.(attr.Set).Union(operand.(attr.Set)), nil
	}
	if left, ok := old.(attr.Set).Minus(operand.(attr.Set)); ok {
		return left, nil
	}
	return nil, nil
}

// sum returns the number as a Value, or the error.
func sum(n attr.Number, err error) (attr.Value, error) {
	if err != nil {
		return nil, err
	}
	return n, nil
}

// edit returns a copy of the value in which each leaf of the tree has its path's result. Only the
// last step of a path may be missing from the value.
func (t *tree) edit(v attr.Value, results []attr.Value) (attr.Value, error) {
	if t.leaf {
		return results[t.first], nil
	}
	switch v := v.(type) {
	case attr.Map:
		if t.children[0].step.name == "" {
			return nil, errPath
		}
		return t.editMap(v, results)
	case attr.List:
		if t.children[0].step.name != "" {
			return nil, errPath
		}
		return t.editList(v, results)
	}
	return nil, errPath
}

func (t *tree) editMap(m attr.Map, results []attr.Value) (attr.Value, error) {
	for _, b := range t.children {
		old, _ := m.Get(b.step.name)
		edited, err := b.tree.edit(old, results)
		if err != nil {
			return nil, err
		}
		if edited == nil {
			m = m.Without(b.step.name)
		} else {
			m = m.With(b.step.name, edited)
		}
	}
	return m, nil
}

// editList applies indexes to the list as it was before. Indexes beyond the end append, in
// ascending order.
func (t *tree) editList(l attr.List, results []attr.Value) (attr.Value, error) {
	edited := slices.Clone(l)
	children := slices.SortedFunc(
		slices.Values(t.children), func(a, b branch) int { return a.step.index - b.step.index },
	)
	for _, b := range children {
		var old attr.Value
		if b.step.index < len(l) {
			old = l[b.step.index]
		}
		v, err := b.tree.edit(old, results)
		if err != nil {
			return nil, err
		}
		if b.step.index < len(l) {
			edited[b.step.index] = v
		} else {
			edited = append(edited, v)
		}
	}
	return slices.DeleteFunc(edited, func(v attr.Value) bool { return v == nil }), nil
}
