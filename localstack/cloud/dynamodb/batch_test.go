package dynamodb_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func (e *engine) keys(n int) []map[string]types.AttributeValue {
	keys := make([]map[string]types.AttributeValue, n)
	for i := range keys {
		keys[i] = e.key(fmt.Sprint(i))
	}
	return keys
}

// batchGet is a strong BatchGetItem of keys of one table.
func batchGet(table string, keys []map[string]types.AttributeValue) *sdk.BatchGetItemInput {
	return &sdk.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
		table: {Keys: keys, ConsistentRead: aws.Bool(true)},
	}}
}

func TestBatchGet(t *testing.T) {
	each(t, func(t *testing.T, e *engine) {
		e.run(t, "found and not found, strongly, of two tables", func(t *testing.T, e *engine) {
			e.put(t, "0", M{"v": 1, "w": 2})
			out, err := e.BatchGetItem(t.Context(), &sdk.BatchGetItemInput{
				RequestItems: map[string]types.KeysAndAttributes{
					*e.table(state): {
						Keys: e.keys(2), ConsistentRead: aws.Bool(true),
						ProjectionExpression:     aws.String("#v"),
						ExpressionAttributeNames: map[string]string{"#v": "v"},
					},
					*e.table(apps): {Keys: []map[string]types.AttributeValue{
						avs(t, M{"pk": e.pk}),
					}},
				},
			})
			wantError(t, err, "")
			if got := out.Responses[*e.table(state)]; len(got) != 1 {
				t.Errorf("state: %v", got)
			} else {
				same(t, got[0], avs(t, M{"v": 1}))
			}
			if got, ok := out.Responses[*e.table(apps)]; len(got) != 0 || !ok ||
				len(out.UnprocessedKeys) != 0 {
				t.Errorf("apps: %v, unprocessed: %v", got, out.UnprocessedKeys)
			}
		})
		e.run(t, "answers of more than 16 MB leave keys unprocessed",
			func(t *testing.T, e *engine) {
				for i := range 42 {
					e.put(t, fmt.Sprint(i), M{"v": strings.Repeat("x", 399<<10)})
				}
				out, err := e.BatchGetItem(t.Context(), batchGet(*e.table(state), e.keys(42)))
				wantError(t, err, "")
				got, left := out.Responses[*e.table(state)], out.UnprocessedKeys[*e.table(state)]
				if len(got) != 41 || len(left.Keys) != 1 {
					t.Errorf("%d answered, %d left", len(got), len(left.Keys))
				}
			})
	})
}

func TestBatchGetRefusesBadKeys(t *testing.T) {
	type keys = []map[string]types.AttributeValue
	refused := []struct {
		name string
		keys func(*engine) keys
		want string
	}{
		{"101 keys", func(e *engine) keys {
			return e.keys(101)
		}, invalid("Too many items requested for the BatchGetItem call")},
		{"no key", func(e *engine) keys { return e.keys(0) }, validation},
		{"a key twice", func(e *engine) keys {
			return append(e.keys(2), e.key("1"))
		}, invalid("Provided list of item keys contains duplicates")},
		{"half a key", func(e *engine) keys {
			return keys{avs(t, M{"pk": e.pk})}
		}, validation},
	}
	each(t, func(t *testing.T, e *engine) {
		for _, tt := range refused {
			e.run(t, tt.name, func(t *testing.T, e *engine) {
				_, err := e.BatchGetItem(t.Context(), batchGet(*e.table(state), tt.keys(e)))
				wantError(t, err, tt.want)
			})
		}
	})
}

func TestBatchWrite(t *testing.T) {
	each(t, func(t *testing.T, e *engine) {
		put := func(e *engine, sk string) types.WriteRequest {
			return types.WriteRequest{PutRequest: &types.PutRequest{Item: e.key(sk)}}
		}
		remove := func(e *engine, sk string) types.WriteRequest {
			return types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: e.key(sk)}}
		}
		write := func(e *engine, requests ...types.WriteRequest) error {
			_, err := e.BatchWriteItem(t.Context(), &sdk.BatchWriteItemInput{
				RequestItems: map[string][]types.WriteRequest{*e.table(state): requests},
			})
			return err
		}
		e.run(t, "puts and deletes", func(t *testing.T, e *engine) {
			e.put(t, "b", nil)
			wantError(t, write(e, put(e, "a"), remove(e, "b"), remove(e, "c")), "")
			if e.get(t, "a") == nil || e.get(t, "b") != nil {
				t.Error("not done")
			}
		})
		e.run(t, "26 requests", func(t *testing.T, e *engine) {
			var all []types.WriteRequest
			for i := range 26 {
				all = append(all, put(e, fmt.Sprint(i)))
			}
			wantError(t, write(e, all[:25]...), "")
			wantError(t, write(e, all...), validation)
		})
		e.run(t, "a key twice", func(t *testing.T, e *engine) {
			wantError(t, write(
				e, put(e, "a"), remove(e, "a"),
			), invalid("Provided list of item keys contains duplicates"))
		})
		e.run(t, "a bad item among good ones changes nothing", func(t *testing.T, e *engine) {
			wantError(t, write(e, put(e, "a"), put(e, "")), validation)
			if e.get(t, "a") != nil {
				t.Error("changed")
			}
		})
		e.run(t, "no table", func(t *testing.T, e *engine) {
			_, err := e.BatchWriteItem(t.Context(), &sdk.BatchWriteItemInput{
				RequestItems: map[string][]types.WriteRequest{"no-such-table": {put(e, "a")}},
			})
			wantError(t, err, notFound)
		})
	})
}

type transaction = []types.TransactWriteItem

// putAbsent puts an item unless there is one, which a failure then shows.
func (e *engine) putAbsent(t *testing.T, sk string) types.TransactWriteItem {
	put := e.transactPut(t, sk, M{"v": 1})
	put.Put.ConditionExpression = aws.String("attribute_not_exists(pk)")
	return put
}

func (e *engine) transactPut(t *testing.T, sk string, attributes M) types.TransactWriteItem {
	const showOld = types.ReturnValuesOnConditionCheckFailureAllOld
	return types.TransactWriteItem{Put: &types.Put{
		TableName: e.table(state), Item: e.item(t, sk, attributes),
		ReturnValuesOnConditionCheckFailure: showOld,
	}}
}

func (e *engine) transactUpdate(t *testing.T, sk, expression string) types.TransactWriteItem {
	return types.TransactWriteItem{Update: &types.Update{
		TableName: e.table(state), Key: e.key(sk), UpdateExpression: &expression,
		ExpressionAttributeValues: avs(t, v(1)),
	}}
}

func (e *engine) transactDelete(sk string) types.TransactWriteItem {
	return types.TransactWriteItem{Delete: &types.Delete{
		TableName: e.table(state), Key: e.key(sk),
	}}
}

func (e *engine) check(sk string) types.TransactWriteItem {
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: e.table(state), Key: e.key(sk),
		ConditionExpression: aws.String("attribute_exists(pk)"),
	}}
}

// transactionCase is a transaction of a partition that has one item, "old".
type transactionCase struct {
	name     string
	items    func(*testing.T, *engine) transaction
	want     string
	reasons  []string
	after    string // the sort keys that exist afterwards
	oursOnly string // the reason
}

func testTransactions(t *testing.T, tests []transactionCase) {
	each(t, func(t *testing.T, e *engine) {
		for _, tt := range tests {
			e.run(t, tt.name, func(t *testing.T, e *engine) {
				e.skipTheirs(t, tt.oursOnly)
				e.put(t, "old", M{"v": 1})
				_, err := e.TransactWriteItems(
					t.Context(), &sdk.TransactWriteItemsInput{TransactItems: tt.items(t, e)},
				)
				wantError(t, err, tt.want)
				if got := reasons(err); !slices.Equal(got, tt.reasons) {
					t.Errorf("reasons %q, want %q", got, tt.reasons)
				}
				out, err := e.Query(t.Context(), e.query(t, "pk = :p", nil))
				wantError(t, err, "")
				if got := strings.Join(sortKeys(out.Items), " "); got != tt.after {
					t.Errorf("there is %q, want %q", got, tt.after)
				}
			})
		}
	})
}

func TestTransactionsDoAllOrNothing(t *testing.T) {
	testTransactions(t, []transactionCase{
		{"two items if absent", func(t *testing.T, e *engine) transaction {
			return transaction{e.putAbsent(t, "a"), e.putAbsent(t, "b")}
		}, "", nil, "a b old", ""},
		{"one of two is there", func(t *testing.T, e *engine) transaction {
			return transaction{e.putAbsent(t, "a"), e.putAbsent(t, "old")}
		}, "TransactionCanceledException: [None, ConditionalCheckFailed]", []string{
			"None", "ConditionalCheckFailed",
		}, "old", ""},
		{"each kind", func(t *testing.T, e *engine) transaction {
			return transaction{
				e.check("old"), e.transactPut(t, "a", M{"v": 1}),
				e.transactUpdate(t, "b", "ADD c :v"), e.transactDelete("c"),
			}
		}, "", nil, "a b old", ""},
		{"a check that fails", func(t *testing.T, e *engine) transaction {
			return transaction{e.check("none"), e.transactPut(t, "a", M{"v": 1})}
		}, "TransactionCanceledException", []string{"ConditionalCheckFailed", "None"}, "old", ""},
		{"an update that does not fit its item", func(t *testing.T, e *engine) transaction {
			return transaction{
				e.transactPut(t, "a", M{"v": 1}), e.transactUpdate(t, "old", "SET x.y = :v"),
			}
		}, "TransactionCanceledException", []string{
			"None", "ValidationError",
		}, "old", "the API reference lists ValidationError " +
			"among the cancellation reasons; DynamoDB Local answers a ValidationException"},
	})
}

func TestBadTransactionsAreRefused(t *testing.T) {
	testTransactions(t, []transactionCase{
		{"one item twice", func(t *testing.T, e *engine) transaction {
			return transaction{e.transactPut(t, "a", M{"v": 1}), e.transactDelete("a")}
		}, invalid(
			"Transaction request cannot include multiple operations on one item",
		), nil, "old", ""},
		{"101 items", func(t *testing.T, e *engine) transaction {
			var all transaction
			for i := range 101 {
				all = append(all, e.transactPut(t, fmt.Sprint(i), M{"v": 1}))
			}
			return all
		}, invalid("Member must have length less than or equal to 100"), nil, "old", ""},
		{"nothing", func(t *testing.T, e *engine) transaction {
			return transaction{}
		}, validation, nil, "old", ""},
		{"two kinds in one", func(t *testing.T, e *engine) transaction {
			item := e.transactPut(t, "a", M{"v": 1})
			item.Delete = e.transactDelete("b").Delete
			return transaction{item}
		}, invalid(
			"TransactItems can only contain one of Check, Put, Update or Delete",
		), nil, "old", ""},
	})
}

// reasons returns the codes of a canceled transaction.
func reasons(err error) []string {
	var canceled *types.TransactionCanceledException
	if !errors.As(err, &canceled) {
		return nil
	}
	var codes []string
	for _, r := range canceled.CancellationReasons {
		codes = append(codes, *r.Code)
	}
	return codes
}

func TestCanceledTransactionShowsTheItem(t *testing.T) {
	each(t, func(t *testing.T, e *engine) {
		e.run(t, "in its reason", func(t *testing.T, e *engine) {
			e.put(t, "a", M{"v": 2})
			_, err := e.TransactWriteItems(t.Context(), &sdk.TransactWriteItemsInput{
				TransactItems: transaction{e.putAbsent(t, "a")},
			})
			var canceled *types.TransactionCanceledException
			if !errors.As(err, &canceled) {
				t.Fatal(err)
			}
			same(t, withoutKey(canceled.CancellationReasons[0].Item), avs(t, M{"v": 2}))
		})
	})
}

func TestTransactionTokens(t *testing.T) {
	each(t, func(t *testing.T, e *engine) {
		e.run(t, "count once", func(t *testing.T, e *engine) {
			add := func(token string, n int) error {
				_, err := e.TransactWriteItems(t.Context(), &sdk.TransactWriteItemsInput{
					ClientRequestToken: &token,
					TransactItems: []types.TransactWriteItem{{Update: &types.Update{
						TableName: e.table(state), Key: e.key("a"),
						UpdateExpression:          aws.String("ADD c :v"),
						ExpressionAttributeValues: avs(t, M{":v": n}),
					}}},
				})
				return err
			}
			token := "one" + e.suffix
			wantError(t, add(token, 1), "")
			wantError(t, add(token, 1), "")
			wantError(t, add(token, 2), "IdempotentParameterMismatchException")
			wantError(t, add("two"+e.suffix, 1), "")
			same(t, e.get(t, "a"), avs(t, M{"c": 2}))
		})
	})
}

func TestTransactGet(t *testing.T) {
	each(t, func(t *testing.T, e *engine) {
		get := func(e *engine, sk string) types.TransactGetItem {
			return types.TransactGetItem{Get: &types.Get{
				TableName: e.table(state), Key: e.key(sk), ProjectionExpression: aws.String("v"),
			}}
		}
		e.run(t, "found and not found in order", func(t *testing.T, e *engine) {
			e.put(t, "b", M{"v": 1})
			out, err := e.TransactGetItems(t.Context(), &sdk.TransactGetItemsInput{
				TransactItems: []types.TransactGetItem{get(e, "a"), get(e, "b")},
			})
			wantError(t, err, "")
			if len(out.Responses) != 2 || out.Responses[0].Item != nil {
				t.Fatalf("%v", out.Responses)
			}
			same(t, out.Responses[1].Item, avs(t, M{"v": 1}))
		})
		e.run(t, "one item twice", func(t *testing.T, e *engine) {
			_, err := e.TransactGetItems(t.Context(), &sdk.TransactGetItemsInput{
				TransactItems: []types.TransactGetItem{get(e, "a"), get(e, "a")},
			})
			wantError(t, err, invalid("cannot include multiple operations on one item"))
		})
	})
}
