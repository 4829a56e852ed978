package gateway

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// selection is a route selection expression: it decides which route a message takes (docs/aws.md
// §A1).
type selection struct {
	parts []selectionPart
}

// selectionPart is literal text, or the path of a value in the message.
type selectionPart struct {
	text string
	path []string
}

var (
	bareVariable     = regexp.MustCompile(`^\$request\.body((?:\.[A-Za-z0-9_-]+)+)$`)
	embeddedVariable = regexp.MustCompile(`\$\{request\.body((?:\.[A-Za-z0-9_-]+)+)\}`)
)

// parseSelection reads an expression: $request.body.a.b, or a text with ${request.body.a.b} in it.
// Variables that are not from the body are an error, and so are paths of more than names.
func parseSelection(expr string) (selection, error) {
	if m := bareVariable.FindStringSubmatch(expr); m != nil {
		return selection{parts: []selectionPart{{path: names(m[1])}}}, nil
	}
	var s selection
	rest := 0
	for _, m := range embeddedVariable.FindAllStringSubmatchIndex(expr, -1) {
		s.parts = append(
			s.parts,
			selectionPart{text: expr[rest:m[0]]},
			selectionPart{path: names(expr[m[2]:m[3]])},
		)
		rest = m[1]
	}
	s.parts = append(s.parts, selectionPart{text: expr[rest:]})
	for _, p := range s.parts {
		if strings.Contains(p.text, "$") {
			return selection{}, fmt.Errorf(
				"RouteSelectionExpression %q is not supported here", expr,
			)
		}
	}
	if expr == "" {
		return selection{}, fmt.Errorf("RouteSelectionExpression is missing")
	}
	return s, nil
}

func names(path string) []string { return strings.Split(path[1:], ".") }

// key returns the route key of the message. ok is false if the message is not JSON or lacks a value
// that the expression names. Values that are not strings are written as JSON; null counts as
// missing.
func (s selection) key(message []byte) (key string, ok bool) {
	for _, p := range s.parts {
		if p.path == nil {
			key += p.text
			continue
		}
		value, ok := lookup(message, p.path)
		if !ok {
			return "", false
		}
		key += value
	}
	return key, true
}

func lookup(doc []byte, path []string) (string, bool) {
	for _, name := range path {
		var object map[string]json.RawMessage
		if json.Unmarshal(doc, &object) != nil || object[name] == nil {
			return "", false
		}
		doc = object[name]
	}
	switch doc[0] {
	case '"':
		var s string
		err := json.Unmarshal(doc, &s)
		return s, err == nil
	case 'n': // null
		return "", false
	default:
		return string(doc), true
	}
}
