package dynamo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"hark/shared/state"
)

// KeepPublish writes a publish under its idempotency key, unless there is one under that key that
// has not expired (docs/steps.md §3.14). It returns the publish that is kept.
func (s *State) KeepPublish(
	ctx context.Context, o state.KeyedPublish, now time.Time,
) (state.KeyedPublish, error) {
	it := publishKey(o.App, o.Key)
	it["request"] = str(o.Request)
	it["answer"] = str(o.Answer)
	it["expires"] = num(now.Add(state.IdempotencyWindow).Unix())
	_, err := s.Client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.Table, Item: it,
		ConditionExpression:       aws.String("attribute_not_exists(pk) OR expires <= :now"),
		ExpressionAttributeValues: item{":now": num(now.Unix())},

		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if earlier, found := conditionFailed(err); found {
		o.Request, o.Answer = getStr(earlier["request"]), getStr(earlier["answer"])
		return o, nil
	}
	if err != nil {
		err = fmt.Errorf("keep a publish of %s under its key: %w", o.App, err)
		return state.KeyedPublish{}, err
	}
	return o, nil
}
