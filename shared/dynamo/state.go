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

// State is the table of everything but apps: connections, channels, users, and what sweep needs. It
// implements the interfaces of rows that packages membership, fanout, socket, httpapi and webhook
// declare. It is safe for concurrent use.
type State struct {
	Client *dynamodb.Client
	Table  string
}

// put writes an item and reports whether the condition held; an empty one always does.
func (s *State) put(ctx context.Context, it item, cond string, values item) (bool, error) {
	in := &dynamodb.PutItemInput{TableName: &s.Table, Item: it, ExpressionAttributeValues: values}
	if cond != "" {
		in.ConditionExpression = &cond
	}
	_, err := s.Client.PutItem(ctx, in)
	return held(err)
}

// update changes an item and reports whether the condition held.
func (s *State) update(
	ctx context.Context, k item, update, cond string, values item,
) (bool, error) {
	_, err := s.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.Table, Key: k, UpdateExpression: &update,
		ConditionExpression: &cond, ExpressionAttributeValues: values,
	})
	return held(err)
}

// delete deletes an item if it exists.
func (s *State) delete(ctx context.Context, k item) error {
	_, err := s.deleteReturning(ctx, k, types.ReturnValueNone)
	return err
}

// deleteIf deletes an item and reports whether the condition held.
func (s *State) deleteIf(ctx context.Context, k item, cond string, values item) (bool, error) {
	_, err := s.Client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &s.Table, Key: k,
		ConditionExpression: &cond, ExpressionAttributeValues: values,
	})
	return held(err)
}

// take deletes an item and returns it; nil if there was none.
func (s *State) take(ctx context.Context, k item) (item, error) {
	return s.deleteReturning(ctx, k, types.ReturnValueAllOld)
}

func (s *State) deleteReturning(
	ctx context.Context, k item, what types.ReturnValue,
) (item, error) {
	out, err := s.Client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &s.Table, Key: k, ReturnValues: what,
	})
	if err != nil {
		return nil, fmt.Errorf("delete %s: %w", getStr(k["pk"]), err)
	}
	return out.Attributes, nil
}

// get reads an item, strongly consistent; nil if there is none.
func (s *State) get(ctx context.Context, k item) (item, error) {
	out, err := s.Client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &s.Table, Key: k, ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", getStr(k["pk"]), err)
	}
	return out.Item, nil
}

// query returns a strongly consistent query for the items of a partition whose sort keys begin with
// the prefix, or for all items if the prefix is empty.
func (s *State) query(pk, prefix string) *dynamodb.QueryInput {
	in := &dynamodb.QueryInput{
		TableName: &s.Table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String("pk = :pk"),
		ExpressionAttributeValues: item{":pk": str(pk)},
	}
	if prefix != "" {
		in.KeyConditionExpression = aws.String("pk = :pk AND begins_with(sk, :prefix)")
		in.ExpressionAttributeValues[":prefix"] = str(prefix)
	}
	return in
}

// pages runs a query, a page of up to 1 MB at a time. It ends after an error.
func (s *State) pages(
	ctx context.Context, in *dynamodb.QueryInput,
) iter.Seq2[*dynamodb.QueryOutput, error] {
	return func(yield func(*dynamodb.QueryOutput, error) bool) {
		pages := dynamodb.NewQueryPaginator(s.Client, in)
		for pages.HasMorePages() {
			out, err := pages.NextPage(ctx)
			if err != nil {
				pk := getStr(in.ExpressionAttributeValues[":pk"])
				yield(nil, fmt.Errorf("query %s: %w", pk, err))
				return
			}
			if !yield(out, nil) {
				return
			}
		}
	}
}

// held turns the error of a conditional write into whether its condition held.
func held(err error) (bool, error) {
	if _, failed := conditionFailed(err); failed {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("write state: %w", err)
	}
	return true, nil
}

// conditionFailed reports whether a write failed because its condition did not hold. It returns the
// item as it is, if the write asked for it.
func conditionFailed(err error) (item, bool) {
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return failed.Item, true
	}
	return nil, false
}
