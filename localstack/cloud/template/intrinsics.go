package template

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ref resolves {"Ref": name}: a pseudo parameter, a parameter's default or a resource's physical
// ID.
func (r *resolver) ref(arg any) (any, error) {
	name, ok := arg.(string)
	if !ok {
		return nil, errors.New("it takes a name")
	}
	if strings.HasPrefix(name, "AWS::") {
		return r.pseudo(name)
	}
	if p, ok := r.doc.Parameters[name]; ok {
		return p.value(name)
	}
	id, err := r.identity(name)
	return id.ref, err
}

func (r *resolver) pseudo(name string) (any, error) {
	switch name {
	case "AWS::Region":
		return r.env.Region, nil
	case "AWS::AccountId":
		return r.env.Account, nil
	case "AWS::Partition":
		return "aws", nil
	case "AWS::URLSuffix":
		return "amazonaws.com", nil
	case "AWS::StackName":
		return r.env.StackName, nil
	case "AWS::StackId":
		return r.env.StackID, nil
	case "AWS::NoValue":
		return noValue{}, nil
	default:
		return nil, fmt.Errorf("the pseudo parameter %s is not supported by the local cloud", name)
	}
}

// value returns a parameter's default. A parameter that is looked up in Systems Manager, like the
// CDK's BootstrapVersion, has no value here: its default is only the name to look up.
func (p parameter) value(name string) (any, error) {
	if strings.HasPrefix(p.Type, "AWS::SSM::") {
		return nil, fmt.Errorf(
			"parameter %s is looked up in Systems Manager, which the local cloud does not have",
			name,
		)
	}
	if p.Default == nil {
		return nil, fmt.Errorf("parameter %s has no default", name)
	}
	text, ok := p.Default.(string)
	if !ok || p.Type != "CommaDelimitedList" && !strings.HasPrefix(p.Type, "List<") {
		return p.Default, nil
	}
	var items []any
	for item := range strings.SplitSeq(text, ",") {
		items = append(items, strings.TrimSpace(item))
	}
	return items, nil
}

// getAtt resolves both forms of Fn::GetAtt: ["Resource", "Attribute"] and "Resource.Attribute".
func (r *resolver) getAtt(arg any) (any, error) {
	var resource, attribute string
	switch arg := arg.(type) {
	case string:
		resource, attribute, _ = strings.Cut(arg, ".")
	case []any:
		if len(arg) == 2 {
			resource, _ = arg[0].(string)
			attribute, _ = arg[1].(string)
		}
	}
	if resource == "" || attribute == "" {
		return nil, errors.New("it takes the names of a resource and of an attribute")
	}
	return r.attribute(resource, attribute)
}

func (r *resolver) attribute(resource, attribute string) (string, error) {
	id, err := r.identity(resource)
	if err != nil {
		return "", err
	}
	value, ok := id.attributes[attribute]
	if !ok {
		return "", fmt.Errorf("the attribute %s of %s (%s) is not known to the local cloud",
			attribute, resource, r.doc.Resources[resource].Type)
	}
	return value, nil
}

// sub resolves both forms of Fn::Sub: "text" and ["text", {"Name": value}].
func (r *resolver) sub(arg any, path string) (any, error) {
	text, ok := arg.(string)
	var own map[string]any
	if args, two := arg.([]any); two && len(args) == 2 {
		text, ok = args[0].(string)
		own, two = args[1].(map[string]any)
		ok = ok && two
	}
	if !ok {
		return nil, errors.New("it takes a text, or a list of a text and its variables")
	}
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, errors.New("a ${ has no }")
		}
		value, err := r.variable(name, own, path)
		if err != nil {
			return nil, err
		}
		out.WriteString(value)
		text = after
	}
}

// variable resolves what is between ${ and } in Fn::Sub.
func (r *resolver) variable(name string, own map[string]any, path string) (string, error) {
	if literal, ok := strings.CutPrefix(name, "!"); ok {
		return "${" + literal + "}", nil
	}
	if v, ok := own[name]; ok {
		return r.text(v, path+"[1]."+name)
	}
	if resource, attribute, ok := strings.Cut(name, "."); ok {
		return r.attribute(resource, attribute)
	}
	return r.text(map[string]any{"Ref": name}, path)
}

// join resolves Fn::Join: [separator, list].
func (r *resolver) join(arg any, path string) (any, error) {
	args, err := arguments(arg, 2)
	if err != nil {
		return nil, err
	}
	separator, ok := args[0].(string)
	if !ok {
		return nil, errors.New("its separator is not a text")
	}
	items, err := r.list(args[1], path+"[1]")
	if err != nil {
		return nil, err
	}
	return strings.Join(items, separator), nil
}

// split resolves Fn::Split: [separator, text].
func (r *resolver) split(arg any, path string) (any, error) {
	args, err := arguments(arg, 2)
	if err != nil {
		return nil, err
	}
	separator, ok := args[0].(string)
	if !ok || separator == "" {
		return nil, errors.New("its separator is not a text of at least one character")
	}
	text, err := r.text(args[1], path+"[1]")
	if err != nil {
		return nil, err
	}
	var items []any
	for item := range strings.SplitSeq(text, separator) {
		items = append(items, item)
	}
	return items, nil
}

// pick resolves Fn::Select: [index, list]. The index counts from 0, and may be text.
func (r *resolver) pick(arg any, path string) (any, error) {
	args, err := arguments(arg, 2)
	if err != nil {
		return nil, err
	}
	text, err := r.text(args[0], path+"[0]")
	if err != nil {
		return nil, err
	}
	items, err := r.list(args[1], path+"[1]")
	if err != nil {
		return nil, err
	}
	i, err := strconv.Atoi(text)
	if err != nil || i < 0 || i >= len(items) {
		return nil, fmt.Errorf("there is no item %q in a list of %d", text, len(items))
	}
	return items[i], nil
}

// findInMap resolves Fn::FindInMap: [map, first key, second key].
func (r *resolver) findInMap(arg any, path string) (any, error) {
	args, err := arguments(arg, 3)
	if err != nil {
		return nil, err
	}
	var keys [3]string
	for i := range keys {
		if keys[i], err = r.text(args[i], path+"["+strconv.Itoa(i)+"]"); err != nil {
			return nil, err
		}
	}
	value, ok := r.doc.Mappings[keys[0]][keys[1]][keys[2]]
	if !ok {
		return nil, fmt.Errorf("there is no mapping %s.%s.%s", keys[0], keys[1], keys[2])
	}
	return value, nil
}
