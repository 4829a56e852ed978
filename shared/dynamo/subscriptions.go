package dynamo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"hark/shared/pusher"
	"hark/shared/state"
)

// PutSubscription writes the row if there is none or its stamp is not newer.
func (s *State) PutSubscription(ctx context.Context, sub state.Subscription) (bool, error) {
	it := subscriptionKey(sub)
	it["v"] = num(sub.Stamp)
	it["expires"] = num(expires(sub.ConnectedAt))
	if sub.Pending {
		it["pending"] = flag(true)
	}
	if sub.Member.UserID != "" {
		it["user"] = str(sub.Member.UserID)
	}
	if len(sub.Member.Info) > 0 {
		it["info"] = str(string(sub.Member.Info))
	}
	return s.put(ctx, it, "attribute_not_exists(pk) OR v <= :t", item{":t": num(sub.Stamp)})
}

// Subscription reads the row; found tells whether there is one.
func (s *State) Subscription(
	ctx context.Context, app string, ch pusher.Channel, id pusher.ConnectionID,
) (sub state.Subscription, found bool, err error) {
	it, err := s.get(ctx, subscriptionKey(state.Subscription{App: app, Channel: ch, Connection: id}))
	if err != nil || it == nil {
		return state.Subscription{}, false, err
	}
	_, prefix := place(app, ch)
	return subscription(app, ch, prefix, it), true, nil
}

// Settle removes pending and notes the cached event that the client was told, if the row has just this stamp.
func (s *State) Settle(ctx context.Context, sub state.Subscription) (bool, error) {
	update, values := "REMOVE pending", item{":t": num(sub.Stamp)}
	if sub.Cached != "" {
		update += " SET cached = :cached"
		values[":cached"] = str(sub.Cached)
	}
	return s.update(ctx, subscriptionKey(sub), update, "v = :t", values)
}

// DropSubscription removes the row if it has just this stamp.
func (s *State) DropSubscription(ctx context.Context, sub state.Subscription) error {
	return s.remove(ctx, subscriptionKey(sub), "v = :t", item{":t": num(sub.Stamp)})
}

// DropOlderSubscription removes the row if its stamp is older than this one.
func (s *State) DropOlderSubscription(ctx context.Context, sub state.Subscription) error {
	return s.remove(ctx, subscriptionKey(sub), "v < :t", item{":t": num(sub.Stamp)})
}

// TakeSubscription removes the row whatever its stamp, and returns that stamp; 0 if there was no row.
func (s *State) TakeSubscription(ctx context.Context, sub state.Subscription) (state.Stamp, error) {
	it, err := s.take(ctx, subscriptionKey(sub), types.ReturnValueAllOld)
	return state.Stamp(getNum(it["v"])), err
}

// Occupied reports whether the channel has any subscription, expired ones included.
func (s *State) Occupied(ctx context.Context, app string, ch pusher.Channel) (bool, error) {
	in := s.query(place(app, ch))
	in.ProjectionExpression = aws.String("sk")
	in.Limit = aws.Int32(1)
	out, err := s.Client.Query(ctx, in)
	if err != nil {
		return false, fmt.Errorf("look for a subscriber of %s: %w", ch, err)
	}
	return out.Count > 0, nil
}

// Subscribers hands the channel's subscriptions to the function, a page of up to 1 MB at a time, without those that have
// expired and without the info of members. It ends with the first error of either.
func (s *State) Subscribers(
	ctx context.Context, app string, ch pusher.Channel, now time.Time, page func([]state.Subscription) error,
) error {
	in, prefix := s.subscriptions(app, ch, "sk, v, expires, pending, cached, #user")
	for out, err := range s.pages(ctx, in) {
		if err != nil {
			return err
		}
		subs := make([]state.Subscription, 0, len(out.Items))
		for _, it := range out.Items {
			if time.Unix(getNum(it["expires"]), 0).After(now) {
				subs = append(subs, subscription(app, ch, prefix, it))
			}
		}
		if err := page(subs); err != nil {
			return err
		}
	}
	return nil
}

// Members returns all subscriptions of a presence channel, expired ones included, with their members.
func (s *State) Members(ctx context.Context, app string, ch pusher.Channel) ([]state.Subscription, error) {
	in, prefix := s.subscriptions(app, ch, "sk, v, expires, pending, #user, info")
	var subs []state.Subscription
	for out, err := range s.pages(ctx, in) {
		if err != nil {
			return nil, err
		}
		for _, it := range out.Items {
			subs = append(subs, subscription(app, ch, prefix, it))
		}
	}
	return subs, nil
}

// Count counts the channel's subscriptions that have not expired.
func (s *State) Count(ctx context.Context, app string, ch pusher.Channel, now time.Time) (int, error) {
	in := s.query(place(app, ch))
	in.Select = types.SelectCount
	in.FilterExpression = aws.String("expires > :now")
	in.ExpressionAttributeValues[":now"] = num(now.Unix())
	n := 0
	for out, err := range s.pages(ctx, in) {
		if err != nil {
			return 0, err
		}
		n += int(out.Count)
	}
	return n, nil
}

// subscriptions asks for these attributes of a channel's S rows: their key is long, and all of them share it.
func (s *State) subscriptions(app string, ch pusher.Channel, attributes string) (in *dynamodb.QueryInput, prefix string) {
	pk, prefix := place(app, ch)
	in = s.query(pk, prefix)
	in.ProjectionExpression = &attributes
	in.ExpressionAttributeNames = map[string]string{"#user": "user"} // a reserved word
	return in, prefix
}

// subscription reads a row whose sort key begins with the prefix.
func subscription(app string, ch pusher.Channel, prefix string, it item) state.Subscription {
	return state.Subscription{
		Connection:  pusher.ConnectionID(strings.TrimPrefix(getStr(it["sk"]), prefix)),
		App:         app,
		Channel:     ch,
		Stamp:       state.Stamp(getNum(it["v"])),
		ConnectedAt: time.Unix(getNum(it["expires"]), 0).Add(-state.RowLife),
		Pending:     getFlag(it["pending"]),
		Cached:      getStr(it["cached"]),
		Member:      pusher.Member{UserID: getStr(it["user"]), Info: getJSON(it["info"])},
	}
}
