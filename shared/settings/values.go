package settings

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// value is the place of one setting in a pusher.Settings. Errors continue a sentence that begins
// with the setting's name.
type value interface {
	reset() // to the default
	parse(text string) error
	text() string
	decode(stored any) error
	encode() any     // bool, int64, string, []any or map[string]any
	allowed() string // what it may be, for docs/settings.md
}

// Other is a stored value of a type that no setting has. The text names the type in errors, with
// its article.
type Other string

// TypeName returns what errors call the type of a stored value, with its article. A json.Number is
// a number that an int64 cannot hold.
func TypeName(stored any) string {
	switch v := stored.(type) {
	case bool:
		return "a boolean"
	case int64, json.Number:
		return "a number"
	case string:
		return "a text"
	case []any:
		return "a list"
	case map[string]any:
		return "a map"
	case Other:
		return string(v)
	}
	return fmt.Sprintf("%T", stored)
}

func wrongType(stored any, want string) error {
	return fmt.Errorf("is %s, it must be %s", TypeName(stored), want)
}

// booleanValue is stored as a bool. If it is inverted, the place holds the opposite of the setting.
type booleanValue struct {
	at                 *bool
	standard, inverted bool
}

func boolean(at *bool, standard bool) value { return booleanValue{at, standard, false} }

func opposite(at *bool, standard bool) value { return booleanValue{at, standard, true} }

func (b booleanValue) set(on bool)  { *b.at = on != b.inverted }
func (b booleanValue) get() bool    { return *b.at != b.inverted }
func (b booleanValue) reset()       { b.set(b.standard) }
func (b booleanValue) encode() any  { return b.get() }
func (b booleanValue) text() string { return strconv.FormatBool(b.get()) }

func (b booleanValue) allowed() string { return "true or false" }

func (b booleanValue) parse(text string) error {
	if text != "true" && text != "false" {
		return fmt.Errorf("is %q, it must be %s", text, b.allowed())
	}
	b.set(text == "true")
	return nil
}

func (b booleanValue) decode(stored any) error {
	on, ok := stored.(bool)
	if !ok {
		return wrongType(stored, b.allowed())
	}
	b.set(on)
	return nil
}

// numberValue is stored as an int64 that counts units.
type numberValue[N ~int | ~int64] struct {
	at       *N
	unit     N
	standard int64
	bounds
}

func number(at *int, standard int64, b bounds) value {
	return numberValue[int]{at, 1, standard, b}
}

func kilobytes(at *int, standard int64, b bounds) value {
	return numberValue[int]{at, 1 << 10, standard, b}
}

func seconds(at *time.Duration, standard int64, b bounds) value {
	return numberValue[time.Duration]{at, time.Second, standard, b}
}

func (n numberValue[N]) get() int64   { return int64(*n.at / n.unit) }
func (n numberValue[N]) reset()       { *n.at = N(n.standard) * n.unit }
func (n numberValue[N]) encode() any  { return n.get() }
func (n numberValue[N]) text() string { return strconv.FormatInt(n.get(), 10) }

func (n numberValue[N]) allowed() string {
	if n.bounds == atLeast(n.low) {
		return fmt.Sprintf("%d or more", n.low)
	}
	return fmt.Sprintf("%d to %d", n.low, n.high)
}

func (n numberValue[N]) parse(text string) error {
	i, err := strconv.ParseInt(text, 10, 64)
	if err != nil || i < n.low || i > n.high {
		return fmt.Errorf("is %q, it must be %s", text, n.wanted())
	}
	*n.at = N(i) * n.unit
	return nil
}

func (n numberValue[N]) decode(stored any) error {
	switch v := stored.(type) {
	case int64:
		return n.parse(strconv.FormatInt(v, 10))
	case json.Number:
		return n.parse(v.String())
	}
	return wrongType(stored, n.wanted())
}

func (n numberValue[N]) wanted() string {
	return fmt.Sprintf("a whole number from %d to %d", n.low, n.high)
}

// choiceValue is stored as a string, one of a few.
type choiceValue[S ~string] struct {
	at       *S
	standard S
	all      []S
}

func choice[S ~string](at *S, standard S, all ...S) value {
	return choiceValue[S]{at, standard, all}
}

func (c choiceValue[S]) reset()       { *c.at = c.standard }
func (c choiceValue[S]) encode() any  { return string(*c.at) }
func (c choiceValue[S]) text() string { return string(*c.at) }

func (c choiceValue[S]) allowed() string {
	text := string(c.all[0])
	for i, s := range c.all[1:] {
		if i < len(c.all)-2 {
			text += ", " + string(s)
		} else {
			text += " or " + string(s)
		}
	}
	return text
}

func (c choiceValue[S]) parse(text string) error {
	if !slices.Contains(c.all, S(text)) {
		return fmt.Errorf("is %q, it must be %s", text, c.allowed())
	}
	*c.at = S(text)
	return nil
}

func (c choiceValue[S]) decode(stored any) error {
	text, ok := stored.(string)
	if !ok {
		return wrongType(stored, c.allowed())
	}
	return c.parse(text)
}

// hostsValue is stored as a list of strings, patterns of hosts. Their text has commas between them.
type hostsValue struct{ at *[]string }

func hosts(at *[]string) value { return hostsValue{at} }

func (h hostsValue) reset()                  { *h.at = nil }
func (h hostsValue) encode() any             { return list(*h.at) }
func (h hostsValue) text() string            { return strings.Join(*h.at, ",") }
func (h hostsValue) parse(text string) error { return h.set(strings.Split(text, ",")) }

func (h hostsValue) allowed() string { return "hosts with commas between them" }

func (h hostsValue) decode(stored any) error {
	all, ok := stored.([]any)
	if !ok {
		return wrongType(stored, "a list")
	}
	var patterns []string
	for i, v := range all {
		p, ok := v.(string)
		if !ok {
			return fmt.Errorf("has %s at %d, it must be a text", TypeName(v), i)
		}
		patterns = append(patterns, p)
	}
	return h.set(patterns)
}

// set refuses patterns that match no host, above all an origin with its scheme.
func (h hostsValue) set(patterns []string) error {
	for _, p := range patterns {
		_, err := netip.ParseAddr(p) // IPv6 addresses have colons
		if err != nil && (p == "" || strings.ContainsAny(p, ":/, ")) {
			return fmt.Errorf(
				"has %q, it must be the pattern of a host, such as example.com or *.example.com", p)
		}
	}
	*h.at = patterns
	return nil
}

// list returns the stored form of texts. It is never nil, so that two without texts are equal.
func list(texts []string) []any {
	all := make([]any, len(texts))
	for i, s := range texts {
		all[i] = s
	}
	return all
}
