package attr_test

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"hark/localstack/cloud/dynamodb/attr"
)

func TestSizes(t *testing.T) {
	tests := []struct {
		name, item string
		want       int
	}{
		{"a string in UTF-8", `{"ab":{"S":"é"}}`, 2 + 2},
		{"two digits are a byte, and one more", `{"n":{"N":"1234"}}`, 1 + 3},
		{"an odd digit rounds up", `{"n":{"N":"123"}}`, 1 + 3},
		{"zeros at the ends do not count", `{"n":{"N":"0.00123000"}}`, 1 + 3},
		{"nor do those of a large number", `{"n":{"N":"1e100"}}`, 1 + 2},
		{"a minus sign counts", `{"n":{"N":"-12"}}`, 1 + 3},
		{"zero is a byte", `{"n":{"N":"0"}}`, 1 + 1},
		{"bytes are counted raw", `{"b":{"B":"AAEC"}}`, 1 + 3},
		{"a boolean and null are a byte", `{"t":{"BOOL":false},"x":{"NULL":true}}`, 2 + 2},
		{"a list: 3 and 1 for each", `{"l":{"L":[{"S":"a"},{"N":"1"}]}}`, 1 + 3 + 2 + 1 + 2},
		{"a map: 3 and 1 for each", `{"m":{"M":{"ab":{"S":"c"}}}}`, 1 + 3 + 1 + 2 + 1},
		{"a set is its members", `{"s":{"SS":["ab","c"]}}`, 1 + 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var m attr.Map
			if err := json.Unmarshal([]byte(tt.item), &m); err != nil {
				t.Fatal(err)
			}
			if got := m.ItemSize(); got != tt.want {
				t.Errorf("%d bytes, want %d", got, tt.want)
			}
		})
	}
}

// FuzzMap reads arbitrary JSON. An accepted value must be the same, and of the same size, after
// it is written and read again.
func FuzzMap(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":{"S":"x\n\u00e9\ud83d\ude00"}}`,
		`{"a":{"N":"-1.50e-3"},"b":{"B":"AAE="},"a":{"BOOL":true}}`,
		`{"l":{"L":[{"NULL":true},{"M":{"":{"S":""}}}]}}`,
		`{"s":{"SS":["b","a"]},"n":{"NS":["1","1.0"]},"b":{"BS":["AA=="]}}`,
		`{"a":{"S":null,"N":"1"}}`, `{"a":{"S":"x"},}`, `{"a":{"L":[{"S":"x"}`,
		`{"a":{"NULL":false}}`, "{\"\xff\":{\"S\":\"\xff\"}}",
		strings.Repeat(`{"a":{"M":`, 40) + "{}" + strings.Repeat("}}", 40),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var direct attr.Map
		// UnmarshalJSON must not panic even if encoding/json has not checked its input.
		directErr := direct.UnmarshalJSON(data)
		var m attr.Map
		if err := json.Unmarshal(data, &m); err != nil || m == nil {
			return
		}
		if directErr != nil {
			t.Fatalf("read only behind encoding/json: %v", directErr)
		}
		again := m.AppendJSON(nil)
		var n attr.Map
		if err := json.Unmarshal(again, &n); err != nil {
			t.Fatalf("%s became %s: %v", data, again, err)
		}
		if !attr.Equal(m, n) || m.ItemSize() != n.ItemSize() ||
			string(again) != string(n.AppendJSON(nil)) {
			t.Fatalf("%s became %s and that %s", data, again, n.AppendJSON(nil))
		}
		if attr.Depth(m) > attr.MaxDepth {
			t.Fatalf("%s is too deep", data)
		}
	})
}

// FuzzNumbers compares reading, order, sum and difference with exact rational arithmetic.
func FuzzNumbers(f *testing.F) {
	for _, s := range [][2]string{
		{"18849496460467696128", "18849496460467696129"},
		{"-0.5", "5e-1"},
		{"1e125", "1e-130"},
		{"99999999999999999999999999999999999999", "1"},
		{"007", "+7."},
		{"1e9999999999999999999", "-1e-5"},
		{"0e999", "-0"},
		{"1e+-5", "1e--5"},
		{"1__0", "0x1"},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		x, errX := attr.ParseNumber(a)
		y, errY := attr.ParseNumber(b)
		if errX != nil || errY != nil {
			return
		}
		p, q := exact(t, string(x)), exact(t, string(y))
		if given, ok := new(big.Rat).SetString(strings.TrimSuffix(a, ".")); ok &&
			given.Cmp(p) != 0 {
			t.Fatalf("%s was read as %s", a, x)
		}
		if again, err := attr.ParseNumber(string(x)); err != nil || again != x {
			t.Fatalf("%s is not canonical: %s, %v", x, again, err)
		}
		if got, ok := attr.Compare(x, y); !ok || got != p.Cmp(q) ||
			attr.Equal(x, y) != (p.Cmp(q) == 0) {
			t.Fatalf("order of %s and %s: %d", x, y, got)
		}
		if sum, err := x.Add(y); err == nil &&
			exact(t, string(sum)).Cmp(new(big.Rat).Add(p, q)) != 0 {
			t.Fatalf("%s + %s = %s", x, y, sum)
		}
		if difference, err := x.Sub(y); err == nil &&
			exact(t, string(difference)).Cmp(new(big.Rat).Sub(p, q)) != 0 {
			t.Fatalf("%s - %s = %s", x, y, difference)
		}
	})
}

func exact(t *testing.T, s string) *big.Rat {
	t.Helper()
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		t.Fatalf("%q is no number", s)
	}
	return r
}
