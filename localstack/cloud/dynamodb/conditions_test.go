package dynamodb_test

import (
	"errors"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// conditionCase is a condition on the item that testConditions stores.
type conditionCase struct {
	name      string
	condition string
	values    M
	names     map[string]string
	want      string // yes, no, or an error
}

// The results of conditions.
const yes, no = "", failed

func testConditions(t *testing.T, tests []conditionCase) {
	stored := M{
		"n": 5, "s": "abc", "u": "é€😀", "yes": true, "nix": nil, "b": []byte("hello"),
		"m": M{"x": 1, "l": L{1, "q"}}, "ss": ss("a", "b"), "ns": ns("1", "2.0"),
		"big": N("18849496460467696128"), "seq": "000000000000000000018849496460467696128",
	}
	each(t, func(t *testing.T, e *engine) {
		for _, tt := range tests {
			e.run(t, tt.name, func(t *testing.T, e *engine) {
				e.put(t, "a", stored)
				_, err := e.DeleteItem(t.Context(), &sdk.DeleteItemInput{
					TableName:                 e.table(state),
					Key:                       e.key("a"),
					ConditionExpression:       &tt.condition,
					ExpressionAttributeValues: avs(t, tt.values),
					ExpressionAttributeNames:  tt.names,
				})
				wantError(t, err, tt.want)
				if gone := e.get(t, "a") == nil; gone != (err == nil) {
					t.Errorf("gone: %t, after error %v", gone, err)
				}
			})
		}
	})
}

func TestComparisons(t *testing.T) {
	testConditions(t, []conditionCase{
		{"a number equals itself in another form", "n = :v", v(N("5.00")), nil, yes},
		{"types are never equal", "n = :v", v("5"), nil, no},
		{"types are always unequal", "n <> :v", v("5"), nil, yes},
		{"types have no order", "n < :v", v("9"), nil, no},
		{"nothing equals an absent attribute", "zz = :v", v(1), nil, no},
		{"an absent attribute is unequal", "zz <> :v", v(1), nil, yes},
		{"an absent attribute is not less", "zz < :v", v(1), nil, no},
		{"NOT of an absent attribute is true", "NOT zz < :v", v(1), nil, yes},
		{"two absent attributes are unequal", "zz <> yy", nil, nil, yes},
		{
			"numbers beyond float64 differ", "big < :v", v(N("18849496460467696129")), nil,
			yes,
		},
		{"numbers beyond float64 are not equal", "big = :v", v(N("18849496460467696129")), nil, no},
		{
			"numbers beyond float64 are between", "big BETWEEN :v AND :w",
			vw(N("18849496460467696127"), N("18849496460467696129")), nil, yes,
		},
		{
			"padded decimals compare as text", "seq < :v",
			v("000000000000000000018849496460467696129"), nil, yes,
		},
		{
			"a longer padded decimal is larger", "seq < :v",
			v("000000000000000000100000000000000000000"), nil, yes,
		},
		{"negative numbers are below positive ones", ":v < n", v(N("-7.5")), nil, yes},
		{"sets are equal in any order", "ss = :v", M{":v": ss("b", "a")}, nil, yes},
		{"number sets are equal in any form", "ns = :v", M{":v": ns("2", "1.0")}, nil, yes},
		{"maps are compared deeply", "m = :v", M{":v": M{"l": L{1, "q"}, "x": 1}}, nil, yes},
		{"booleans equal", "yes = :v", v(true), nil, yes},
		{"null equals null", "nix = :v", v(nil), nil, yes},
		{
			"order of a boolean is refused", "n < :v", v(true), nil,
			invalid(
				"Incorrect operand type for operator or function; operator or function: " +
					"<, operand type: BOOL",
			),
		},
	})
}

func TestBetweenAndIn(t *testing.T) {
	testConditions(t, []conditionCase{
		{"BETWEEN includes its bounds", "n BETWEEN :v AND :w", vw(5, 5), nil, yes},
		{
			"BETWEEN the wrong way round", "n BETWEEN :v AND :w", vw(6, 1), nil,
			invalid("requires upper bound to be greater"),
		},
		{
			"BETWEEN of two types", "n BETWEEN :v AND :w", vw(1, "x"), nil,
			invalid("requires same data type"),
		},
		{
			"BETWEEN and AND", "n BETWEEN :v AND :w AND s = :s",
			M{":v": 1, ":w": 9, ":s": "abc"},
			nil, yes,
		},
		{"IN finds", "n IN (:v, :w)", vw(4, N("5.0")), nil, yes},
		{"IN does not find", "n IN (:v)", v(4), nil, no},
		{"IN on a nested path behind AND", "n = :v AND m.x IN (:w)", vw(5, 1), nil, yes},
		{"IN without a list", "n IN :v", v(4), nil, invalid("Syntax error")},
	})
}

func TestConditionFunctions(t *testing.T) {
	testConditions(t, []conditionCase{
		{"begins_with", "begins_with(s, :v)", v("ab"), nil, yes},
		{"begins_with of bytes", "begins_with(b, :v)", v([]byte("he")), nil, yes},
		{"begins_with of a number attribute", "begins_with(n, :v)", v("5"), nil, no},
		{
			"begins_with a number", "begins_with(s, :v)", v(1), nil,
			invalid("operator or function: begins_with, operand type: N"),
		},
		{"contains of a string", "contains(s, :v)", v("bc"), nil, yes},
		{"contains of a set", "contains(ss, :v)", v("a"), nil, yes},
		{"contains of a number set", "contains(ns, :v)", v(N("2.00")), nil, yes},
		{"contains of a list", "contains(m.l, :v)", v("q"), nil, yes},
		{"contains of a map is false", "contains(m, :v)", v("x"), nil, no},
		{"attribute_type", "attribute_type(ss, :v)", v("SS"), nil, yes},
		{
			"attribute_type that does not exist", "attribute_type(ss, :v)", v("X"), nil,
			invalid("Invalid attribute type name found; type: X"),
		},
		{"size of a string is in UTF-16 units", "size(u) = :v", v(4), nil, yes},
		{"size of bytes", "size(b) = :v", v(5), nil, yes},
		{"size of a map", "size(m) = :v", v(2), nil, yes},
		{"size of a set", "size(ss) > :v", v(1), nil, yes},
		{"size of a number is nothing", "size(n) >= :v", v(0), nil, no},
		{"size between", "size(s) BETWEEN :v AND :w", vw(1, 3), nil, yes},
		{"attribute_exists inside a list", "attribute_exists(m.l[1])", nil, nil, yes},
		{"attribute_exists beyond a list", "attribute_exists(m.l[2])", nil, nil, no},
		{"attribute_not_exists through a scalar", "attribute_not_exists(s.x)", nil, nil, yes},
	})
}

func TestOperatorsBindInOrder(t *testing.T) {
	testConditions(t, []conditionCase{
		{"nested names by placeholders", "#m.#x = :v", v(1), names("#m", "m", "#x", "x"), yes},
		{
			"a placeholder with a dot is one name", "attribute_exists(#p)", nil, names("#p", "m.x"),
			no,
		},
		{"AND binds before OR", "n = :v OR n = :w AND n = :w", vw(5, 6), nil, yes},
		{"NOT binds before AND", "NOT n = :w AND n = :v", vw(5, 6), nil, yes},
		{"parentheses", "(n = :v OR n = :w) AND n = :w", vw(5, 6), nil, no},
		{"keywords in small letters", "not n = :w and n between :v and :v", vw(5, 6), nil, yes},
	})
}

func TestBadConditionsAreRefused(t *testing.T) {
	testConditions(t, []conditionCase{
		{
			"doubled parentheses", "((n = :v))", v(5), nil,
			invalid("The expression has redundant parentheses"),
		},
		{
			"an operand against itself", "n = n", nil, nil,
			invalid("The first operand must be distinct from the remaining operands"),
		},
		{"two conditions without AND", "n = :v s = :v", v(5), nil, invalid("Syntax error")},
		{"nothing", "", nil, nil, invalid("The expression can not be empty")},
		{"half a comparison", "n =", nil, nil, invalid("Syntax error")},
		{"a bare name", "n", nil, nil, invalid("Syntax error")},
		{"a literal number", "n = 5", nil, nil, invalid("Syntax error")},
		{
			"a reserved word", "status = :v", v(5), nil,
			invalid("Attribute name is a reserved keyword; reserved keyword: status"),
		},
		{
			"an unknown function", "SIZE(n) = :v", v(5), nil,
			invalid("Invalid function name; function: SIZE"),
		},
		{
			"an update's function", "if_not_exists(n, :v)", v(5), nil,
			invalid("The function is not allowed in a condition expression"),
		},
		{
			"size alone", "size(n)", nil, nil,
			invalid("The function is not allowed to be used this way"),
		},
		{"too few operands", "begins_with(s)", nil, nil, invalid("Incorrect number of operands")},
		{
			"attribute_exists of a value", "attribute_exists(:v)", v(5), nil,
			invalid("requires a document path"),
		},
	})
}

func TestPlaceholdersMustBeDefinedAndUsed(t *testing.T) {
	testConditions(t, []conditionCase{
		{
			"an undefined name", "#x = :v", v(5), nil,
			invalid(
				"An expression attribute name used in the document path is not defined; " +
					"attribute name: #x",
			),
		},
		{
			"an undefined value", "n = :w", nil, nil,
			invalid(
				"An expression attribute value used in expression is not defined; " +
					"attribute value: :w",
			),
		},
		{
			"an unused name", "n = :v", v(5), names("#x", "x"),
			invalid("Value provided in ExpressionAttributeNames unused in expressions: keys: {#x}"),
		},
		{
			"an unused value", "n = :v", vw(5, 5), nil,
			invalid(
				"Value provided in ExpressionAttributeValues unused in expressions: keys: {:w}",
			),
		},
		{
			"a name without #", "n = :v", v(5),
			map[string]string{"x": "x"},
			invalid("ExpressionAttributeNames contains invalid key"),
		},
	})
}

func TestFailedConditionShowsTheItem(t *testing.T) {
	each(t, func(t *testing.T, e *engine) {
		e.run(t, "that is there", func(t *testing.T, e *engine) {
			e.put(t, "a", M{"v": 1})
			if shown := e.collide(t, "attribute_not_exists(pk)"); shown == nil {
				t.Error("no item")
			} else {
				same(t, withoutKey(shown), avs(t, M{"v": 1}))
			}
		})
		e.run(t, "that is not there", func(t *testing.T, e *engine) {
			if shown := e.collide(t, "attribute_exists(pk)"); shown != nil {
				t.Errorf("item %v", shown)
			}
		})
	})
}

// collide puts an item with a condition that fails, and returns the item that the error includes.
func (e *engine) collide(t *testing.T, condition string) map[string]types.AttributeValue {
	t.Helper()
	_, err := e.PutItem(t.Context(), &sdk.PutItemInput{
		TableName:                           e.table(state),
		Item:                                e.item(t, "a", nil),
		ConditionExpression:                 &condition,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	wantError(t, err, failed)
	var failure *types.ConditionalCheckFailedException
	if !errors.As(err, &failure) {
		t.Fatal(err)
	}
	return failure.Item
}
