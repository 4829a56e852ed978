package e2e_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"hark/localstack/e2e/wire"
)

// leaving is a client that ends in a way that its $disconnect does not report, or not completely.
type leaving struct {
	name       string
	room, news string // it is alone on news
	*reconnecting
	noticed bool // the end may be found before sweep comes
}

// joins puts the client on its channels, where it must get a lease.
func (s leaving) joins(t *testing.T, stays *reconnecting) {
	t.Helper()
	stays.enters(s.room)
	agree(t, s.room, stays)
	s.enters(s.room)
	s.enters(s.news)
	agree(t, s.room, stays, s.reconnecting)
	agree(t, s.news, s.reconnecting)
	if due := leaseOf(t, s.connectionID()); due.IsZero() || time.Until(due) > 10*time.Minute {
		t.Errorf("%s: its lease is due at %s", s.name, due)
	}
}

// A connection that other clients can see has a lease from the moment they can. So its end is
// noticed even if its $disconnect is lost and nothing is published to its channels: sweep looks at
// it.
func TestAVisibleConnectionEndsWithoutDisconnect(t *testing.T) {
	local(t)
	errorsBefore := gatewayErrors(t)
	stays := newReconnecting(t, "stays")
	var scenes []leaving
	leaves := func(name string, noticed bool, hits int, f fault) {
		t.Helper()
		s := leaving{
			name, unique("presence-room-"), unique("news-"),
			newReconnecting(t, fmt.Sprintf("leaves-%d", len(scenes))), noticed,
		}
		s.joins(t, stays)
		strikes(t, hits, s.close, f)
		scenes = append(scenes, s)
	}
	leaves("lost", false, 1, fault{"do": "lose-disconnect", "count": 1})
	leaves("throttled", false, sdkAttempts,
		fault{"do": "answer", "service": "dynamodb", "function": "disconnect", "status": 429})
	for nth := range 4 { // writes: dead, the row on news, the flag in the marker, the marker
		for _, do := range []string{before, after} {
			leaves(fmt.Sprintf("%s %d", do, nth+1), do != before || nth > 0, 1,
				fault{
					"do": do, "service": "dynamodb", "function": "disconnect", "nth": nth + 1,
					"count": 1,
				})
		}
	}
	var ids []string
	for _, s := range scenes {
		ids = append(ids, s.connectionIDs()...)
		if n := len(rowsOf(t, s.room)); n != 2 && !s.noticed {
			t.Errorf("%s: it has left before sweep came", s.name)
		}
	}
	sweepAll(t, ids)
	audit(t) // a death may have left the marker of news
	all := []*reconnecting{stays}
	for _, s := range scenes {
		agree(t, s.room, stays)
		awaitNoRows(t, append(s.connectionIDs(), s.news))
		all = append(all, s.reconnecting)
	}
	if n := stays.wrongMoves(); n > 0 {
		t.Errorf("%d users came who were there, or left who were not", n)
	}
	wantGatewayErrors(t, errorsBefore, 0)
	expectNoRows(t, all)
}

// sdkAttempts is how often the SDK makes a call that DynamoDB throttles.
const sdkAttempts = 4

// leaseOf returns when sweep is to look at a connection; the zero time if it has no lease.
func leaseOf(t *testing.T, id string) (due time.Time) {
	t.Helper()
	for _, key := range rows(t) {
		rest, found := strings.CutSuffix(key, " "+id)
		if !found || !strings.HasPrefix(rest, "lease#") {
			continue
		}
		minute, err := strconv.ParseInt(strings.Split(rest, "#")[1], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		due = time.Unix(minute*60, 0)
	}
	return due
}

// A $disconnect whose writes are partly refused has marked the connection as dead. It leaves a
// lease of two minutes, after which sweep does the rest.
func TestAFailedDisconnectIsRepeated(t *testing.T) {
	local(t)
	news := unique("news-")
	r := newReconnecting(t, "leaves", news)
	agree(t, news, r)
	id := r.connectionID()
	if due := leaseOf(t, id); !due.IsZero() {
		t.Errorf("a connection that no client can see has a lease: %s", due)
	}
	mend := breaks(t, fault{
		"do": "answer", "service": "dynamodb", "operation": "DeleteItem", "function": "disconnect",
		"status": 429,
	})
	r.close()
	eventually(t, func() bool { return !leaseOf(t, id).IsZero() }, "a lease")
	mend()
	if c, ok := find(t, "conn#"+id, "conn"); !ok || c["dead"] != true {
		t.Errorf("the connection's row is %v, want it dead", c)
	}
	expectNoRows(t, []*reconnecting{r}, news)
}

// A connection that no other client can see has no lease. If its $disconnect is lost, the next
// event to its channel finds that it has gone. Without events its row expires, does not count from
// then on, and is removed by the audit.
func TestALostDisconnectOfASubscriberIsFound(t *testing.T) {
	local(t)
	t.Run("an event finds out", func(t *testing.T) {
		news := unique("news-")
		r := newReconnecting(t, "leaves", news)
		agree(t, news, r)
		strikes(t, 1, r.close,
			fault{"do": "lose-disconnect", "connection": r.connectionID(), "count": 1})
		if n := len(rowsOf(t, news)); n != 1 {
			t.Errorf("%d rows, though nothing has announced the end", n)
		}
		publish(t, wire.Event{Name: "test", Channel: news, Data: "{}"})
		awaitNoRows(t, append(r.connectionIDs(), news))
	})
	t.Run("the audit finds out", func(t *testing.T) {
		news := unique("news-")
		r, stays := newReconnecting(t, "leaves", news), newReconnecting(t, "stays", news)
		agree(t, news, r, stays)
		for _, c := range []*reconnecting{r, stays} {
			id := c.connectionID()
			strikes(t, 1, c.close, fault{"do": "lose-disconnect", "connection": id, "count": 1})
			expires(t, news, id)
		}
		answers(t, get(t, "channels/"+news, "info", "subscription_count"), 200,
			`{"occupied":false,"subscription_count":0}`)
		if n := len(rowsOf(t, news)); n != 2 {
			t.Errorf("%d rows, want those that have expired", n)
		}
		audit(t)
		if listed(t, news) {
			t.Error("the channel is listed")
		}
		awaitNoRows(t, slices.Concat([]string{news}, r.connectionIDs(), stays.connectionIDs()))
	})
}

// expires gives a subscription an expiry six years ago. DynamoDB's TTL leaves such a row alone: it
// ignores rows that expired over five years ago.
func expires(t *testing.T, channel, id string) {
	t.Helper()
	_, err := tables().UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName:                 aws.String(hark.Tables["State"]),
		Key:                       subscriptionKey(channel, id).attributes(t),
		UpdateExpression:          aws.String("SET expires = :past"),
		ExpressionAttributeValues: item{":past": time.Now().AddDate(-6, 0, 0).Unix()}.attributes(t),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// audit makes sweep look at every listed channel, as it does within each hour. It sets the start of
// the round to an hour ago.
func audit(t *testing.T) {
	t.Helper()
	round := time.Now().Add(-59 * time.Minute).Truncate(time.Minute)
	put(t, "State", item{
		"pk": "sweep", "sk": "audit", "round": round.Unix() / 60, "app": "", "part": 0, "after": "",
		"expires": time.Now().Add(time.Hour).Unix(),
	})
	eventually(t, func() bool {
		if _, err := invoke(t.Context(), "sweep", []byte("{}")); err != nil {
			t.Error(err)
		}
		place, _ := find(t, "sweep", "audit")
		return place["app"] != "" && place["part"] == 8.0
	}, "the audit to come to its end")
}
