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

// Subscriptions are the rows S of docs/steps.md §3. A function that says "if the row has this
// stamp" leaves a row alone that a newer frame of the connection wrote.

// PutSubscription writes the row, unless there is one with a newer stamp. It reports whether it
// did.
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

// Subscription reads the row and reports whether there is one.
func (s *State) Subscription(
	ctx context.Context, app string, ch pusher.Channel, id pusher.ConnectionID,
) (sub state.Subscription, found bool, err error) {
	key := subscriptionKey(state.Subscription{App: app, Channel: ch, Connection: id})
	it, err := s.get(ctx, key)
	if err != nil || it == nil {
		return state.Subscription{}, false, err
	}
	_, prefix := subscriptionRange(app, ch)
	return toSubscription(app, ch, prefix, it), true, nil
}

// Settle removes pending and writes the version of the cached event that the client was sent, if
// the row has this stamp. It reports whether it did.
func (s *State) Settle(ctx context.Context, sub state.Subscription) (bool, error) {
	update, values := "REMOVE pending", item{":t": num(sub.Stamp)}
	if sub.Cached != "" {
		update += " SET cached = :cached"
		values[":cached"] = str(sub.Cached)
	}
	return s.update(ctx, subscriptionKey(sub), update, hasStamp, values)
}

const hasStamp = "v = :t"

// DropSubscription removes the row if it has this stamp.
func (s *State) DropSubscription(ctx context.Context, sub state.Subscription) error {
	_, err := s.deleteIf(ctx, subscriptionKey(sub), hasStamp, item{":t": num(sub.Stamp)})
	return err
}

// DropOlderSubscription removes the row if its stamp is older than this one.
func (s *State) DropOlderSubscription(ctx context.Context, sub state.Subscription) error {
	_, err := s.deleteIf(ctx, subscriptionKey(sub), "v < :t", item{":t": num(sub.Stamp)})
	return err
}

// TakeSubscription removes the row whatever its stamp and returns the stamp; 0 if there was no row.
func (s *State) TakeSubscription(
	ctx context.Context, sub state.Subscription,
) (state.Stamp, error) {
	it, err := s.take(ctx, subscriptionKey(sub))
	return state.Stamp(getNum(it["v"])), err
}

// Occupied reports whether the channel has any subscription, expired ones included.
func (s *State) Occupied(ctx context.Context, app string, ch pusher.Channel) (bool, error) {
	in := s.query(subscriptionRange(app, ch))
	in.ProjectionExpression = aws.String("sk")
	in.Limit = aws.Int32(1)
	out, err := s.Client.Query(ctx, in)
	if err != nil {
		return false, fmt.Errorf("look for a subscriber of %s: %w", ch, err)
	}
	return out.Count > 0, nil
}

// Subscribers calls page with the channel's subscriptions, a page of up to 1 MB at a time. It
// leaves out subscriptions that have expired, and the info of members. It ends with the first error
// of a read or of page.
func (s *State) Subscribers(
	ctx context.Context, app string, ch pusher.Channel, now time.Time,
	page func([]state.Subscription) error,
) error {
	in, prefix := s.subscriptions(app, ch, "sk, v, expires, pending, cached, #user")
	for out, err := range s.pages(ctx, in) {
		if err != nil {
			return err
		}
		subs := make([]state.Subscription, 0, len(out.Items))
		for _, it := range out.Items {
			if time.Unix(getNum(it["expires"]), 0).After(now) {
				subs = append(subs, toSubscription(app, ch, prefix, it))
			}
		}
		if err := page(subs); err != nil {
			return err
		}
	}
	return nil
}

// Members returns all subscriptions of a presence channel with their members, expired ones
// included.
func (s *State) Members(
	ctx context.Context, app string, ch pusher.Channel,
) ([]state.Subscription, error) {
	in, prefix := s.subscriptions(app, ch, "sk, v, expires, pending, #user, info")
	var subs []state.Subscription
	for out, err := range s.pages(ctx, in) {
		if err != nil {
			return nil, err
		}
		for _, it := range out.Items {
			subs = append(subs, toSubscription(app, ch, prefix, it))
		}
	}
	return subs, nil
}

// Present reports whether the user has a subscription to the presence channel, expired and pending
// ones included, and returns one of the user's connections.
func (s *State) Present(
	ctx context.Context, app string, ch pusher.Channel, user string,
) (pusher.ConnectionID, bool, error) {
	in, prefix := s.subscriptions(app, ch, "sk")
	in.FilterExpression = aws.String("#user = :user")
	in.ExpressionAttributeValues[":user"] = str(user)
	for out, err := range s.pages(ctx, in) {
		if err != nil {
			return "", false, err
		}
		if len(out.Items) > 0 {
			return subscriber(prefix, out.Items[0]), true, nil
		}
	}
	return "", false, nil
}

// Count counts the channel's subscriptions that have not expired.
func (s *State) Count(
	ctx context.Context, app string, ch pusher.Channel, now time.Time,
) (int, error) {
	in := s.query(subscriptionRange(app, ch))
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

// Expired returns the channel's subscriptions that have expired. occupied reports whether the
// channel has any subscription, expired or not.
func (s *State) Expired(
	ctx context.Context, app string, ch pusher.Channel, now time.Time,
) (expired []state.Subscription, occupied bool, err error) {
	pk, prefix := subscriptionRange(app, ch)
	in := s.query(pk, prefix)
	in.ProjectionExpression = aws.String("sk, v, expires")
	in.FilterExpression = aws.String("expires <= :now")
	in.ExpressionAttributeValues[":now"] = num(now.Unix())
	for out, err := range s.pages(ctx, in) {
		if err != nil {
			return nil, false, err
		}
		occupied = occupied || out.ScannedCount > 0 // before the filter
		for _, it := range out.Items {
			expired = append(expired, toSubscription(app, ch, prefix, it))
		}
	}
	return expired, occupied, nil
}

// subscriptions returns a query for these attributes of a channel's subscriptions, and the prefix
// of their sort keys. The partition key, long and the same in all rows, is best left out.
func (s *State) subscriptions(
	app string, ch pusher.Channel, attributes string,
) (in *dynamodb.QueryInput, prefix string) {
	pk, prefix := subscriptionRange(app, ch)
	in = s.query(pk, prefix)
	in.ProjectionExpression = &attributes
	in.ExpressionAttributeNames = map[string]string{"#user": "user"} // a reserved word
	return in, prefix
}

// toSubscription reads a row whose sort key begins with the prefix.
func toSubscription(app string, ch pusher.Channel, prefix string, it item) state.Subscription {
	return state.Subscription{
		Connection:  subscriber(prefix, it),
		App:         app,
		Channel:     ch,
		Stamp:       state.Stamp(getNum(it["v"])),
		ConnectedAt: time.Unix(getNum(it["expires"]), 0).Add(-state.RowLife),
		Pending:     getFlag(it["pending"]),
		Cached:      getStr(it["cached"]),
		Member:      pusher.Member{UserID: getStr(it["user"]), Info: getJSON(it["info"])},
	}
}

func subscriber(prefix string, it item) pusher.ConnectionID {
	return pusher.ConnectionID(strings.TrimPrefix(getStr(it["sk"]), prefix))
}
