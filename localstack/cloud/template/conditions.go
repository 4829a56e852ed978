package template

import (
	"errors"
	"fmt"
)

// condition reports whether a condition of the template holds. The empty name always does.
func (r *resolver) condition(name string) (bool, error) {
	if name == "" {
		return true, nil
	}
	if holds, ok := r.conditions[name]; ok {
		return holds, nil
	}
	rule, ok := r.doc.Conditions[name]
	if !ok {
		return false, fmt.Errorf("condition %q is not defined", name)
	}
	leave, err := r.enter("condition " + name)
	if err != nil {
		return false, err
	}
	defer leave()
	holds, err := r.holds(rule)
	if err != nil {
		return false, fmt.Errorf("condition %s: %w", name, err)
	}
	r.conditions[name] = holds
	return holds, nil
}

// holds evaluates a rule of the Conditions section.
func (r *resolver) holds(rule any) (bool, error) {
	object, ok := rule.(map[string]any)
	if !ok || len(object) != 1 {
		return false, errors.New("it is not the call of one condition function")
	}
	for name, arg := range object {
		switch name {
		case "Condition":
			other, _ := arg.(string)
			if other == "" {
				return false, errors.New("a Condition takes a name")
			}
			return r.condition(other)
		case "Fn::Equals":
			return r.equals(arg)
		case "Fn::Not":
			return r.not(arg)
		case "Fn::And":
			return r.combine(arg, false)
		case "Fn::Or":
			return r.combine(arg, true)
		default:
			return false, fmt.Errorf("%s is not supported in a condition", name)
		}
	}
	return false, nil // not reached: the object has one key
}

func (r *resolver) equals(arg any) (bool, error) {
	args, err := arguments(arg, 2)
	if err != nil {
		return false, fmt.Errorf("Fn::Equals: %w", err)
	}
	a, err := r.text(args[0], "Fn::Equals[0]")
	if err != nil {
		return false, err
	}
	b, err := r.text(args[1], "Fn::Equals[1]")
	return a == b, err
}

func (r *resolver) not(arg any) (bool, error) {
	args, err := arguments(arg, 1)
	if err != nil {
		return false, fmt.Errorf("Fn::Not: %w", err)
	}
	holds, err := r.holds(args[0])
	return !holds, err
}

// combine evaluates Fn::Or, which one true rule decides, and Fn::And, which one false rule decides.
func (r *resolver) combine(arg any, decisive bool) (bool, error) {
	rules, ok := arg.([]any)
	if !ok {
		return false, errors.New("Fn::And and Fn::Or take a list")
	}
	for _, rule := range rules {
		holds, err := r.holds(rule)
		if err != nil {
			return false, err
		}
		if holds == decisive {
			return decisive, nil
		}
	}
	return !decisive, nil
}

// choose resolves Fn::If: [condition, value if it holds, value if not]. It resolves only the chosen
// value.
func (r *resolver) choose(arg any, path string) (any, error) {
	args, err := arguments(arg, 3)
	if err != nil {
		return nil, err
	}
	name, ok := args[0].(string)
	if !ok || name == "" {
		return nil, errors.New("it takes the name of a condition")
	}
	holds, err := r.condition(name)
	if err != nil {
		return nil, err
	}
	if holds {
		return r.value(args[1], path+"[1]")
	}
	return r.value(args[2], path+"[2]")
}

// enter marks a resource or condition as in progress. It fails if it is already: it depends on
// itself.
func (r *resolver) enter(what string) (leave func(), err error) {
	if r.open[what] {
		return nil, fmt.Errorf("%s depends on itself", what)
	}
	r.open[what] = true
	return func() { delete(r.open, what) }, nil
}
