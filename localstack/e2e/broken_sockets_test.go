package e2e_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"hark/localstack/e2e/wire"
)

// post410 is the operation of API Gateway that posts a frame.
const post410 = "PostToConnection"

// wrong410 is a fault that answers 410 for an open connection, and what follows.
type wrong410 struct {
	name   string
	comes  int // connections that the client has in the end
	strike func(t *testing.T, a audience)
}

// audience is the client that gets the 410 (r, on both channels), a client on neither, and the
// channels.
type audience struct {
	r, other   *reconnecting
	room, news string
}

// wrongly410 has calls for the connection answered 410, or only calls of one operation.
func wrongly410(r *reconnecting, operation string, count int) fault {
	f := fault{"do": "gone", "connection": r.connectionID(), "count": count}
	if operation != "" {
		f["operation"] = operation
	}
	return f
}

func wrong410s() []wrong410 {
	return []wrong410{
		{"for the first post of an event, to a new connection", 1, func(t *testing.T, a audience) {
			strikes(t, 1,
				func() { publish(t, wire.Event{Name: "test", Channel: a.news, Data: "first"}) },
				wrongly410(a.r, post410, 1))
			eventually(t, func() bool { return a.r.received(a.news, "first") }, "the event")
		}},
		{"for an event, and when it is asked for", 2, func(t *testing.T, a audience) {
			strikes(t, 2,
				func() { publish(t, wire.Event{Name: "test", Channel: a.news, Data: "first"}) },
				wrongly410(a.r, "", 2))
		}},
		{"for the first post of an event, to an old connection", 2, func(t *testing.T, a audience) {
			older(t, a.news, a.r.connectionID())
			strikes(t, 1,
				func() { publish(t, wire.Event{Name: "test", Channel: a.news, Data: "first"}) },
				wrongly410(a.r, post410, 1))
		}},
		{"for member_added", 2, func(t *testing.T, a audience) {
			older(t, a.room, a.r.connectionID())
			strikes(t, 1, func() { a.other.enters(a.room) }, wrongly410(a.r, post410, 1))
		}},
		{"for member_removed", 2, func(t *testing.T, a audience) {
			a.other.enters(a.room)
			agree(t, a.room, a.r, a.other)
			older(t, a.room, a.r.connectionID())
			strikes(t, 1, func() { a.other.leaves(a.room) }, wrongly410(a.r, post410, 1))
		}},
		{"for the success of a public channel", 2, func(t *testing.T, a audience) {
			a.r.leaves(a.news)
			agree(t, a.news)
			strikes(t, 1, func() { a.r.enters(a.news) }, wrongly410(a.r, post410, 1))
		}},
		{"for the success of a presence channel", 2, func(t *testing.T, a audience) {
			a.r.leaves(a.room)
			agree(t, a.room)
			strikes(t, 1, func() { a.r.enters(a.room) }, wrongly410(a.r, post410, 1))
		}},
	}
}

// API Gateway sometimes answers 410 for a connection that is open (docs/aws.md §A5). A client that
// is wrongly taken for gone must not stay open without its subscriptions: it is closed, comes back,
// and is on its channels once.
func TestAWrong410LeavesNoDeafClient(t *testing.T) {
	local(t)
	errorsBefore := gatewayErrors(t)
	var all []*reconnecting
	var channels []string
	for _, tc := range wrong410s() {
		t.Run(tc.name, func(t *testing.T) {
			room, news := unique("presence-room-"), unique("news-")
			r, other := newReconnecting(t, "gone", room, news), newReconnecting(t, "other")
			agree(t, room, r, other)
			agree(t, news, r, other)
			tc.strike(t, audience{r, other, room, news})
			eventually(t,
				func() bool { return r.socketID() != "" && len(r.connectionIDs()) == tc.comes },
				fmt.Sprintf("%d connections", tc.comes))
			agree(t, room, r, other)
			agree(t, news, r, other)
			publish(t, wire.Event{Name: "test", Channels: []string{room, news}, Data: "last"})
			eventually(t,
				func() bool { return r.received(room, "last") && r.received(news, "last") },
				"an event that was published later")
			all, channels = append(all, r, other), append(channels, room, news)
		})
	}
	wantGatewayErrors(t, errorsBefore, 0)
	expectNoRows(t, all, channels...)
}

// older makes a subscription belong to a connection that opened some minutes ago.
func older(t *testing.T, channel, id string) {
	t.Helper()
	_, err := tables().UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName:                 aws.String(hark.Tables["State"]),
		Key:                       subscriptionKey(channel, id).attributes(t),
		UpdateExpression:          aws.String("SET expires = expires - :minutes"),
		ExpressionAttributeValues: item{":minutes": int((5 * time.Minute).Seconds())}.attributes(t),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// All connections end at once, as those that opened together do after two hours. All clients come
// back and are on their channels once, and each is sent at most one leave and one join of every
// user.
func TestClientsComeBackAfterEverySocketIsCut(t *testing.T) {
	local(t)
	errorsBefore := gatewayErrors(t)
	room, news := unique("presence-room-"), unique("news-")
	var all []*reconnecting
	for i := range 10 {
		all = append(all, newReconnecting(t, fmt.Sprintf("user-%d", i/2), room, news))
	}
	agree(t, room, all...)
	agree(t, news, all...)
	for cuts := 1; cuts <= 3; cuts++ {
		strikes(t, len(all), func() {}, fault{"do": "cut"})
		for _, r := range all {
			eventually(t,
				func() bool { return r.socketID() != "" && len(r.connectionIDs()) == cuts+1 },
				"every client to come back once")
		}
		agree(t, room, all...)
		agree(t, news, all...)
		publish(t, wire.Event{Name: "test", Channels: []string{room, news}, Data: fmt.Sprint(cuts)})
		for _, r := range all {
			eventually(
				t,
				func() bool {
					return r.received(room, fmt.Sprint(cuts)) && r.received(news, fmt.Sprint(cuts))
				},
				"the event",
			)
		}
	}
	for _, r := range all {
		if n := r.wrongMoves(); n > 0 {
			t.Errorf("%s: %d users came who were there, or left who were not", r.user, n)
		}
	}
	wantGatewayErrors(t, errorsBefore, 0)
	expectNoRows(t, all, room, news)
}
