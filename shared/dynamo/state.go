package dynamo

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// State is the table of connections and what belongs to them. It fits the membership package's Store.
type State struct {
	Client *dynamodb.Client
	Table  string
}

// put writes an item, if the condition holds; an empty one always does.
func (s *State) put(ctx context.Context, it item, cond string, values item) (bool, error) {
	in := &dynamodb.PutItemInput{TableName: &s.Table, Item: it, ExpressionAttributeValues: values}
	if cond != "" {
		in.ConditionExpression = &cond
	}
	_, err := s.Client.PutItem(ctx, in)
	return held(err)
}

// update changes an item, if the condition holds.
func (s *State) update(ctx context.Context, k item, update, cond string, values item) (bool, error) {
	_, err := s.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.Table, Key: k, UpdateExpression: &update, ConditionExpression: &cond, ExpressionAttributeValues: values,
	})
	return held(err)
}

// remove deletes an item, if it is there and the condition holds.
func (s *State) remove(ctx context.Context, k item, cond string, values item) error {
	_, err := s.Client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &s.Table, Key: k, ConditionExpression: &cond, ExpressionAttributeValues: values,
	})
	_, err = held(err)
	return err
}

// drop deletes an item if it is there.
func (s *State) drop(ctx context.Context, k item) error {
	_, err := s.take(ctx, k, types.ReturnValueNone)
	return err
}

// take deletes an item if it is there, and returns it if it is asked to.
func (s *State) take(ctx context.Context, k item, what types.ReturnValue) (item, error) {
	out, err := s.Client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &s.Table, Key: k, ReturnValues: what})
	if err != nil {
		return nil, fmt.Errorf("delete %s: %w", getStr(k["pk"]), err)
	}
	return out.Attributes, nil
}

// get reads an item, strongly consistent; it is nil if there is none.
func (s *State) get(ctx context.Context, k item) (item, error) {
	out, err := s.Client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.Table, Key: k, ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", getStr(k["pk"]), err)
	}
	return out.Item, nil
}

// query asks for the items of a partition whose sort keys begin with the prefix, all of them if it is empty; strongly consistent.
func (s *State) query(pk, prefix string) *dynamodb.QueryInput {
	in := &dynamodb.QueryInput{
		TableName: &s.Table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression: aws.String("pk = :pk"), ExpressionAttributeValues: item{":pk": str(pk)},
	}
	if prefix != "" {
		in.KeyConditionExpression = aws.String("pk = :pk AND begins_with(sk, :prefix)")
		in.ExpressionAttributeValues[":prefix"] = str(prefix)
	}
	return in
}

// pages are what a query finds, up to 1 MB at a time. An error is the last of them.
func (s *State) pages(ctx context.Context, in *dynamodb.QueryInput) iter.Seq2[*dynamodb.QueryOutput, error] {
	return func(yield func(*dynamodb.QueryOutput, error) bool) {
		pages := dynamodb.NewQueryPaginator(s.Client, in)
		for pages.HasMorePages() {
			out, err := pages.NextPage(ctx)
			if err != nil {
				yield(nil, fmt.Errorf("query %s: %w", getStr(in.ExpressionAttributeValues[":pk"]), err))
				return
			}
			if !yield(out, nil) {
				return
			}
		}
	}
}

// held tells whether the condition of a write held.
func held(err error) (bool, error) {
	if _, failed := refused(err); failed {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("write state: %w", err)
	}
	return true, nil
}

// refused reports that a write's condition did not hold, with the item as it is if the write asked for it.
func refused(err error) (item, bool) {
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return failed.Item, true
	}
	return nil, false
}
