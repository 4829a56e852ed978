package referee_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func TestDynamoDBTransactions(t *testing.T) {
	compare(t, func(t *testing.T, c *cloud) facts {
		tt := table{t, c, facts{}}
		put := func(sk, condition string) types.TransactWriteItem {
			p := &types.Put{TableName: tt.name(), Item: key("transactions", sk)}
			if condition != "" {
				p.ConditionExpression = &condition
				p.ReturnValuesOnConditionCheckFailure = allOld
			}
			return types.TransactWriteItem{Put: p}
		}
		check := func(sk, condition string) types.TransactWriteItem {
			return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
				TableName: tt.name(), Key: key("transactions", sk), ConditionExpression: &condition,
			}}
		}
		write := func(fact, token string, items ...types.TransactWriteItem) {
			in := &dynamodb.TransactWriteItemsInput{TransactItems: items}
			if token != "" {
				in.ClientRequestToken = &token
			}
			_, err := c.tables.TransactWriteItems(t.Context(), in)
			tt.facts[fact] = call(err)
			if cancelled, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
				for _, reason := range cancelled.CancellationReasons {
					tt.facts[fact] += " " + aws.ToString(reason.Code) + " " + showItem(reason.Item)
				}
			}
		}
		write("two puts", "", put("a", "attribute_not_exists(pk)"),
			put("b", "attribute_not_exists(pk)"))
		write("one that fails", "", put("c", ""), put("a", "attribute_not_exists(pk)"))
		write("a check that fails", "", check("nobody", "attribute_exists(pk)"), put("c", ""))
		write("an item twice", "", put("a", ""), check("a", "attribute_exists(pk)"))
		write("none", "")
		var many []types.TransactWriteItem
		for i := range 101 {
			many = append(many, put(fmt.Sprint("many", i), ""))
		}
		write("a hundred", "", many[:100]...)
		write("a hundred and one", "", many...)
		write("with a token", "token", put("t", "attribute_not_exists(pk)"))
		write("with the same token again", "token", put("t", "attribute_not_exists(pk)"))
		write("another with the same token", "token", put("u", ""))
		out, err := c.tables.GetItem(t.Context(), &dynamodb.GetItemInput{
			TableName: tt.name(), Key: key("transactions", "c"), ConsistentRead: aws.Bool(true),
		})
		tt.facts["nothing of what failed is there"] = call(err)
		if out != nil {
			tt.facts["nothing of what failed is there"] += " " + showItem(out.Item)
		}
		return tt.facts
	})
}

func TestDynamoDBTableAndBatches(t *testing.T) {
	compare(t, func(t *testing.T, c *cloud) facts {
		tt := table{t, c, facts{}}
		tt.timeToLive()
		tt.missing()
		tt.batches()
		tt.units()
		return tt.facts
	})
}

// timeToLive adds the table's TTL, and whether an expired item can be read.
func (t table) timeToLive() {
	ttl, err := t.tables.DescribeTimeToLive(t.Context(),
		&dynamodb.DescribeTimeToLiveInput{TableName: t.name()})
	t.facts["TTL"] = call(err)
	if ttl != nil && ttl.TimeToLiveDescription != nil {
		t.facts["TTL"] += fmt.Sprint(" ", ttl.TimeToLiveDescription.TimeToLiveStatus, " ",
			aws.ToString(ttl.TimeToLiveDescription.AttributeName))
	}
	t.put("", with(key("ttl", "past"), "expires", n("1000000000")), "", nil)
	delete(t.facts, "")
	out, err := t.tables.GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: t.name(), Key: key("ttl", "past"), ConsistentRead: aws.Bool(true),
	})
	there := err == nil && len(out.Item) > 0
	t.facts["an item that has just expired is still there"] = fmt.Sprint(there)
}

// missing reads from a table that does not exist, and with half a key.
func (t table) missing() {
	_, err := t.tables.GetItem(t.Context(),
		&dynamodb.GetItemInput{TableName: aws.String("nobody"), Key: key("a", "b")})
	t.facts["a table that is not there"] = call(err)
	_, err = t.tables.GetItem(t.Context(),
		&dynamodb.GetItemInput{TableName: t.name(), Key: item{"pk": s("a")}})
	t.facts["half a key"] = call(err)
}

// batches writes batches, valid and invalid ones.
func (t table) batches() {
	batch := func(fact string, count int) {
		var writes []types.WriteRequest
		for i := range count {
			put := &types.PutRequest{Item: key("batch", fmt.Sprint(i))}
			writes = append(writes, types.WriteRequest{PutRequest: put})
		}
		out, err := t.tables.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{
			RequestItems: map[string][]types.WriteRequest{*t.name(): writes},
		})
		t.facts[fact] = call(err)
		if out != nil {
			t.facts[fact] += fmt.Sprint(" unprocessed ", len(out.UnprocessedItems))
		}
	}
	batch("25 writes", 25)
	batch("26 writes", 26)
	batch("no writes", 0)
	twice := types.WriteRequest{PutRequest: &types.PutRequest{Item: key("batch", "a")}}
	_, err := t.tables.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{
		RequestItems: map[string][]types.WriteRequest{*t.name(): {twice, twice}},
	})
	t.facts["a key twice in a batch"] = call(err)
}

// units adds the capacity units that writes and reads of items cost.
func (t table) units() {
	for sk, attribute := range map[string]types.AttributeValue{
		"small": s("x"), "1 KB": s(strings.Repeat("x", 1200)),
		"5 KB": s(strings.Repeat("x", 5000)),
	} {
		i := with(key("units", sk), "x", attribute)
		put, err := t.tables.PutItem(t.Context(), &dynamodb.PutItemInput{
			TableName: t.name(), Item: i,
			ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.facts["write units, "+sk] = fmt.Sprint(aws.ToFloat64(put.ConsumedCapacity.CapacityUnits))
		got, err := t.tables.GetItem(t.Context(), &dynamodb.GetItemInput{
			TableName: t.name(), Key: key("units", sk),
			ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
			ConsistentRead:         aws.Bool(true),
		})
		if err != nil {
			t.Fatal(err)
		}
		t.facts["read units, "+sk] = fmt.Sprint(aws.ToFloat64(got.ConsumedCapacity.CapacityUnits))
	}
}
