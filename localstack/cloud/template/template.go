package template

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Template is a parsed template, its intrinsic functions still unanswered. It is read-only and may
// be resolved any number of times.
type Template struct {
	doc document
}

// document holds the sections of a template that matter here. Description, Metadata and Rules do
// not.
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

// Parse reads a template in JSON. It refuses one that is not JSON, that has no resources, that
// names a condition which it does not define, or that asks for a Transform (a macro runs on AWS
// only).
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

// check finds what is wrong with the template whatever its values are.
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

// sortedKeys makes whatever walks a map do so in one order: errors and resources come out the same
// on every run.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
