package dynamo

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"hark/shared/pusher"
	"hark/shared/state"
)

// Watch writes that the connection watches these users; no user may be named twice. After an error
// some rows may be written.
func (s *State) Watch(ctx context.Context, c state.Connection, users []string) error {
	writes := make([]types.WriteRequest, len(users))
	for i, user := range users {
		it := watcherKey(c.App, user, c.ID)
		it["expires"] = num(expires(c.ConnectedAt))
		writes[i].PutRequest = &types.PutRequest{Item: it}
	}
	return s.writeAll(ctx, writes)
}

// Unwatch removes the rows that Watch wrote.
func (s *State) Unwatch(
	ctx context.Context, app string, id pusher.ConnectionID, users []string,
) error {
	writes := make([]types.WriteRequest, len(users))
	for i, user := range users {
		writes[i].DeleteRequest = &types.DeleteRequest{Key: watcherKey(app, user, id)}
	}
	return s.writeAll(ctx, writes)
}

// Watchers returns the connections that watch the user, without those that have expired, as
// subscriptions to no channel. It returns at most limit of them, or all if limit is 0.
func (s *State) Watchers(
	ctx context.Context, app, user string, now time.Time, limit int,
) ([]state.Subscription, error) {
	in := s.query(watcherPK(app, user), userPrefix)
	in.ProjectionExpression = aws.String("sk, expires")
	in.FilterExpression = aws.String("expires > :now")
	in.ExpressionAttributeValues[":now"] = num(now.Unix())
	if limit > 0 {
		in.Limit = aws.Int32(int32(limit)) // of each page, before the filter
	}
	var watchers []state.Subscription
	for out, err := range s.pages(ctx, in) {
		if err != nil {
			return nil, err
		}
		for _, it := range out.Items {
			watchers = append(watchers, toSubscription(app, "", userPrefix, it))
			if len(watchers) == limit {
				return watchers, nil
			}
		}
	}
	return watchers, nil
}
