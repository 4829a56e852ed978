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

// countedLife is how much longer the row of a counted connection is kept: DynamoDB must not remove it before its lease has, which
// counts it out.
const countedLife = time.Hour

// PutConnection writes the row of a new connection, and does nothing if it is there: connect may run twice, and an attempt that was given
// up may still arrive when the client has subscribed. One that is counted is added to the app's open connections by the same write.
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

// DeleteConnection removes the row if it is there. One that is counted leaves the app's open connections by the same write.
func (s *State) DeleteConnection(ctx context.Context, c state.Connection) error {
	if !c.Counted {
		return s.drop(ctx, connectionKey(c.ID))
	}
	return s.transact(ctx, types.TransactWriteItem{Delete: &types.Delete{
		TableName: &s.Table, Key: connectionKey(c.ID), ConditionExpression: aws.String("attribute_exists(pk)"),
	}}, s.countOpen(c, -1))
}

func (s *State) countOpen(c state.Connection, n int) types.TransactWriteItem {
	return types.TransactWriteItem{Update: &types.Update{
		TableName: &s.Table, Key: openKey(c.App, c.ID),
		UpdateExpression: aws.String("ADD n :n"), ExpressionAttributeValues: item{":n": num(n)},
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

// Connection reads the row; it fails with state.ErrGone if there is none.
func (s *State) Connection(ctx context.Context, id pusher.ConnectionID) (state.Connection, error) {
	it, err := s.get(ctx, connectionKey(id))
	if err != nil {
		return state.Connection{}, err
	}
	if it == nil {
		return state.Connection{}, state.ErrGone
	}
	return connection(id, it), nil
}

// SignIn sets the user, if the row exists and is not dead, and nobody else is signed in.
func (s *State) SignIn(ctx context.Context, id pusher.ConnectionID, u pusher.User) (bool, error) {
	update, values := "SET #user = :user REMOVE info", item{":user": str(u.ID)}
	if len(u.Info) > 0 {
		update, values[":info"] = "SET #user = :user, info = :info", str(string(u.Info))
	}
	_, err := s.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.Table, Key: connectionKey(id), UpdateExpression: &update,
		ConditionExpression:       aws.String("attribute_exists(pk) AND attribute_not_exists(dead) AND (attribute_not_exists(#user) OR #user = :user)"),
		ExpressionAttributeNames:  map[string]string{"#user": "user"}, // a reserved word
		ExpressionAttributeValues: values,
	})
	return held(err)
}

// MarkDead sets the row dead and returns it; it fails with state.ErrGone if there is none.
func (s *State) MarkDead(ctx context.Context, id pusher.ConnectionID) (state.Connection, error) {
	out, err := s.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.Table, Key: connectionKey(id),
		UpdateExpression:          aws.String("SET dead = :true"),
		ConditionExpression:       aws.String("attribute_exists(pk)"),
		ExpressionAttributeValues: item{":true": flag(true)},
		ReturnValues:              types.ReturnValueAllNew,
	})
	if _, failed := refused(err); failed {
		return state.Connection{}, state.ErrGone
	}
	if err != nil {
		return state.Connection{}, fmt.Errorf("mark %s dead: %w", id, err)
	}
	return connection(id, out.Attributes), nil
}

// connection reads a row. One that is missing is dead.
func connection(id pusher.ConnectionID, it item) state.Connection {
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
