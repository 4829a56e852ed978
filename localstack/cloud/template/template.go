package template

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Template is a parsed template whose intrinsic functions are not resolved. It is read-only and may
// be resolved any number of times.
type Template struct {
	doc document
}

// document holds the sections of a template that are used. Description, Metadata and Rules are not.
type document struct {
	Transform  any
	Parameters map[string]parameter
	Mappings   map[string]map[string]map[string]any
	Conditions map[string]any
	Resources  map[string]declaration
	Outputs    map[string]output
}

type parameter struct {
	Type    string
	Default any
}

// declaration is a resource as the template declares it.
type declaration struct {
	Type       string
	Condition  string
	Properties map[string]any
	Metadata   map[string]any
}

type output struct {
	Condition string
	Value     any
}

// Parse reads a template in JSON. It refuses one that is not JSON, has no resources, refers to a
// condition that it does not define, or has a Transform (macros run only on AWS).
func Parse(data []byte) (*Template, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var doc document
	if err := dec.Decode(&doc); err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("read template: something follows its JSON object")
	}
	if doc.Transform != nil {
		return nil, errors.New("read template: a Transform runs on AWS only")
	}
	if len(doc.Resources) == 0 {
		return nil, errors.New("read template: it has no Resources")
	}
	if err := doc.check(); err != nil {
		return nil, err
	}
	return &Template{doc: doc}, nil
}

// check finds the mistakes that do not depend on values.
func (d document) check() error {
	for _, id := range sortedKeys(d.Resources) {
		switch res := d.Resources[id]; {
		case res.Type == "":
			return fmt.Errorf("resource %s: it has no Type", id)
		case res.Condition != "" && !has(d.Conditions, res.Condition):
			return fmt.Errorf("resource %s: condition %q is not defined", id, res.Condition)
		}
	}
	for _, name := range sortedKeys(d.Outputs) {
		if c := d.Outputs[name].Condition; c != "" && !has(d.Conditions, c) {
			return fmt.Errorf("output %s: condition %q is not defined", name, c)
		}
	}
	return nil
}

func has[V any](m map[string]V, key string) bool {
	_, ok := m[key]
	return ok
}

// sortedKeys returns the keys of a map in order, so that errors and resources come in the same
// order on every run.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
