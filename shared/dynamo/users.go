package dynamo

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"hark/shared/pusher"
	"hark/shared/state"
)

// signedIn is the stamp of a user's row, which is also a subscription: it has no frames that could overtake each other.
const signedIn state.Stamp = 1

// PutUser writes that the connection is signed in as c.User and watches these users, over what it said before.
func (s *State) PutUser(ctx context.Context, c state.Connection, watchlist []string) error {
	it := userKey(c.App, c.User, c.ID)
	it["v"] = num(signedIn)
	it["expires"] = num(expires(c.ConnectedAt))
	if len(watchlist) > 0 {
		it["watch"] = strs(watchlist)
	}
	_, err := s.put(ctx, it, "", nil)
	return err
}

// Watchlist returns whom the connection watches as the user.
func (s *State) Watchlist(ctx context.Context, app, user string, id pusher.ConnectionID) ([]string, error) {
	it, err := s.get(ctx, userKey(app, user, id))
	return getStrs(it["watch"]), err
}

// TakeUser removes the row of the connection and user; found tells whether there was one.
func (s *State) TakeUser(ctx context.Context, app, user string, id pusher.ConnectionID) (found bool, err error) {
	it, err := s.take(ctx, userKey(app, user, id), types.ReturnValueAllOld)
	return it != nil, err
}

func userKey(app, user string, id pusher.ConnectionID) item {
	return subscriptionKey(state.Subscription{App: app, Channel: pusher.UserChannel(user), Connection: id})
}

// User reports whether any connection is signed in as the user, expired ones included, and what its watchers were last told. All of
// that has one partition, and is read at once.
func (s *State) User(ctx context.Context, app, user string) (online bool, told state.UserStatus, err error) {
	in := s.query(userPK(app, user), "")
	in.ProjectionExpression = aws.String("sk, word")
	for out, err := range s.pages(ctx, in) {
		if err != nil {
			return false, state.StatusUnknown, err
		}
		for _, it := range out.Items {
			switch sk := getStr(it["sk"]); {
			case sk == statusSK:
				told = state.UserStatus(getNum(it["word"]))
			case strings.HasPrefix(sk, userPrefix):
				online = true
			}
		}
	}
	return online, told, nil
}

// SetUserStatus notes what a user's watchers are told.
func (s *State) SetUserStatus(ctx context.Context, app, user string, word state.UserStatus, now time.Time) error {
	it := statusKey(app, user)
	it["word"] = num(word)
	it["expires"] = num(expires(now))
	_, err := s.put(ctx, it, "", nil)
	return err
}

// Watch writes that the connection watches these users, each of whom is named once. After an error some of it may be written.
func (s *State) Watch(ctx context.Context, c state.Connection, users []string) error {
	writes := make([]types.WriteRequest, len(users))
	for i, user := range users {
		it := watcherKey(c.App, user, c.ID)
		it["expires"] = num(expires(c.ConnectedAt))
		writes[i].PutRequest = &types.PutRequest{Item: it}
	}
	return s.writeAll(ctx, writes)
}

// Unwatch removes what Watch wrote.
func (s *State) Unwatch(ctx context.Context, app string, id pusher.ConnectionID, users []string) error {
	writes := make([]types.WriteRequest, len(users))
	for i, user := range users {
		writes[i].DeleteRequest = &types.DeleteRequest{Key: watcherKey(app, user, id)}
	}
	return s.writeAll(ctx, writes)
}

// Watchers returns the connections that watch the user and had not expired by then, as subscriptions to no channel; at most limit, all
// if it is 0.
func (s *State) Watchers(ctx context.Context, app, user string, now time.Time, limit int) ([]state.Subscription, error) {
	in := s.query(watcherPK(app, user), userPrefix)
	in.ProjectionExpression = aws.String("sk, expires")
	in.FilterExpression = aws.String("expires > :now")
	in.ExpressionAttributeValues[":now"] = num(now.Unix())
	if limit > 0 {
		in.Limit = aws.Int32(int32(limit)) // of a page, before it is filtered
	}
	var watchers []state.Subscription
	for out, err := range s.pages(ctx, in) {
		if err != nil {
			return nil, err
		}
		for _, it := range out.Items {
			watchers = append(watchers, subscription(app, "", userPrefix, it))
			if len(watchers) == limit {
				return watchers, nil
			}
		}
	}
	return watchers, nil
}
