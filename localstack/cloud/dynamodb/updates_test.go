package dynamodb_test

import (
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func TestUpdates(t *testing.T) {
	stored := M{"n": 5, "s": "x", "l": L{1, 2, 3}, "m": M{"x": 1, "y": 2}, "ss": ss("a", "b")}
	with := func(changes M) M {
		m := M{}
		for k, v := range stored {
			m[k] = v
		}
		for k, v := range changes {
			if v == absent {
				delete(m, k)
			} else {
				m[k] = v
			}
		}
		return m
	}
	const path = validation +
		": The document path provided in the update expression is invalid for update"
	const operand = validation + ": An operand in the update expression has an incorrect data type"
	tests := []struct {
		name   string
		update string
		values M
		names  map[string]string
		want   M // what changes
		err    string
	}{
		{"set and remove", "SET a = :v REMOVE n", M{":v": 1}, nil, M{"a": 1, "n": absent}, ""},
		{
			"values are of before the update", "SET a = n, n = :v", M{":v": 1}, nil,
			M{"a": 5, "n": 1}, "",
		},
		{"add a number", "SET n = n + :v", M{":v": N("0.1")}, nil, M{"n": N("5.1")}, ""},
		{"subtract a number", "SET a = n - :v", M{":v": N("5.25")}, nil, M{"a": N("-0.25")}, ""},
		{"sums keep 38 digits", "SET a = :v + :w", M{
			":v": N("99999999999999999999999999999999999998"), ":w": N("1"),
		}, nil, M{"a": N("99999999999999999999999999999999999999")}, ""},
		{"sums of more than 38 digits are refused", "SET a = :v + :w", M{
			":v": N("99999999999999999999999999999999999998"), ":w": N("0.5"),
		}, nil, nil, validation},
		{"a sum of two sums", "SET a = n + n + n", nil, nil, nil, validation + ": Syntax error"},
		{"a sum in parentheses", "SET a = (n + :v)", M{":v": 1}, nil, M{"a": 6}, ""},
		{"a sum with a string", "SET a = s + :v", M{":v": 1}, nil, nil, operand},
		{
			"a sum with an absent attribute", "SET a = zz + :v", M{":v": 1}, nil, nil,
			validation +
				": The provided expression refers to an attribute that does not exist in the item",
		},
		{
			"if_not_exists of what exists", "SET a = if_not_exists(n, :v)", M{":v": 1}, nil,
			M{"a": 5}, "",
		},
		{
			"if_not_exists of what does not", "SET a = if_not_exists(zz, :v) + :v", M{":v": 1}, nil,
			M{"a": 2}, "",
		},
		{
			"if_not_exists nested", "SET a = if_not_exists(zz, if_not_exists(yy, :v))", M{":v": 1},
			nil, M{"a": 1}, "",
		},
		{
			"if_not_exists of a value", "SET a = if_not_exists(:v, n)", M{":v": 1}, nil, nil,
			validation + ": requires a document path",
		},
		{
			"list_append", "SET l = list_append(l, :v)", M{":v": L{4}}, nil, M{"l": L{1, 2, 3, 4}},
			"",
		},
		{
			"list_append to an absent list", "SET a = list_append(if_not_exists(a, :e), :v)",
			M{":v": L{4}, ":e": L{}}, nil, M{"a": L{4}}, "",
		},
		{"list_append of a number", "SET a = list_append(n, :v)", M{":v": L{4}}, nil, nil, operand},
		{
			"indexes beyond a list append in order", "SET l[9] = :v, l[7] = :w REMOVE l[0]",
			M{":v": 9, ":w": 7}, nil, M{"l": L{2, 3, 7, 9}}, "",
		},
		{
			"removed indexes are of before the update", "REMOVE l[0], l[1]", nil, nil, M{"l": L{3}},
			"",
		},
		{
			"a nested map", "SET m.#z = :v REMOVE m.x", M{":v": 3}, map[string]string{"#z": "z"},
			M{"m": M{"y": 2, "z": 3}}, "",
		},
		{"a placeholder with odd characters", "SET #m.#ch = :v", M{":v": 1}, map[string]string{
			"#m": "m", "#ch": "presence-a.b#c",
		}, M{"m": M{"x": 1, "y": 2, "presence-a.b#c": 1}}, ""},
		{"a nested map that is not there", "SET #on.#ch = :v", M{":v": 1}, map[string]string{
			"#on": "on", "#ch": "news",
		}, nil, path},
		{"a map in a scalar", "SET n.x = :v", M{":v": 1}, nil, nil, path},
		{"an index of a map", "SET m[0] = :v", M{":v": 1}, nil, nil, path},
		{"remove what is not there", "REMOVE zz, m.zz, l[9]", nil, nil, M{}, ""},
		{"remove below what is not there", "REMOVE zz.y", nil, nil, nil, path},
		{"ADD to a number", "ADD n :v, zz :v", M{":v": 2}, nil, M{"n": 7, "zz": 2}, ""},
		{"ADD to a set", "ADD ss :v", M{":v": ss("a", "c")}, nil, M{"ss": ss("a", "b", "c")}, ""},
		{"ADD to a nested number", "ADD m.x :v", M{":v": 2}, nil, M{"m": M{"x": 3, "y": 2}}, ""},
		{"ADD of another set type", "ADD ss :v", M{":v": ns("1")}, nil, nil, operand},
		{
			"ADD of a string", "ADD n :v", M{":v": "x"}, nil, nil,
			validation + ": operator: ADD, operand type: STRING",
		},
		{"DELETE from a set", "DELETE ss :v", M{":v": ss("a", "c")}, nil, M{"ss": ss("b")}, ""},
		{"DELETE the last member", "DELETE ss :v", M{":v": ss("a", "b")}, nil, M{"ss": absent}, ""},
		{"DELETE from nothing", "DELETE zz :v", M{":v": ss("a")}, nil, M{}, ""},
		{
			"all four sections", "set a = :v remove m.x add n :v delete ss :s",
			M{":v": 1, ":s": ss("a")}, nil, M{"a": 1, "m": M{"y": 2}, "n": 6, "ss": ss("b")}, "",
		},
		{
			"a section twice", "SET a = :v SET b = :v", M{":v": 1}, nil, nil,
			validation + `: The "SET" section can only be used once in an update expression`,
		},
		{
			"one path twice", "SET a = :v, a = :v", M{":v": 1}, nil, nil,
			validation +
				": Two document paths overlap with each other; must remove or rewrite one of " +
				"these paths; path one: [a], path two: [a]",
		},
		{
			"a path inside another", "SET a.b = :v, a = :v", M{":v": 1}, nil, nil,
			validation + ": path one: [a, b], path two: [a]",
		},
		{
			"a path as map and as list", "SET a.b = :v, a[0] = :v", M{":v": 1}, nil, nil,
			validation + ": Two document paths conflict with each other",
		},
		{
			"the key", "SET sk = :v", M{":v": "x"}, nil, nil,
			validation + ": Cannot update attribute sk. This attribute is part of the key",
		},
		{
			"a reserved word", "SET status = :v", M{":v": 1}, nil, nil,
			validation + ": Attribute name is a reserved keyword; reserved keyword: status",
		},
		{
			"a condition's function", "SET a = size(n)", nil, nil, nil,
			validation + ": The function is not allowed in an update expression; function: size",
		},
		{
			"a value that makes the item too deep", "SET l[0] = :v", M{":v": nested(31)}, nil, nil,
			validation + ": Nesting Levels have exceeded supported limits",
		},
		{"no section", "foo", nil, nil, nil, validation + ": Syntax error"},
		{"an empty section", "SET", nil, nil, nil, validation + ": Syntax error"},
	}
	each(t, func(t *testing.T, e *engine) {
		for _, tt := range tests {
			e.run(t, tt.name, func(t *testing.T, e *engine) {
				e.put(t, "a", stored)
				out, err := e.UpdateItem(t.Context(), &sdk.UpdateItemInput{
					TableName:                 e.table(state),
					Key:                       e.key("a"),
					UpdateExpression:          &tt.update,
					ExpressionAttributeValues: avs(t, tt.values),
					ExpressionAttributeNames:  tt.names,
					ReturnValues:              types.ReturnValueAllNew,
				})
				wantUpdateError(t, e, err, tt.err)
				if err == nil {
					same(t, withoutKey(out.Attributes), avs(t, with(tt.want)))
				}
				same(t, e.get(t, "a"), avs(t, with(tt.want)))
			})
		}
	})
}

// wantUpdateError is wantError but for one message in which DynamoDB Local spells a type out.
func wantUpdateError(t *testing.T, e *engine, err error, want string) {
	t.Helper()
	if want == validation+": operator: ADD, operand type: STRING" && !e.local {
		want = validation + ": operator: ADD, operand type: S"
	}
	wantError(t, err, want)
}

// absent marks an attribute that an update removes.
const absent = "(absent)"

func TestUpdateReturnsWhatWasAsked(t *testing.T) {
	stored := M{"n": 5, "m": M{"x": 1, "y": 2}}
	tests := []struct {
		name   string
		update string
		values M
		asked  types.ReturnValue
		want   M
		aws    string // why only ours is asked
	}{
		{"nothing", "SET n = :v", M{":v": 6}, types.ReturnValueNone, nil, ""},
		{"all of before", "SET n = :v", M{":v": 6}, types.ReturnValueAllOld, stored, ""},
		{"all of after", "SET n = :v", M{":v": 6}, types.ReturnValueAllNew, M{
			"n": 6, "m": M{"x": 1, "y": 2},
		}, ""},
		{
			"the updated of before", "SET n = :v, zz = :v", M{":v": 6}, types.ReturnValueUpdatedOld,
			M{"n": 5}, "",
		},
		{
			"the updated of after", "SET n = :v, zz = :v", M{":v": 6}, types.ReturnValueUpdatedNew,
			M{"n": 6, "zz": 6}, "",
		},
		{"the removed of before", "REMOVE n", nil, types.ReturnValueUpdatedOld, M{"n": 5}, ""},
		{"the removed of after", "REMOVE n", nil, types.ReturnValueUpdatedNew, nil, ""},
		{
			"only the updated part of a map", "SET m.x = :v",
			M{":v": 6},
			types.ReturnValueUpdatedNew,
			M{"m": M{"x": 6}},
			"DynamoDB returns the changed fragment (nubo-db/dynoxide#36, " +
				"ExtendDB/extenddb#98), DynamoDB Local the map",
		},
	}
	each(t, func(t *testing.T, e *engine) {
		for _, tt := range tests {
			e.run(t, tt.name, func(t *testing.T, e *engine) {
				if tt.aws != "" && e.local {
					t.Skip(tt.aws)
				}
				e.put(t, "a", stored)
				out, err := e.UpdateItem(t.Context(), &sdk.UpdateItemInput{
					TableName:                 e.table(state),
					Key:                       e.key("a"),
					UpdateExpression:          &tt.update,
					ExpressionAttributeValues: avs(t, tt.values),
					ReturnValues:              tt.asked,
				})
				wantError(t, err, "")
				if err == nil {
					same(t, withoutKey(out.Attributes), avs(t, tt.want))
				}
			})
		}
	})
}

func TestUpdateMakesAnItem(t *testing.T) {
	each(t, func(t *testing.T, e *engine) {
		for _, asked := range types.ReturnValueNone.Values() {
			e.run(t, string(asked), func(t *testing.T, e *engine) {
				update := "SET a = :v"
				out, err := e.UpdateItem(t.Context(), &sdk.UpdateItemInput{
					TableName:                 e.table(state),
					Key:                       e.key("a"),
					UpdateExpression:          &update,
					ExpressionAttributeValues: avs(t, M{":v": 1}),
					ReturnValues:              asked,
				})
				wantError(t, err, "")
				wanted := map[types.ReturnValue]bool{
					types.ReturnValueAllNew: true, types.ReturnValueUpdatedNew: true,
				}
				if err == nil && (len(out.Attributes) > 0) != wanted[asked] {
					t.Errorf("attributes %v", out.Attributes)
				}
				same(t, e.get(t, "a"), avs(t, M{"a": 1}))
			})
		}
	})
}
