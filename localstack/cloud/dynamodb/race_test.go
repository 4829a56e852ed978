package dynamodb_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// TestConcurrency runs writers, readers and transactions on the same items. The race detector finds
// races, and the sums must be right at the end.
func TestConcurrency(t *testing.T) {
	const workers, rounds = 8, 25
	e := ours(t)
	e.pk = "a"
	var wg sync.WaitGroup
	var won atomic.Int32
	for w := range workers {
		wg.Go(func() {
			for i := range rounds {
				e.count(t)
				e.move(t)
				if e.claim(t, fmt.Sprintf("claim-%d", i)) {
					won.Add(1)
				}
				e.put(t, fmt.Sprintf("row-%d-%d", w, i), M{"v": i})
				if _, err := e.Query(t.Context(), e.query(t, "pk = :p", nil)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	same(t, e.get(t, "counter"), avs(t, M{"n": workers * rounds}))
	same(t, e.get(t, "from"), avs(t, M{"n": -workers * rounds}))
	same(t, e.get(t, "to"), avs(t, M{"n": workers * rounds}))
	if won.Load() != rounds {
		t.Errorf("%d claims won, want %d", won.Load(), rounds)
	}
}

func (e *engine) count(t *testing.T) {
	if _, err := e.UpdateItem(t.Context(), &sdk.UpdateItemInput{
		TableName: e.table(state), Key: e.key("counter"),
		UpdateExpression:          aws.String("SET n = if_not_exists(n, :z) + :v"),
		ExpressionAttributeValues: avs(t, M{":v": 1, ":z": 0}),
	}); err != nil {
		t.Error(err)
	}
}

// move takes one from an item and adds it to another in a transaction.
func (e *engine) move(t *testing.T) {
	add := func(sk string, n int) types.TransactWriteItem {
		return types.TransactWriteItem{Update: &types.Update{
			TableName: e.table(state), Key: e.key(sk), UpdateExpression: aws.String("ADD n :v"),
			ExpressionAttributeValues: avs(t, M{":v": n}),
		}}
	}
	if _, err := e.TransactWriteItems(t.Context(), &sdk.TransactWriteItemsInput{
		TransactItems: []types.TransactWriteItem{add("from", -1), add("to", 1)},
	}); err != nil {
		t.Error(err)
	}
}

// claim puts an item that must not exist, and reports whether it was the first to do so.
func (e *engine) claim(t *testing.T, sk string) bool {
	_, err := e.PutItem(t.Context(), &sdk.PutItemInput{
		TableName: e.table(state), Item: e.key(sk),
		ConditionExpression: aws.String("attribute_not_exists(pk)"),
	})
	var lost *types.ConditionalCheckFailedException
	if err != nil && !errors.As(err, &lost) {
		t.Error(err)
	}
	return err == nil
}
