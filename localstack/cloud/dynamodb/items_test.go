package dynamodb_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func TestNumbers(t *testing.T) {
	tests := []struct{ given, stored, err string }{
		{"1.0", "1", ""},
		{"007", "7", ""},
		{"+5", "5", ""},
		{".5", "0.5", ""},
		{"5.", "5", ""},
		{"-0", "0", ""},
		{"0e500", "0", ""},
		{"1e3", "1000", ""},
		{"-1.50e-3", "-0.0015", ""},
		{"0.00010", "0.0001", ""},
		{"1E+100", "1" + strings.Repeat("0", 100), ""},
		{"1e125", "1" + strings.Repeat("0", 125), ""},
		{"1e-130", "0." + strings.Repeat("0", 129) + "1", ""},
		{"18849496460467696129", "18849496460467696129", ""},
		// 2^128-1 has 39 digits: why the stack keeps strings
		{"340282366920938463463374607431768211455", "", validation},
		// 38 significant
		{"123456789012345678901234567890123456780", "123456789012345678901234567890123456780", ""},
		{"1e126", "", validation + ": Number overflow"},
		{"1e-131", "", validation + ": Number underflow"},
		{"abc", "", validation},
		{"", "", validation},
		{"1e", "", validation},
		{"NaN", "", validation},
		{"0x10", "", validation},
		{" 5", "", validation},
	}
	each(t, func(t *testing.T, e *engine) {
		for _, tt := range tests {
			e.run(t, "number "+tt.given, func(t *testing.T, e *engine) {
				_, err := e.PutItem(t.Context(), &sdk.PutItemInput{
					TableName: e.table(state), Item: e.item(t, "a", M{"n": N(tt.given)}),
				})
				wantError(t, err, tt.err)
				if err == nil {
					same(t, e.get(t, "a"), avs(t, M{"n": N(tt.stored)}))
				}
			})
		}
	})
}

func TestEveryTypeComesBack(t *testing.T) {
	stored := M{
		"s": "a\"\\\n\u2028é😀", "empty": "", "n": -1.5, "b": []byte{0, 255, 10}, "t": true,
		"f": false, "nix": nil,
		"l": L{}, "m": M{"inner": M{"l": L{1, "x", L{}}}}, "ss": ss("b", "a"),
		"ns": ns("10", "9", "-1"),
		"bs": &types.AttributeValueMemberBS{Value: [][]byte{{0}, {1}}},
	}
	each(t, func(t *testing.T, e *engine) {
		e.run(t, "item", func(t *testing.T, e *engine) {
			e.put(t, "a", stored)
			same(t, e.get(t, "a"), avs(t, stored))
		})
	})
}

func TestBadItems(t *testing.T) {
	tests := []struct {
		name string
		item M // beside pk
		want string
	}{
		{"no sort key", M{"v": 1}, validation},
		{"a sort key of another type", M{"sk": 1}, validation},
		{
			"an empty sort key",
			M{"sk": ""},
			validation +
				": The AttributeValue for a key attribute cannot contain an empty string " +
				"value. Key: sk",
		},
		{"a sort key of 1024 bytes", M{"sk": strings.Repeat("x", 1024)}, ""},
		{"a sort key of 1025 bytes", M{"sk": strings.Repeat("x", 1025)}, validation},
		{"a partition key of 2048 bytes", M{"pk": strings.Repeat("x", 2048), "sk": "a"}, ""},
		{"a partition key of 2049 bytes", M{
			"pk": strings.Repeat("x", 2049), "sk": "a",
		}, validation},
		{"an empty string elsewhere", M{"sk": "a", "v": ""}, ""},
		{"an empty set", M{"sk": "a", "v": ss()}, validation},
		{"a set with a member twice", M{"sk": "a", "v": ss("x", "x")}, validation},
		{"a number set with a member twice", M{"sk": "a", "v": ns("1", "1.0")}, validation},
		{"32 levels with the item", M{"sk": "a", "v": nested(31)}, ""},
		{"33 levels with the item", M{
			"sk": "a", "v": nested(32),
		}, validation + ": Nesting Levels have exceeded supported limits"},
		// names 5, keys 2
		{"400 KB", M{"pk": "p", "sk": "a", "v": strings.Repeat("x", 400<<10-7)}, ""},
		{"a byte more", M{
			"pk": "p", "sk": "a", "v": strings.Repeat("x", 400<<10-6),
		}, validation + ": Item size has exceeded the maximum allowed size"},
	}
	each(t, func(t *testing.T, e *engine) {
		for _, tt := range tests {
			e.run(t, tt.name, func(t *testing.T, e *engine) {
				item := avs(t, tt.item)
				if item["pk"] == nil {
					item["pk"] = e.key("")["pk"]
				}
				_, err := e.PutItem(
					t.Context(), &sdk.PutItemInput{TableName: e.table(state), Item: item},
				)
				wantError(t, err, tt.want)
			})
		}
	})
}

// nested is a string inside n lists.
func nested(n int) any {
	var v any = "x"
	for range n {
		v = L{v}
	}
	return v
}

func TestBadKeys(t *testing.T) {
	tests := []struct {
		name string
		key  M
		want string
	}{
		{"no sort key", M{"pk": "a"}, validation},
		{"an attribute too many", M{"pk": "a", "sk": "a", "v": 1}, validation},
		{"another attribute", M{"pk": "a", "v": "a"}, validation},
		{"another type", M{"pk": "a", "sk": 1}, validation},
		{
			"an empty string",
			M{"pk": "a", "sk": ""},
			validation + ": cannot contain an empty string value. Key: sk",
		},
	}
	each(t, func(t *testing.T, e *engine) {
		for _, tt := range tests {
			e.run(t, tt.name, func(t *testing.T, e *engine) {
				_, err := e.GetItem(
					t.Context(), &sdk.GetItemInput{TableName: e.table(state), Key: avs(t, tt.key)},
				)
				wantError(t, err, tt.want)
				_, err = e.DeleteItem(t.Context(), &sdk.DeleteItemInput{
					TableName: e.table(state), Key: avs(t, tt.key),
				})
				wantError(t, err, tt.want)
			})
		}
		e.run(t, "no table", func(t *testing.T, e *engine) {
			_, err := e.GetItem(t.Context(), &sdk.GetItemInput{
				TableName: aws.String("no-such-table"), Key: e.key("a"),
			})
			wantError(t, err, notFound)
			_, err = e.DescribeTable(
				t.Context(), &sdk.DescribeTableInput{TableName: aws.String("no-such-table")},
			)
			wantError(t, err, notFound)
		})
	})
}

func TestProjections(t *testing.T) {
	stored := M{"n": 5, "m": M{"a": 1, "b": L{1, 2, M{"c": 3, "d": 4}}}, "l": L{1, 2, 3}}
	tests := []struct {
		name       string
		projection string
		names      map[string]string
		want       M
		err        string
	}{
		{"top-level names", "n, zz", nil, M{"n": 5}, ""},
		{"nothing that exists", "zz", nil, nil, ""},
		{"nested names", "m.a", nil, M{"m": M{"a": 1}}, ""},
		{"nested names that are not there", "m.zz", nil, nil, ""},
		{"a name below a scalar", "n.x", nil, nil, ""},
		{"a list closes up", "l[2], l[0]", nil, M{"l": L{1, 3}}, ""},
		{"a mixture", "m.b[2].#c, l[1]", map[string]string{"#c": "c"}, M{
			"m": M{"b": L{M{"c": 3}}}, "l": L{2},
		}, ""},
		{
			"one path inside another", "m, m.a", nil, nil,
			validation + ": path one: [m], path two: [m, a]",
		},
		{
			"one path twice", "m, #m",
			map[string]string{"#m": "m"},
			nil,
			validation + ": Two document paths overlap",
		},
		{"a reserved word", "name", nil, nil, validation + ": reserved keyword: name"},
		{"a comma at the end", "n,", nil, nil, validation + ": Syntax error"},
		{"no path", "", nil, nil, validation + ": The expression can not be empty"},
		{"a comparison", "n = m", nil, nil, validation + ": Syntax error"},
		{
			"an unused name", "n",
			map[string]string{"#m": "m"},
			nil,
			validation + ": unused in expressions: keys: {#m}",
		},
	}
	each(t, func(t *testing.T, e *engine) {
		for _, tt := range tests {
			e.run(t, tt.name, func(t *testing.T, e *engine) {
				e.put(t, "a", stored)
				out, err := e.GetItem(t.Context(), &sdk.GetItemInput{
					TableName: e.table(state), Key: e.key("a"),
					ProjectionExpression: &tt.projection, ExpressionAttributeNames: tt.names,
				})
				wantError(t, err, tt.err)
				if err == nil {
					same(t, out.Item, avs(t, tt.want))
				}
			})
		}
	})
}

func TestPutAndDeleteReturnTheOldItem(t *testing.T) {
	each(t, func(t *testing.T, e *engine) {
		e.run(t, "all old", func(t *testing.T, e *engine) {
			put := func() map[string]types.AttributeValue {
				out, err := e.PutItem(t.Context(), &sdk.PutItemInput{
					TableName: e.table(state), Item: e.item(t, "a", M{"v": 1}),
					ReturnValues: types.ReturnValueAllOld,
				})
				wantError(t, err, "")
				return out.Attributes
			}
			remove := func() map[string]types.AttributeValue {
				out, err := e.DeleteItem(t.Context(), &sdk.DeleteItemInput{
					TableName: e.table(state), Key: e.key("a"),
					ReturnValues: types.ReturnValueAllOld,
				})
				wantError(t, err, "")
				return out.Attributes
			}
			for step, got := range []map[string]types.AttributeValue{
				put(), put(), remove(), remove(),
			} {
				if (len(got) > 0) != (step == 1 || step == 2) {
					t.Errorf("step %d: %v", step, got)
				}
			}
		})
		e.run(t, "not the new", func(t *testing.T, e *engine) {
			_, err := e.PutItem(t.Context(), &sdk.PutItemInput{
				TableName: e.table(state), Item: e.item(t, "a", nil),
				ReturnValues: types.ReturnValueAllNew,
			})
			wantError(t, err, validation)
		})
	})
}
