package dynamo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"hark/shared/pusher"
	"hark/shared/state"
)

// rateKept is for how long a counter outlives its window: frames may come late.
const rateKept = time.Minute

// CountFrame counts a frame of the connection that came at t, and returns how many of that name there are with it in the window that t
// falls into. Windows are fixed, and at least a millisecond long. A write that the SDK repeats may count twice.
func (s *State) CountFrame(ctx context.Context, id pusher.ConnectionID, name string, window time.Duration, t state.Stamp) (int, error) {
	index := int64(t) / window.Milliseconds()
	end := time.UnixMilli((index + 1) * window.Milliseconds())
	out, err := s.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.Table, Key: rateKey(id, name, index),
		UpdateExpression:          aws.String("SET expires = :expires ADD n :one"),
		ExpressionAttributeValues: item{":expires": num(end.Add(rateKept).Unix()), ":one": num(1)},
		ReturnValues:              types.ReturnValueUpdatedNew,
	})
	if err != nil {
		return 0, fmt.Errorf("count a frame of %s: %w", id, err)
	}
	return int(getNum(out.Attributes["n"])), nil
}
