package e2e_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"hark/localstack/e2e/wire"
)

// API Gateway sometimes answers 410 for a connection that is open (docs/aws.md §A5). A client that
// is wrongly taken for gone must not stay open without its subscriptions: it is closed, comes back,
// and is on its channels once.
func TestAWrong410(t *testing.T) {
	local(t)
	errorsBefore := gatewayErrors(t)
	gone := func(r *reconnecting, operation string, count int) fault {
		f := fault{"do": "gone", "connection": r.connectionID(), "count": count}
		if operation != "" {
			f["operation"] = operation
		}
		return f
	}
	const post = "PostToConnection"
	var all []*reconnecting
	var channels []string
	for _, tc := range []struct {
		name  string
		comes int // connections that it has in the end
		what  func(r, other *reconnecting, room, news string)
	}{
		{"for the first post of an event, to a connection that has just opened", 1, func(
			r, _ *reconnecting, _, news string,
		) {
			strikes(t, 1,
				func() { publish(t, wire.Event{Name: "test", Channel: news, Data: "first"}) },
				gone(r, post, 1))
			eventually(t, func() bool { return r.received(news, "first") }, "the event")
		}},
		{"for an event, and when it is asked for", 2, func(r, _ *reconnecting, _, news string) {
			strikes(t, 2,
				func() { publish(t, wire.Event{Name: "test", Channel: news, Data: "first"}) },
				gone(r, "", 2))
		}},
		{"for an event, to a connection that opened a while ago", 2, func(
			r, _ *reconnecting, _, news string,
		) {
			older(t, news, r.connectionID())
			strikes(t, 1,
				func() { publish(t, wire.Event{Name: "test", Channel: news, Data: "first"}) },
				gone(r, post, 1))
		}},
		{"for member_added", 2, func(r, other *reconnecting, room, _ string) {
			older(t, room, r.connectionID())
			strikes(t, 1, func() { other.enters(room) }, gone(r, post, 1))
		}},
		{"for member_removed", 2, func(r, other *reconnecting, room, news string) {
			other.enters(room)
			agree(t, room, r, other)
			older(t, room, r.connectionID())
			strikes(t, 1, func() { other.leaves(room) }, gone(r, post, 1))
		}},
		{"for the success of a public channel", 2, func(r, _ *reconnecting, _, news string) {
			r.leaves(news)
			agree(t, news)
			strikes(t, 1, func() { r.enters(news) }, gone(r, post, 1))
		}},
		{"for the success of a presence channel", 2, func(r, _ *reconnecting, room, _ string) {
			r.leaves(room)
			agree(t, room)
			strikes(t, 1, func() { r.enters(room) }, gone(r, post, 1))
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			room, news := unique("presence-room-"), unique("news-")
			r, other := newReconnecting(t, "gone", room, news), newReconnecting(t, "other")
			agree(t, room, r, other)
			agree(t, news, r, other)
			tc.what(r, other, room, news)
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
func TestEverySocketIsCut(t *testing.T) {
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
