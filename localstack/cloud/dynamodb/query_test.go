package dynamodb_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// keyCondition is a condition on the keys of testKeyConditions' partition.
type keyCondition struct {
	name      string
	condition string
	values    M
	want      []string
	err       string
}

func keysOfTheSteps() []string {
	return []string{"done", "lane", "sub#a", "sub#b", "sub#b#2", "sub$", "sv"}
}

func testKeyConditions(t *testing.T, tests []keyCondition) {
	rows := keysOfTheSteps()
	each(t, func(t *testing.T, e *engine) {
		e.run(t, "partition", func(t *testing.T, e *engine) {
			for _, sk := range rows {
				e.put(t, sk, nil)
			}
			before := *e
			before.pk = "0 a partition before the queried one"
			before.put(t, "sub#a", nil)
			for _, tt := range tests {
				t.Run(tt.name, func(t *testing.T) {
					for _, forward := range []bool{true, false} {
						in := e.query(t, tt.condition, tt.values)
						in.ScanIndexForward = &forward
						out, err := e.Query(t.Context(), in)
						wantError(t, err, tt.err)
						if err != nil {
							continue
						}
						want := slices.Clone(tt.want)
						if !forward {
							slices.Reverse(want)
						}
						if got := sortKeys(out.Items); !slices.Equal(got, want) {
							t.Errorf("forward %t: %q, want %q", forward, got, want)
						}
					}
				})
			}
		})
	})
}

func TestKeyConditionsSelectARange(t *testing.T) {
	rows := keysOfTheSteps()
	testKeyConditions(t, []keyCondition{
		{"a partition", "pk = :p", nil, rows, ""},
		{"the other way round", ":p = pk", nil, rows, ""},
		{"one key", "pk = :p AND sk = :v", v("lane"), rows[1:2], ""},
		{"at least", "pk = :p AND sk >= :v", v("lane"), rows[1:], ""},
		{"above", "pk = :p AND sk > :v", v("lane"), rows[2:], ""},
		{"at most", "sk <= :v AND pk = :p", v("lane"), rows[:2], ""},
		{"below", "(pk = :p) AND (sk < :v)", v("lane"), rows[:1], ""},
		{"below, the other way round", "pk = :p AND :v > sk", v("lane"), rows[:1], ""},
		{"between", "pk = :p AND sk BETWEEN :v AND :w", vw("lane", "sub#b"), rows[1:4], ""},
		{"between gaps", "pk = :p AND sk BETWEEN :v AND :w", vw("e", "sub#bb"), rows[1:5], ""},
		{"a prefix", "pk = :p AND begins_with(sk, :v)", v("sub#"), rows[2:5], ""},
		{"a prefix that is a key", "pk = :p AND begins_with(sk, :v)", v("sub#b"), rows[3:5], ""},
		{"a prefix of none", "pk = :p AND begins_with(sk, :v)", v("x"), nil, ""},
		{
			"a prefix of the last code point", "pk = :p AND begins_with(sk, :v)", v("\U0010ffff"),
			nil, "",
		},
	})
}

func TestBadKeyConditionsAreRefused(t *testing.T) {
	testKeyConditions(t, []keyCondition{
		{
			"between the wrong way round", "pk = :p AND sk BETWEEN :v AND :w", vw("x", "a"), nil,
			invalid("requires upper bound to be greater"),
		},
		{"no partition", "sk = :p", nil, nil, invalid("Query condition missed key schema element")},
		{
			"a range of partitions", "pk > :p", nil, nil,
			invalid("Query key condition not supported"),
		},
		{
			"a prefix of partitions", "begins_with(pk, :p)", nil, nil,
			invalid("Query key condition not supported"),
		},
		{
			"another attribute", "pk = :p AND v = :p", nil, nil,
			invalid("Query condition missed key schema element"),
		},
		{
			"OR", "pk = :p OR sk = :p", nil, nil,
			invalid("Invalid operator used in KeyConditionExpression: OR"),
		},
		{
			"NOT", "pk = :p AND NOT sk = :p", nil, nil,
			invalid("Invalid operator used in KeyConditionExpression: NOT"),
		},
		{
			"unequal", "pk = :p AND sk <> :p", nil, nil,
			invalid("Invalid operator used in KeyConditionExpression: <>"),
		},
		{
			"IN", "pk = :p AND sk IN (:p)", nil, nil,
			invalid("Invalid operator used in KeyConditionExpression: IN"),
		},
		{
			"contains", "pk = :p AND contains(sk, :p)", nil, nil,
			invalid("Invalid operator used in KeyConditionExpression: contains"),
		},
		{
			"a key twice", "pk = :p AND sk > :p AND sk < :p", nil, nil,
			invalid("must only contain one condition per key"),
		},
		{
			"two attributes", "pk = sk", nil, nil,
			invalid("Multiple attribute names used in one condition"),
		},
		{"a size", "size(pk) = :p", nil, nil, invalid("cannot contain nested operations")},
		{"a nested path", "pk.a = :p", nil, nil, invalid("Key attributes must be scalars")},
		{
			"another type", "pk = :p AND sk = :v", v(1), nil,
			invalid("Condition parameter type does not match schema type"),
		},
		{
			"an empty string", "pk = :p AND sk >= :v", v(""), nil,
			invalid("cannot contain an empty string value. Key: sk"),
		},
	})
}

// query returns a strong query of the state table. If the condition has :p, its value is the test's
// partition.
func (e *engine) query(
	t *testing.T, condition string, values M, edits ...func(*sdk.QueryInput),
) *sdk.QueryInput {
	t.Helper()
	all := M{}
	if strings.Contains(condition, ":p") {
		all[":p"] = e.pk
	}
	for k, v := range values {
		all[k] = v
	}
	in := &sdk.QueryInput{
		TableName: e.table(state), ConsistentRead: aws.Bool(true),
		KeyConditionExpression: &condition, ExpressionAttributeValues: avs(t, all),
	}
	for _, edit := range edits {
		edit(in)
	}
	return in
}

func sortKeys(items []map[string]types.AttributeValue) []string {
	var keys []string
	for _, i := range items {
		switch sk := i["sk"].(type) {
		case *types.AttributeValueMemberS:
			keys = append(keys, sk.Value)
		case *types.AttributeValueMemberN:
			keys = append(keys, sk.Value)
		case *types.AttributeValueMemberB:
			keys = append(keys, fmt.Sprintf("%x", sk.Value))
		}
	}
	return keys
}

func TestOrderOfKeys(t *testing.T) {
	tests := []struct {
		table string
		keys  L
		want  []string
	}{
		{state, L{"b", "a", "B", "aa", "é", "😀", "\uffee"}, []string{
			"B", "a", "aa", "b", "é", "\uffee", "😀",
		}},
		{
			numbers,
			L{
				10, 2, -1, N("-1.5"), N("1e2"), N("0.5"), 0, N("18849496460467696129"),
				N("18849496460467696128"),
			},
			[]string{
				"-1.5", "-1", "0", "0.5", "2", "10", "100", "18849496460467696128",
				"18849496460467696129",
			},
		},
		{bytes, L{[]byte{255}, []byte{0}, []byte{128}, []byte{0, 1}}, []string{
			"00", "0001", "80", "ff",
		}},
	}
	each(t, func(t *testing.T, e *engine) {
		for _, tt := range tests {
			e.run(t, tt.table, func(t *testing.T, e *engine) {
				for _, sk := range tt.keys {
					_, err := e.PutItem(t.Context(), &sdk.PutItemInput{
						TableName: e.table(tt.table), Item: avs(t, M{"pk": e.pk, "sk": sk}),
					})
					wantError(t, err, "")
				}
				in := e.query(t, "pk = :p", nil)
				in.TableName = e.table(tt.table)
				out, err := e.Query(t.Context(), in)
				wantError(t, err, "")
				if got := sortKeys(out.Items); !slices.Equal(got, tt.want) {
					t.Errorf("%q, want %q", got, tt.want)
				}
			})
		}
	})
}

func TestPrefixOfBytes(t *testing.T) {
	each(t, func(t *testing.T, e *engine) {
		e.run(t, "at the end of a byte's range", func(t *testing.T, e *engine) {
			for _, sk := range [][]byte{
				{0x7f}, {0x80}, {0x80, 0xff}, {0x80, 0xff, 0xff}, {0x81}, {0xff}, {0xff, 0xff},
			} {
				_, err := e.PutItem(t.Context(), &sdk.PutItemInput{
					TableName: e.table(bytes), Item: avs(t, M{"pk": e.pk, "sk": sk}),
				})
				wantError(t, err, "")
			}
			for prefix, want := range map[string][]string{
				"\x80": {"80", "80ff", "80ffff"}, "\x80\xff": {"80ff", "80ffff"},
				"\xff": {"ff", "ffff"}, "\xff\xff\xff": nil,
			} {
				out, err := e.Query(t.Context(), e.query(t, "pk = :p AND begins_with(sk, :v)", v(
					[]byte(prefix),
				),
					func(in *sdk.QueryInput) { in.TableName = e.table(bytes) }))
				wantError(t, err, "")
				if got := sortKeys(out.Items); !slices.Equal(got, want) {
					t.Errorf("%x: %q, want %q", prefix, got, want)
				}
			}
		})
	})
}
