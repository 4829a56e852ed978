package dynamo

import (
	"context"
	"errors"
	"fmt"

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

// get reads an item, strongly consistent; it is nil if there is none.
func (s *State) get(ctx context.Context, k item) (item, error) {
	out, err := s.Client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.Table, Key: k, ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", getStr(k["pk"]), err)
	}
	return out.Item, nil
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
