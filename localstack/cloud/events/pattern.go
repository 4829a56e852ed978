package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// pattern decides which events a rule matches: for each field it has a list of values, or a pattern
// of the fields in it (EventBridge User Guide, "Event patterns").
type pattern map[string]any // of []any, or pattern

// parsePattern reads a pattern. Only exact values are supported. Operators, which are objects in
// place of a value, are refused by name.
func parsePattern(text []byte) (pattern, error) {
	if len(text) == 0 {
		return nil, errors.New("it has neither EventPattern nor schedule")
	}
	v, err := decode(text)
	if err != nil {
		return nil, fmt.Errorf("EventPattern: %w", err)
	}
	fields, ok := v.(map[string]any)
	if !ok || len(fields) == 0 {
		return nil, errors.New("EventPattern: it is not an object with fields")
	}
	return readPattern(fields)
}

func readPattern(fields map[string]any) (pattern, error) {
	p := make(pattern, len(fields))
	for name, v := range fields {
		switch v := v.(type) {
		case map[string]any:
			inner, err := readPattern(v)
			if err != nil {
				return nil, err
			}
			p[name] = inner
		case []any:
			for _, value := range v {
				switch value.(type) {
				case map[string]any, []any:
					text, _ := json.Marshal(value) // it was JSON
					return nil, unsupported(fmt.Sprintf("EventPattern: %s: %s", name, text))
				}
			}
			p[name] = v
		default:
			return nil, fmt.Errorf(
				"EventPattern: %s: %v is neither a list of values nor an object", name, v,
			)
		}
	}
	return p, nil
}

// matches reports whether every field of the pattern has one of its values in the event. A list
// matches if one of its items does.
func (p pattern) matches(event map[string]any) bool {
	for name, want := range p {
		got, there := event[name]
		if !there {
			return false
		}
		switch want := want.(type) {
		case pattern:
			fields, ok := got.(map[string]any)
			if !ok || !want.matches(fields) {
				return false
			}
		case []any:
			if !anyEqual(want, got) {
				return false
			}
		}
	}
	return true
}

func anyEqual(want []any, got any) bool {
	items, isList := got.([]any)
	if !isList {
		items = []any{got}
	}
	for _, value := range want {
		for _, item := range items {
			switch item.(type) {
			case map[string]any, []any: // a pattern cannot have such a value, and == would panic
			default:
				if item == value {
					return true
				}
			}
		}
	}
	return false
}

// decode reads one JSON value. It keeps numbers as they are written, since EventBridge compares
// them so.
func decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON")
	}
	return v, nil
}
