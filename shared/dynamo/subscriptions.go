package dynamo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"hark/shared/pusher"
)

// PutSubscription writes the row if there is none or its stamp is not newer.
func (s *State) PutSubscription(ctx context.Context, sub pusher.Subscription) (bool, error) {
	it := subscriptionKey(sub)
	it["v"] = num(sub.Stamp)
	it["expires"] = num(expires(sub.ConnectedAt))
	return s.put(ctx, it, "attribute_not_exists(pk) OR v <= :t", item{":t": num(sub.Stamp)})
}

// DropSubscription removes the row if it has just this stamp.
func (s *State) DropSubscription(ctx context.Context, sub pusher.Subscription) error {
	return s.remove(ctx, subscriptionKey(sub), "v = :t", item{":t": num(sub.Stamp)})
}

// DropOlderSubscription removes the row if its stamp is older than this one.
func (s *State) DropOlderSubscription(ctx context.Context, sub pusher.Subscription) error {
	return s.remove(ctx, subscriptionKey(sub), "v < :t", item{":t": num(sub.Stamp)})
}

// TakeSubscription removes the row whatever its stamp, and returns that stamp; 0 if there was no row.
func (s *State) TakeSubscription(ctx context.Context, sub pusher.Subscription) (pusher.Stamp, error) {
	out, err := s.Client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &s.Table, Key: subscriptionKey(sub), ReturnValues: types.ReturnValueAllOld,
	})
	if err != nil {
		return 0, fmt.Errorf("delete the subscription of %s to %s: %w", sub.Connection, sub.Channel, err)
	}
	return pusher.Stamp(getNum(out.Attributes["v"])), nil
}

// Occupied reports whether the channel has any subscription, expired ones included.
func (s *State) Occupied(ctx context.Context, app string, ch pusher.Channel) (bool, error) {
	in := s.subscriptions(app, ch)
	in.Limit = aws.Int32(1)
	out, err := s.Client.Query(ctx, in)
	if err != nil {
		return false, fmt.Errorf("look for a subscriber of %s: %w", ch, err)
	}
	return out.Count > 0, nil
}

// Subscribers hands the channel's subscriptions to the function, a page of up to 1 MB at a time, without those that have
// expired. It ends with the first error of either.
func (s *State) Subscribers(
	ctx context.Context, app string, ch pusher.Channel, now time.Time, page func([]pusher.Subscription) error,
) error {
	pages := dynamodb.NewQueryPaginator(s.Client, s.subscriptions(app, ch))
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("subscribers of %s: %w", ch, err)
		}
		subs := make([]pusher.Subscription, 0, len(out.Items))
		for _, it := range out.Items {
			end := time.Unix(getNum(it["expires"]), 0)
			if !end.After(now) {
				continue
			}
			subs = append(subs, pusher.Subscription{
				Connection: trimSub(getStr(it["sk"])), App: app, Channel: ch,
				Stamp: pusher.Stamp(getNum(it["v"])), ConnectedAt: end.Add(-pusher.RowLife),
			})
		}
		if err := page(subs); err != nil {
			return err
		}
	}
	return nil
}

// Count counts the channel's subscriptions that have not expired.
func (s *State) Count(ctx context.Context, app string, ch pusher.Channel, now time.Time) (int, error) {
	in := s.subscriptions(app, ch)
	in.ProjectionExpression = nil
	in.Select = types.SelectCount
	in.FilterExpression = aws.String("expires > :now")
	in.ExpressionAttributeValues[":now"] = num(now.Unix())
	n := 0
	pages := dynamodb.NewQueryPaginator(s.Client, in)
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return 0, fmt.Errorf("count the subscribers of %s: %w", ch, err)
		}
		n += int(out.Count)
	}
	return n, nil
}

// subscriptions asks for a channel's S rows without the key that all of them share.
func (s *State) subscriptions(app string, ch pusher.Channel) *dynamodb.QueryInput {
	return &dynamodb.QueryInput{
		TableName:                 &s.Table,
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    aws.String("pk = :pk AND begins_with(sk, :sub)"),
		ProjectionExpression:      aws.String("sk, v, expires"),
		ExpressionAttributeValues: item{":pk": str(channelPK(app, ch)), ":sub": str(subPrefix)},
	}
}
