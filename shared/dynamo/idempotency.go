package dynamo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"hark/shared/state"
)

// KeepPublish keeps a publish under its key, in one write, unless there is one that had not expired by now. It returns the one that is kept.
func (s *State) KeepPublish(ctx context.Context, o state.KeyedPublish, now time.Time) (state.KeyedPublish, error) {
	it := publishKey(o.App, o.Key)
	it["request"] = str(o.Request)
	it["answer"] = str(o.Answer)
	it["expires"] = num(now.Add(state.IdempotencyWindow).Unix())
	cond := "attribute_not_exists(pk) OR expires <= :now"
	_, err := s.Client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.Table, Item: it, ConditionExpression: &cond, ExpressionAttributeValues: item{":now": num(now.Unix())},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if before, there := refused(err); there {
		o.Request, o.Answer = getStr(before["request"]), getStr(before["answer"])
		return o, nil
	}
	if err != nil {
		return state.KeyedPublish{}, fmt.Errorf("keep a publish of %s under its key: %w", o.App, err)
	}
	return o, nil
}
