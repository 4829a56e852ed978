package gateway_test

import (
	"encoding/json"
	"testing"

	"hark/localstack/cloud/gateway"
)

func TestSelection(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, expr, message string
		want                string
		ok                  bool
	}{
		{"a field", "$request.body.event", `{"event":"x"}`, "x", true},
		{"a field in braces", "${request.body.event}", `{"event":"x"}`, "x", true},
		{
			"a colon is like any other character", "$request.body.event",
			`{"event":"pusher:subscribe","data":{"channel":"a"}}`, "pusher:subscribe", true,
		},
		{"a nested field", "$request.body.a.b-c.d_e", `{"a":{"b-c":{"d_e":"x"}}}`, "x", true},
		{
			"several and text", "${request.body.a}/${request.body.b}!", `{"a":"x","b":2}`, "x/2!",
			true,
		},
		{
			"one of several is missing", "${request.body.a}/${request.body.b}", `{"a":"x"}`, "",
			false,
		},
		{"a boolean", "$request.body.a", `{"a":true}`, "true", true},
		{"an object", "$request.body.a", `{"a":{"b":1}}`, `{"b":1}`, true},
		{"null is nothing", "$request.body.a", `{"a":null}`, "", false},
		{"escapes are read", "$request.body.a", `{"\u0061":"\u0062"}`, "b", true},
		{"names have a case", "$request.body.a", `{"A":"x"}`, "", false},
		{"the last of two counts", "$request.body.a", `{"a":"x","a":"y"}`, "y", true},
		{"an array has no fields", "$request.body.a", `[{"a":"x"}]`, "", false},
		{"broken JSON has none", "$request.body.a", `{"a":"x"`, "", false},
		{"JSON with more behind it has none", "$request.body.a", `{"a":"x"} {}`, "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			key, err := gateway.ParseSelection(tt.expr)
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := key([]byte(tt.message)); got != tt.want || ok != tt.ok {
				t.Errorf("got %q %t, want %q %t", got, ok, tt.want, tt.ok)
			}
		})
	}
}

func TestSelectionRefuses(t *testing.T) {
	t.Parallel()
	for _, expr := range []string{
		"", "$request.body", "$request.body.", "$request.body.a[0]", "$request.header.x",
		"${context.routeKey}",
	} {
		if _, err := gateway.ParseSelection(expr); err == nil {
			t.Errorf("%q is taken", expr)
		}
	}
}

func FuzzSelection(f *testing.F) {
	for _, seed := range []string{
		`{"event":"x"}`, `{"event":{"a":1}}`, `{"event":null}`, `{"event":"\ud800"}`, "", "[",
		`{"event": 1e9 }`, `{"event":""}`,
	} {
		f.Add([]byte(seed))
	}
	one, err := gateway.ParseSelection("$request.body.event")
	if err != nil {
		f.Fatal(err)
	}
	nested, err := gateway.ParseSelection("${request.body.event.a}-${request.body.event}")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		nested(message)
		key, ok := one(message)
		var object map[string]any
		known := json.Unmarshal(message, &object) == nil && object["event"] != nil
		if ok != known {
			t.Fatalf("%q: found %t, want %t", message, ok, known)
		}
		if s, isString := object["event"].(string); isString && known && s != key {
			t.Fatalf("%q: %q, want %q", message, key, s)
		}
	})
}
