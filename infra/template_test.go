package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// template is a CloudFormation template as far as the tests look at it.
type template struct {
	Resources map[string]resource
	Outputs   map[string]struct{ Value any }
}

type resource struct {
	Type           string
	Properties     map[string]any
	Metadata       map[string]any
	DependsOn      []string
	DeletionPolicy string
}

// golden is a golden template. TestTemplatesAreGolden keeps it equal to what the app synthesizes,
// so that what it says can be asserted without the CDK.
func golden(t *testing.T, name string) template {
	t.Helper()
	text, err := os.ReadFile(form{name: name}.golden())
	if err != nil {
		t.Fatal(err)
	}
	return decode(t, text)
}

func decode(t *testing.T, text []byte) template {
	t.Helper()
	var tmpl template
	if err := json.Unmarshal(text, &tmpl); err != nil {
		t.Fatal(err)
	}
	return tmpl
}

// ofType returns the logical ids of a type's resources, sorted.
func (t template) ofType(cfnType string) []string {
	var ids []string
	for id, r := range t.Resources {
		if r.Type == cfnType {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// at walks into the properties of a resource: a name is a key, a number an index. It is nil where
// the path ends.
func (t template) at(id string, path ...any) any {
	var v any = t.Resources[id].Properties
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[step]
		case int:
			l, _ := v.([]any)
			if step >= len(l) {
				return nil
			}
			v = l[step]
		}
	}
	return v
}

// text writes a value as Fn::Sub would read it: {"Ref": "A"} is ${A}, {"Fn::GetAtt": ["A", "B"]} is
// ${A.B}, and a join is its parts. Anything else is its JSON.
func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	if m, ok := v.(map[string]any); ok && len(m) == 1 {
		if ref, ok := m["Ref"].(string); ok {
			return "${" + ref + "}"
		}
		if att, ok := m["Fn::GetAtt"].([]any); ok {
			return "${" + text(att[0]) + "." + text(att[1]) + "}"
		}
		if join, ok := m["Fn::Join"].([]any); ok {
			var parts []string
			for _, part := range join[1].([]any) {
				parts = append(parts, text(part))
			}
			return strings.Join(parts, text(join[0]))
		}
	}
	b, _ := json.Marshal(v)
	return string(b)
}

// list is a value that CloudFormation lets stand alone or in a list; nothing is an empty list.
func list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	default:
		return []any{v}
	}
}

// getAtt, ref and join are CloudFormation's functions, as they are in a template.
func getAtt(id, attribute string) map[string]any {
	return map[string]any{"Fn::GetAtt": []any{id, attribute}}
}

func ref(id string) map[string]any { return map[string]any{"Ref": id} }

func join(parts ...any) map[string]any { return map[string]any{"Fn::Join": []any{"", parts}} }
