package template

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// resolver resolves the intrinsic functions of one template. It resolves each resource and each
// condition once, on demand: a name may depend on other names.
type resolver struct {
	doc        document
	env        Env
	identities map[string]identity
	conditions map[string]bool
	open       map[string]bool // resources and conditions in progress, to find cycles
}

func newResolver(doc document, env Env) *resolver {
	return &resolver{
		doc: doc, env: env,
		identities: make(map[string]identity),
		conditions: make(map[string]bool),
		open:       make(map[string]bool),
	}
}

// noValue is the value of {"Ref": "AWS::NoValue"}: the property or list item that has it is left
// out.
type noValue struct{}

// value resolves the intrinsic functions in v. The path of v is for errors.
func (r *resolver) value(v any, path string) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		if name, arg, ok := intrinsic(v); ok {
			return r.call(name, arg, path)
		}
		return r.fields(v, path)
	case []any:
		items := make([]any, 0, len(v))
		for i, item := range v {
			got, err := r.value(item, path+"["+strconv.Itoa(i)+"]")
			if err != nil {
				return nil, err
			}
			if got != (noValue{}) {
				items = append(items, got)
			}
		}
		return items, nil
	default:
		return v, nil
	}
}

// fields resolves the intrinsic functions in the values of an object.
func (r *resolver) fields(object map[string]any, path string) (map[string]any, error) {
	fields := make(map[string]any, len(object))
	for _, key := range sortedKeys(object) {
		if strings.HasPrefix(key, "Fn::") {
			return nil, fmt.Errorf("%s: %s stands beside other keys", path, key)
		}
		got, err := r.value(object[key], path+"."+key)
		if err != nil {
			return nil, err
		}
		if got != (noValue{}) {
			fields[key] = got
		}
	}
	return fields, nil
}

// intrinsic reports whether an object is the call of an intrinsic function: its only key is Ref or
// Fn::something.
func intrinsic(object map[string]any) (name string, arg any, ok bool) {
	if len(object) != 1 {
		return "", nil, false
	}
	for name, arg = range object {
		ok = name == "Ref" || strings.HasPrefix(name, "Fn::")
	}
	return name, arg, ok
}

func (r *resolver) call(name string, arg any, path string) (any, error) {
	var got any
	var err error
	switch name {
	case "Ref":
		got, err = r.ref(arg)
	case "Fn::GetAtt":
		got, err = r.getAtt(arg)
	case "Fn::Sub":
		got, err = r.sub(arg, path+".Fn::Sub")
	case "Fn::Join":
		got, err = r.join(arg, path+".Fn::Join")
	case "Fn::Select":
		got, err = r.pick(arg, path+".Fn::Select")
	case "Fn::Split":
		got, err = r.split(arg, path+".Fn::Split")
	case "Fn::If":
		got, err = r.choose(arg, path+".Fn::If")
	case "Fn::FindInMap":
		got, err = r.findInMap(arg, path+".Fn::FindInMap")
	default:
		err = errors.New("this function is not supported by the local cloud")
	}
	var at *placedError
	if err != nil && !errors.As(err, &at) {
		err = &placedError{path: path, function: name, err: err}
	}
	return got, err
}

// placedError is an error with its place in the resource.
type placedError struct {
	path, function string
	err            error
}

func (e *placedError) Error() string { return e.path + ": " + e.function + ": " + e.err.Error() }
func (e *placedError) Unwrap() error { return e.err }

// text resolves v to what CloudFormation accepts as a string: text, a number or a boolean.
func (r *resolver) text(v any, path string) (string, error) {
	got, err := r.value(v, path)
	if err != nil {
		return "", err
	}
	switch got := got.(type) {
	case string:
		return got, nil
	case json.Number:
		return got.String(), nil
	case bool:
		return strconv.FormatBool(got), nil
	default:
		return "", fmt.Errorf("%s is not a string", path)
	}
}

// list resolves v to a list of strings.
func (r *resolver) list(v any, path string) ([]string, error) {
	got, err := r.value(v, path)
	if err != nil {
		return nil, err
	}
	items, ok := got.([]any)
	if !ok {
		return nil, fmt.Errorf("%s is not a list", path)
	}
	texts := make([]string, len(items))
	for i, item := range items {
		if texts[i], err = r.text(item, path+"["+strconv.Itoa(i)+"]"); err != nil {
			return nil, err
		}
	}
	return texts, nil
}

// arguments returns a function's n arguments.
func arguments(arg any, n int) ([]any, error) {
	args, ok := arg.([]any)
	if !ok || len(args) != n {
		return nil, fmt.Errorf("it takes a list of %d", n)
	}
	return args, nil
}
