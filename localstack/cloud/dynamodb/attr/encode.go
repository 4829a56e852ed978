package attr

import (
	"encoding/base64"
	"unicode/utf8"
)

// AppendJSON appends a value in the attribute-value format, {"S":"text"}.
func AppendJSON(b []byte, v Value) []byte {
	b = append(b, `{"`...)
	b = append(b, v.Type()...)
	b = append(b, `":`...)
	switch v := v.(type) {
	case String:
		b = appendText(b, string(v))
	case Number:
		b = appendText(b, string(v))
	case Binary:
		b = appendBinary(b, string(v))
	case Bool:
		b = appendBool(b, bool(v))
	case Null:
		b = appendBool(b, true)
	case List:
		b = append(b, '[')
		for i, e := range v {
			b = AppendJSON(comma(b, i), e)
		}
		b = append(b, ']')
	case Map:
		b = v.AppendJSON(b)
	case Set:
		b = v.appendMembers(b)
	}
	return append(b, '}')
}

// AppendJSON appends the map as an item of a response: its fields, without a type around them.
func (m Map) AppendJSON(b []byte) []byte {
	b = append(b, '{')
	for i, f := range m {
		b = appendText(comma(b, i), f.Name)
		b = AppendJSON(append(b, ':'), f.Value)
	}
	return append(b, '}')
}

// MarshalJSON returns what AppendJSON appends, for a map inside another structure.
func (m Map) MarshalJSON() ([]byte, error) { return m.AppendJSON(nil), nil }

// MarshalJSON writes the values in the form that UnmarshalJSON reads.
func (v Values) MarshalJSON() ([]byte, error) { return Map(v).MarshalJSON() }

func (s Set) appendMembers(b []byte) []byte {
	b = append(b, '[')
	for i, m := range s.members {
		b = comma(b, i)
		if s.kind == TypeBS {
			b = appendBinary(b, m)
		} else {
			b = appendText(b, m)
		}
	}
	return append(b, ']')
}

func comma(b []byte, i int) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	return b
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, "true"...)
	}
	return append(b, "false"...)
}

func appendBinary(b []byte, raw string) []byte {
	b = append(b, '"')
	b = base64.StdEncoding.AppendEncode(b, []byte(raw))
	return append(b, '"')
}

// appendText appends a JSON string. It escapes what JSON does not allow, and replaces bytes that
// are not UTF-8.
func appendText(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				b = append(append(b, s[start:i]...), "\ufffd"...)
				start = i + 1
			}
			i += n
			continue
		}
		if c < ' ' || c == '"' || c == '\\' {
			b = append(b, s[start:i]...)
			if c < ' ' {
				b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			} else {
				b = append(b, '\\', c)
			}
			start = i + 1
		}
		i++
	}
	return append(append(b, s[start:]...), '"')
}
