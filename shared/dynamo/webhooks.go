package dynamo

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"hark/shared/pusher"
	"hark/shared/state"
)

// What an app has been told by its webhooks: of channels in the marker, of users on presence channels in rows of their own.

// MissLife is for how long a cache miss that an app was told of stands for those that come after it.
const MissLife = 5 * time.Second

func missKey(app string, ch pusher.Channel) item { return key(channelPK(app, ch), "miss") }

func announcedMemberKey(app string, ch pusher.Channel, user string) item {
	return key(channelPK(app, ch), "told#"+user)
}

// SetAnnounced notes what the app has been told of the channel, if the marker exists and, where a nonce is given, vac is that one.
func (s *State) SetAnnounced(ctx context.Context, app string, ch pusher.Channel, told state.Announced, nonce string) (bool, error) {
	update, cond, values := "SET told = :told", "attribute_exists(pk)", item{":told": num(told)}
	if told == state.AnnouncedNothing {
		update, values = "REMOVE told", nil
	}
	if nonce != "" {
		if values == nil {
			values = make(item)
		}
		cond, values[":n"] = "vac = :n", str(nonce)
	}
	return s.update(ctx, markerKey(app, ch), update, cond, values)
}

// TakeMarker removes the row if vac is the nonce, as DeleteMarker does, and reports whether it was.
func (s *State) TakeMarker(ctx context.Context, app string, ch pusher.Channel, nonce string) (bool, error) {
	_, err := s.Client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &s.Table, Key: markerKey(app, ch),
		ConditionExpression: aws.String("vac = :n"), ExpressionAttributeValues: item{":n": str(nonce)},
	})
	return held(err)
}

// Present reports whether the user has a subscription to the presence channel, expired and pending ones included, and returns one of its
// connections.
func (s *State) Present(ctx context.Context, app string, ch pusher.Channel, user string) (pusher.ConnectionID, bool, error) {
	in, prefix := s.subscriptions(app, ch, "sk")
	in.FilterExpression = aws.String("#user = :user")
	in.ExpressionAttributeValues[":user"] = str(user)
	for out, err := range s.pages(ctx, in) {
		if err != nil {
			return "", false, err
		}
		if len(out.Items) > 0 {
			return pusher.ConnectionID(strings.TrimPrefix(getStr(out.Items[0]["sk"]), prefix)), true, nil
		}
	}
	return "", false, nil
}

// AnnouncedMember returns what the app has been told of the user on the presence channel.
func (s *State) AnnouncedMember(ctx context.Context, app string, ch pusher.Channel, user string) (state.AnnouncedMember, error) {
	it, err := s.get(ctx, announcedMemberKey(app, ch, user))
	if err != nil || it == nil {
		return state.AnnouncedMember{}, err
	}
	return state.AnnouncedMember{At: time.UnixMilli(getNum(it["at"])), Connection: pusher.ConnectionID(getStr(it["conn"]))}, nil
}

// SetAnnouncedMember notes that the app is told that the user is there. Like a marker the row never expires, since with one connection after
// another a user may be there for longer than any of them lasts.
func (s *State) SetAnnouncedMember(ctx context.Context, app string, ch pusher.Channel, user string, told state.AnnouncedMember) error {
	it := announcedMemberKey(app, ch, user)
	it["at"] = num(told.At.UnixMilli())
	it["conn"] = str(string(told.Connection))
	_, err := s.put(ctx, it, "", nil)
	return err
}

// DropAnnouncedMember notes that the app has been told that the user has gone.
func (s *State) DropAnnouncedMember(ctx context.Context, app string, ch pusher.Channel, user string) error {
	return s.drop(ctx, announcedMemberKey(app, ch, user))
}

// SetAnnouncedMiss notes that the app is told of a cache miss, unless it was told of one less than MissLife before.
func (s *State) SetAnnouncedMiss(ctx context.Context, app string, ch pusher.Channel, now time.Time) (bool, error) {
	it := missKey(app, ch)
	it["told"] = num(now.UnixMilli())
	it["expires"] = num(now.Add(MissLife).Unix() + 1)
	return s.put(ctx, it, "attribute_not_exists(pk) OR told <= :before", item{":before": num(now.Add(-MissLife).UnixMilli())})
}
