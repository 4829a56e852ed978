package pusher

import (
	"bytes"
	"encoding/json"
)

// EncodeJSON returns v as JSON on one line. Unlike json.Marshal it does not escape <, > and & for
// HTML: nothing here is put into a page, and the escapes would only make frames, messages and URLs
// longer.
func EncodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// EncodeMessage is EncodeJSON for text that travels in an SQS message. It escapes the two
// characters that JSON may hold and such a message may not, U+FFFE and U+FFFF (docs/aws.md §C).
func EncodeMessage(v any) ([]byte, error) {
	text, err := EncodeJSON(v)
	text = bytes.ReplaceAll(text, []byte("\ufffe"), []byte(`\ufffe`))
	return bytes.ReplaceAll(text, []byte("\uffff"), []byte(`\uffff`)), err
}
