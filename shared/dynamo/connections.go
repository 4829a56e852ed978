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

// countedLife is how much longer the row of a counted connection is kept. DynamoDB must not remove
// it before sweep has come to its lease, because sweep subtracts it from the app's open
// connections.
const countedLife = time.Hour

// PutConnection writes the row of a new connection. It does nothing if there is one: connect may
// run twice, and an attempt that was given up may arrive after the client has subscribed. A counted
// connection is added to the app's open connections by the same write.
func (s *State) PutConnection(ctx context.Context, c state.Connection) error {
	it := connectionKey(c.ID)
	it["app"] = str(c.App)
	it["at"] = num(c.ConnectedAt.UnixMilli())
	it["on"] = noStamps()
	it["off"] = noStamps()
	it["expires"] = num(expires(c.ConnectedAt))
	const isNew = "attribute_not_exists(pk)"
	if !c.Counted {
		_, err := s.put(ctx, it, isNew, nil)
		return err
	}
	it["counted"] = flag(true)
	it["expires"] = num(expires(c.ConnectedAt.Add(countedLife)))
	return s.transact(ctx, types.TransactWriteItem{Put: &types.Put{
		TableName: &s.Table, Item: it, ConditionExpression: aws.String(isNew),
	}}, s.countOpen(c, 1))
}

// DeleteConnection removes the row if it exists. A counted connection is subtracted from the app's
// open connections by the same write.
func (s *State) DeleteConnection(ctx context.Context, c state.Connection) error {
	if !c.Counted {
		return s.delete(ctx, connectionKey(c.ID))
	}
	return s.transact(ctx, types.TransactWriteItem{Delete: &types.Delete{
		TableName: &s.Table, Key: connectionKey(c.ID),
		ConditionExpression: aws.String("attribute_exists(pk)"),
	}}, s.countOpen(c, -1))
}

// Connection reads the row; it fails with state.ErrGone if there is none.
func (s *State) Connection(
	ctx context.Context, id pusher.ConnectionID,
) (state.Connection, error) {
	it, err := s.get(ctx, connectionKey(id))
	if err != nil {
		return state.Connection{}, err
	}
	if it == nil {
		return state.Connection{}, state.ErrGone
	}
	return toConnection(id, it), nil
}

// SignIn sets the user, if the row exists, is not dead, and has no other user. It reports whether
// it did.
func (s *State) SignIn(ctx context.Context, id pusher.ConnectionID, u pusher.User) (bool, error) {
	update, values := "SET #user = :user REMOVE info", item{":user": str(u.ID)}
	if len(u.Info) > 0 {
		update, values[":info"] = "SET #user = :user, info = :info", str(string(u.Info))
	}
	_, err := s.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.Table, Key: connectionKey(id), UpdateExpression: &update,
		ConditionExpression: aws.String("attribute_exists(pk) AND attribute_not_exists(dead)" +
			" AND (attribute_not_exists(#user) OR #user = :user)"),
		ExpressionAttributeNames:  map[string]string{"#user": "user"}, // a reserved word
		ExpressionAttributeValues: values,
	})
	return held(err)
}

// MarkDead sets the row dead and returns it as it is then; it fails with state.ErrGone if there is
// none.
func (s *State) MarkDead(ctx context.Context, id pusher.ConnectionID) (state.Connection, error) {
	out, err := s.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.Table, Key: connectionKey(id),
		UpdateExpression:          aws.String("SET dead = :true"),
		ConditionExpression:       aws.String("attribute_exists(pk)"),
		ExpressionAttributeValues: item{":true": flag(true)},
		ReturnValues:              types.ReturnValueAllNew,
	})
	if _, failed := conditionFailed(err); failed {
		return state.Connection{}, state.ErrGone
	}
	if err != nil {
		return state.Connection{}, fmt.Errorf("mark %s dead: %w", id, err)
	}
	return toConnection(id, out.Attributes), nil
}

// toConnection reads a row. A connection without one is dead.
func toConnection(id pusher.ConnectionID, it item) state.Connection {
	return state.Connection{
		ID:          id,
		App:         getStr(it["app"]),
		ConnectedAt: time.UnixMilli(getNum(it["at"])),
		On:          getStamps(it["on"]),
		Off:         getStamps(it["off"]),
		Dead:        it == nil || getFlag(it["dead"]),
		User:        getStr(it["user"]),
		UserInfo:    getJSON(it["info"]),
		Counted:     getFlag(it["counted"]),
	}
}
