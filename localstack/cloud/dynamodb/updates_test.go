package dynamodb_test

import (
	"maps"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// updateCase is an update of updated's item.
type updateCase struct {
	name   string
	update string
	values M
	names  map[string]string
	want   M // what changes
}

// refusedUpdate is an update that fails and changes nothing.
type refusedUpdate struct {
	name   string
	update string
	values M
	err    string
}

// Messages about updates that do not fit their item.
const (
	badPath    = "The document path provided in the update expression is invalid for update"
	badOperand = "An operand in the update expression has an incorrect data type"
)

// absent marks an attribute that an update removes.
const absent = "(absent)"

// updated returns the item of the tests of updates, with changes.
func updated(changes M) M {
	m := M{"n": 5, "s": "x", "l": L{1, 2, 3}, "m": M{"x": 1, "y": 2}, "ss": ss("a", "b")}
	maps.Copy(m, changes)
	maps.DeleteFunc(m, func(_ string, v any) bool { return v == absent })
	return m
}

func testUpdates(t *testing.T, tests []updateCase) {
	each(t, func(t *testing.T, e *engine) {
		for _, tt := range tests {
			e.run(t, tt.name, func(t *testing.T, e *engine) {
				e.put(t, "a", updated(nil))
				out, err := e.tryUpdate(t, tt.update, tt.values, tt.names, types.ReturnValueAllNew)
				wantError(t, err, "")
				if err == nil {
					same(t, withoutKey(out.Attributes), avs(t, updated(tt.want)))
				}
				same(t, e.get(t, "a"), avs(t, updated(tt.want)))
			})
		}
	})
}

func testRefusedUpdates(t *testing.T, tests []refusedUpdate) {
	each(t, func(t *testing.T, e *engine) {
		for _, tt := range tests {
			e.run(t, tt.name, func(t *testing.T, e *engine) {
				e.put(t, "a", updated(nil))
				_, err := e.tryUpdate(
					t, tt.update, tt.values, namesIn(tt.update), types.ReturnValueAllNew,
				)
				wantUpdateError(t, e, err, tt.err)
				same(t, e.get(t, "a"), avs(t, updated(nil)))
			})
		}
	})
}

func (e *engine) tryUpdate(
	t *testing.T, update string, values M, names map[string]string, returned types.ReturnValue,
) (*sdk.UpdateItemOutput, error) {
	return e.UpdateItem(t.Context(), &sdk.UpdateItemInput{
		TableName:                 e.table(state),
		Key:                       e.key("a"),
		UpdateExpression:          &update,
		ExpressionAttributeValues: avs(t, values),
		ExpressionAttributeNames:  names,
		ReturnValues:              returned,
	})
}

func TestSetAssignsWhatItsExpressionSays(t *testing.T) {
	testUpdates(t, []updateCase{
		{"set and remove", "SET a = :v REMOVE n", v(1), nil, M{"a": 1, "n": absent}},
		{"values are of before the update", "SET a = n, n = :v", v(1), nil, M{"a": 5, "n": 1}},
		{"add a number", "SET n = n + :v", v(N("0.1")), nil, M{"n": N("5.1")}},
		{"subtract a number", "SET a = n - :v", v(N("5.25")), nil, M{"a": N("-0.25")}},
		{
			"sums keep 38 digits", "SET a = :v + :w",
			vw(N("99999999999999999999999999999999999998"), N("1")), nil,
			M{"a": N("99999999999999999999999999999999999999")},
		},
		{"a sum in parentheses", "SET a = (n + :v)", v(1), nil, M{"a": 6}},
		{"if_not_exists of what exists", "SET a = if_not_exists(n, :v)", v(1), nil, M{"a": 5}},
		{
			"if_not_exists of what does not", "SET a = if_not_exists(zz, :v) + :v", v(1), nil,
			M{"a": 2},
		},
		{
			"if_not_exists nested", "SET a = if_not_exists(zz, if_not_exists(yy, :v))", v(1), nil,
			M{"a": 1},
		},
		{"list_append", "SET l = list_append(l, :v)", v(L{4}), nil, M{"l": L{1, 2, 3, 4}}},
		{
			"list_append to an absent list", "SET a = list_append(if_not_exists(a, :e), :v)",
			M{":v": L{4}, ":e": L{}},
			nil,
			M{"a": L{4}},
		},
	})
}

func TestUpdatesFollowPaths(t *testing.T) {
	testUpdates(t, []updateCase{
		{
			"indexes beyond a list append in order", "SET l[9] = :v, l[7] = :w REMOVE l[0]",
			vw(9, 7), nil,
			M{"l": L{2, 3, 7, 9}},
		},
		{"removed indexes are of before the update", "REMOVE l[0], l[1]", nil, nil, M{"l": L{3}}},
		{
			"a nested map", "SET m.#z = :v REMOVE m.x", v(3), names("#z", "z"),
			M{"m": M{"y": 2, "z": 3}},
		},
		{
			"a placeholder with odd characters", "SET #m.#ch = :v", v(1),
			names("#m", "m", "#ch", "presence-a.b#c"),
			M{"m": M{"x": 1, "y": 2, "presence-a.b#c": 1}},
		},
		{"remove what is not there", "REMOVE zz, m.zz, l[9]", nil, nil, M{}},
	})
}

func TestAddAndDeleteChangeNumbersAndSets(t *testing.T) {
	testUpdates(t, []updateCase{
		{"ADD to a number", "ADD n :v, zz :v", v(2), nil, M{"n": 7, "zz": 2}},
		{"ADD to a set", "ADD ss :v", M{":v": ss("a", "c")}, nil, M{"ss": ss("a", "b", "c")}},
		{"ADD to a nested number", "ADD m.x :v", v(2), nil, M{"m": M{"x": 3, "y": 2}}},
		{"DELETE from a set", "DELETE ss :v", M{":v": ss("a", "c")}, nil, M{"ss": ss("b")}},
		{"DELETE the last member", "DELETE ss :v", M{":v": ss("a", "b")}, nil, M{"ss": absent}},
		{"DELETE from nothing", "DELETE zz :v", v(ss("a")), nil, M{}},
		{
			"all four sections", "set a = :v remove m.x add n :v delete ss :s",
			M{":v": 1, ":s": ss("a")},
			nil,
			M{"a": 1, "m": M{"y": 2}, "n": 6, "ss": ss("b")},
		},
	})
}

func TestUpdatesThatDoNotFitTheItemChangeNothing(t *testing.T) {
	testRefusedUpdates(t, []refusedUpdate{
		{
			"sums of more than 38 digits are refused", "SET a = :v + :w",
			vw(N("99999999999999999999999999999999999998"), N("0.5")), validation,
		},
		{"a sum with a string", "SET a = s + :v", v(1), invalid(badOperand)},
		{
			"a sum with an absent attribute", "SET a = zz + :v", v(1),
			invalid(
				"The provided expression refers to an attribute that does not exist in the item",
			),
		},
		{"list_append of a number", "SET a = list_append(n, :v)", v(L{4}), invalid(badOperand)},
		{"a nested map that is not there", "SET #on.#ch = :v", v(1), invalid(badPath)},
		{"a map in a scalar", "SET n.x = :v", v(1), invalid(badPath)},
		{"an index of a map", "SET m[0] = :v", v(1), invalid(badPath)},
		{"remove below what is not there", "REMOVE zz.y", nil, invalid(badPath)},
		{"ADD of another set type", "ADD ss :v", v(ns("1")), invalid(badOperand)},
		{"ADD of a string", "ADD n :v", v("x"), invalid("operator: ADD, operand type: STRING")},
		{
			"a value that makes the item too deep", "SET l[0] = :v", v(nested(31)),
			invalid("Nesting Levels have exceeded supported limits"),
		},
	})
}

func TestBadUpdateExpressionsAreRefused(t *testing.T) {
	testRefusedUpdates(t, []refusedUpdate{
		{"a sum of two sums", "SET a = n + n + n", nil, invalid("Syntax error")},
		{
			"if_not_exists of a value", "SET a = if_not_exists(:v, n)", v(1),
			invalid("requires a document path"),
		},
		{
			"a section twice", "SET a = :v SET b = :v", v(1),
			invalid(`The "SET" section can only be used once in an update expression`),
		},
		{
			"one path twice", "SET a = :v, a = :v", v(1),
			invalid(
				"Two document paths overlap with each other; must remove or rewrite one " +
					"of these paths; path one: [a], path two: [a]",
			),
		},
		{
			"a path inside another", "SET a.b = :v, a = :v", v(1),
			invalid("path one: [a, b], path two: [a]"),
		},
		{
			"a path as map and as list", "SET a.b = :v, a[0] = :v", v(1),
			invalid("Two document paths conflict with each other"),
		},
		{
			"the key", "SET sk = :v", v("x"),
			invalid("Cannot update attribute sk. This attribute is part of the key"),
		},
		{
			"a reserved word", "SET status = :v", v(1),
			invalid("Attribute name is a reserved keyword; reserved keyword: status"),
		},
		{
			"a condition's function", "SET a = size(n)", nil,
			invalid("The function is not allowed in an update expression; function: size"),
		},
		{"no section", "foo", nil, invalid("Syntax error")},
		{"an empty section", "SET", nil, invalid("Syntax error")},
	})
}

// wantUpdateError is wantError, except for one message in which DynamoDB Local writes a type
// differently.
func wantUpdateError(t *testing.T, e *engine, err error, want string) {
	t.Helper()
	if want == validation+": operator: ADD, operand type: STRING" && !e.local {
		want = invalid("operator: ADD, operand type: S")
	}
	wantError(t, err, want)
}

func TestUpdateReturnsWhatTheRequestAsksFor(t *testing.T) {
	stored := M{"n": 5, "m": M{"x": 1, "y": 2}}
	tests := []struct {
		name     string
		update   string
		values   M
		returned types.ReturnValue
		want     M
		oursOnly string // the reason
	}{
		{"nothing", "SET n = :v", v(6), types.ReturnValueNone, nil, ""},
		{"all of before", "SET n = :v", v(6), types.ReturnValueAllOld, stored, ""},
		{"all of after", "SET n = :v", v(6), types.ReturnValueAllNew, M{
			"n": 6, "m": M{"x": 1, "y": 2},
		}, ""},
		{
			"the updated attributes of before", "SET n = :v, zz = :v", v(6),
			types.ReturnValueUpdatedOld,
			M{"n": 5},
			"",
		},
		{
			"the updated attributes of after", "SET n = :v, zz = :v", v(6),
			types.ReturnValueUpdatedNew,
			M{"n": 6, "zz": 6},
			"",
		},
		{
			"the removed attributes of before", "REMOVE n", nil, types.ReturnValueUpdatedOld,
			M{"n": 5},
			"",
		},
		{"the removed attributes of after", "REMOVE n", nil, types.ReturnValueUpdatedNew, nil, ""},
		{
			"only the updated part of a map", "SET m.x = :v",
			v(6),
			types.ReturnValueUpdatedNew,
			M{"m": M{"x": 6}},
			"DynamoDB returns the changed fragment (nubo-db/dynoxide#36, " +
				"ExtendDB/extenddb#98), DynamoDB Local the map",
		},
	}
	each(t, func(t *testing.T, e *engine) {
		for _, tt := range tests {
			e.run(t, tt.name, func(t *testing.T, e *engine) {
				e.skipTheirs(t, tt.oursOnly)
				e.put(t, "a", stored)
				out, err := e.tryUpdate(t, tt.update, tt.values, nil, tt.returned)
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
		for _, returned := range types.ReturnValueNone.Values() {
			e.run(t, string(returned), func(t *testing.T, e *engine) {
				out, err := e.tryUpdate(t, "SET a = :v", v(1), nil, returned)
				wantError(t, err, "")
				wanted := map[types.ReturnValue]bool{
					types.ReturnValueAllNew: true, types.ReturnValueUpdatedNew: true,
				}
				if err == nil && (len(out.Attributes) > 0) != wanted[returned] {
					t.Errorf("attributes %v", out.Attributes)
				}
				same(t, e.get(t, "a"), avs(t, M{"a": 1}))
			})
		}
	})
}
