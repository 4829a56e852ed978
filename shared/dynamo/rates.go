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

// rateKept is how long a counter is kept after its window, because frames may come late.
const rateKept = time.Minute

// CountFrame counts a frame of the connection that was received at t, for the limit of that name.
// It returns how many frames were counted in the window that holds t, this one included. Windows
// are fixed and at least a millisecond long. A write that the SDK repeats may count twice.
func (s *State) CountFrame(
	ctx context.Context, id pusher.ConnectionID, limit string, window time.Duration, t state.Stamp,
) (int, error) {
	index := int64(t) / window.Milliseconds()
	end := time.UnixMilli((index + 1) * window.Milliseconds())
	out, err := s.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.Table, Key: rateKey(id, limit, index),
		UpdateExpression: aws.String("SET expires = :expires ADD n :one"),
		ExpressionAttributeValues: item{
			":expires": num(end.Add(rateKept).Unix()), ":one": num(1),
		},
		ReturnValues: types.ReturnValueUpdatedNew,
	})
	if err != nil {
		return 0, fmt.Errorf("count a frame of %s: %w", id, err)
	}
	return int(getNum(out.Attributes["n"])), nil
}
