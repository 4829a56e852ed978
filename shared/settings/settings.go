package settings

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"hark/shared/pusher"
)

// Setting is one setting as an operator reads and types it.
type Setting struct {
	Name  string // rate_limiting.enabled is the entry enabled of the map rate_limiting
	Value string // "" stands for the default
}

// Key returns the name under which the setting is stored: that of its map if it is in one.
func (s Setting) Key() string {
	key, _, _ := strings.Cut(s.Name, ".")
	return key
}

// Default returns the settings of an app that changes none.
func Default() pusher.Settings {
	var s pusher.Settings
	for _, e := range catalogue(&s) {
		e.reset()
	}
	return s
}

// List returns all settings of an app, in the order of the catalogue.
func List(s pusher.Settings) []Setting {
	var all []Setting
	for _, e := range catalogue(&s) {
		all = append(all, Setting{e.name, e.text()})
	}
	return all
}

// Set changes some settings, of which each may be given once. If one of the values is refused, it
// has changed some of the others.
func Set(s *pusher.Settings, changes ...Setting) error {
	all := catalogue(s)
	for i, c := range changes {
		if slices.ContainsFunc(changes[:i], func(o Setting) bool { return o.Name == c.Name }) {
			return fmt.Errorf("%s is given twice", c.Name)
		}
		at := slices.IndexFunc(all, func(e entry) bool { return e.name == c.Name })
		if at < 0 {
			return fmt.Errorf("there is no setting %q", c.Name)
		}
		if c.Value == "" {
			all[at].reset()
		} else if err := all[at].parse(c.Value); err != nil {
			return fmt.Errorf("%s %w", c.Name, err)
		}
	}
	return nil
}

// Encode returns the stored form of the settings that differ from their defaults, by Setting.Key.
// It is built of bool, int64, string, []any and map[string]any.
func Encode(s pusher.Settings) map[string]any {
	stored := make(map[string]any)
	standard := Default()
	defaults := catalogue(&standard)
	for i, e := range catalogue(&s) {
		v := e.encode()
		if reflect.DeepEqual(v, defaults[i].encode()) {
			continue
		}
		key, inner, nested := strings.Cut(e.name, ".")
		if !nested {
			stored[key] = v
			continue
		}
		if stored[key] == nil {
			stored[key] = make(map[string]any)
		}
		stored[key].(map[string]any)[inner] = v
	}
	return stored
}

// Decode reads what Encode returns. A setting that is absent has its default; names that are not
// in the catalogue are ignored. A value that cannot be read is an error, which begins with the
// setting's name: Decode never takes the default instead.
func Decode(stored map[string]any) (pusher.Settings, error) {
	var s pusher.Settings
	for _, e := range catalogue(&s) {
		e.reset()
		v, found, err := lookUp(stored, e.name)
		if err == nil && found {
			err = e.decode(v)
		}
		if err != nil {
			return pusher.Settings{}, fmt.Errorf("%s %w", e.name, err)
		}
	}
	return s, nil
}

func lookUp(stored map[string]any, name string) (v any, found bool, err error) {
	key, inner, nested := strings.Cut(name, ".")
	v, found = stored[key]
	if !found || !nested {
		return v, found, nil
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, false, fmt.Errorf("is in %s, which is %s, it must be a map", key, TypeName(v))
	}
	v, found = m[inner]
	return v, found, nil
}

// Without returns a copy of the stored form that lacks the settings that are about to be changed.
// What is stored of them may be unreadable: if their map is none, the copy lacks it altogether.
func Without(stored map[string]any, changes ...Setting) map[string]any {
	rest := maps.Clone(stored)
	for _, c := range changes {
		key, inner, nested := strings.Cut(c.Name, ".")
		m, ok := rest[key].(map[string]any)
		if !nested || !ok {
			delete(rest, key)
			continue
		}
		m = maps.Clone(m)
		delete(m, inner)
		rest[key] = m
	}
	return rest
}
