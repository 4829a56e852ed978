package dynamo

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"hark/shared/pusher"
	"hark/shared/state"
)

// countOpen adds n to the number of the app's open connections.
func (s *State) countOpen(c state.Connection, n int) types.TransactWriteItem {
	return types.TransactWriteItem{Update: &types.Update{
		TableName: &s.Table, Key: openKey(c.App, c.ID),
		UpdateExpression:          aws.String("ADD n :n"),
		ExpressionAttributeValues: item{":n": num(n)},
	}}
}

// OpenConnections returns how many counted connections the app has.
func (s *State) OpenConnections(ctx context.Context, app string) (int, error) {
	n := 0
	for out, err := range s.pages(ctx, s.query(openPK(app), openPrefix)) {
		if err != nil {
			return 0, err
		}
		for _, it := range out.Items {
			n += int(getNum(it["n"]))
		}
	}
	return n, nil
}

// SentCount returns the subscription count that the channel's subscribers were last sent, and when;
// 0 and the zero time if they were sent none.
func (s *State) SentCount(
	ctx context.Context, app string, ch pusher.Channel,
) (n int, at time.Time, err error) {
	it, err := s.get(ctx, sentCountKey(app, ch))
	if err != nil || it == nil {
		return 0, time.Time{}, err
	}
	return int(getNum(it["n"])), time.UnixMilli(getNum(it["at"])), nil
}

// SetSentCount writes the subscription count that the channel's subscribers were sent.
func (s *State) SetSentCount(
	ctx context.Context, app string, ch pusher.Channel, n int, at time.Time,
) error {
	it := sentCountKey(app, ch)
	it["n"] = num(n)
	it["at"] = num(at.UnixMilli())
	it["expires"] = num(expires(at))
	_, err := s.put(ctx, it, "", nil)
	return err
}
