package queue_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"hark/shared/pusher"
	"hark/shared/queue"
	"hark/shared/state"
)

const (
	connection = pusher.ConnectionID("L0SM9cOFvHcCIhw=")
	room       = pusher.Channel("presence-room")
)

// bodyCase is a broadcast and the body of its message.
type bodyCase struct {
	name      string
	broadcast state.Broadcast
	want      string
}

// While a stack is updated, one version handles messages that the other has queued. So bodies must
// stay as they are, byte for byte.
func TestBodiesOfEvents(t *testing.T) {
	testBodies(t, []bodyCase{
		{
			"an event",
			state.Event{App: "3", Channel: "news", Frame: pusher.EventFrame("e", "news", "<1>")},
			`{"app":"3","channel":"news","frame":{"event":"e","channel":"news","data":"<1>"}}`,
		},
		{
			"an event with everything",
			state.Event{
				App: "3", Channel: "cache-a", Except: "1.2",
				Frame: json.RawMessage(`{}`), Cache: true,
			},
			`{"app":"3","channel":"cache-a","except":"1.2","frame":{},"cache":true}`,
		},
		{
			"an event without a frame",
			state.Event{App: "3", Channel: "news"},
			`{"app":"3","channel":"news"}`,
		},
	})
}

func TestBodiesOfChanges(t *testing.T) {
	testBodies(t, []bodyCase{
		{
			"a join",
			state.Join{
				App: "3", Channel: room, Connection: connection, Stamp: 5, ConnectedAt: 4,
				Member: pusher.Member{UserID: "7", Info: json.RawMessage(`{"name":"<Ann>"}`)},
			},
			`{"kind":"join","app":"3","channel":"presence-room","connection":"L0SM9cOFvHcCIhw=",` +
				`"stamp":5,"connected":4,"member":{"user_id":"7","user_info":{"name":"<Ann>"}}}`,
		},
		{
			"a join without info",
			state.Join{
				App: "3", Channel: room, Connection: connection, Stamp: 5, ConnectedAt: 4,
				Member: pusher.Member{UserID: "7"},
			},
			`{"kind":"join","app":"3","channel":"presence-room","connection":"L0SM9cOFvHcCIhw=",` +
				`"stamp":5,"connected":4,"member":{"user_id":"7"}}`,
		},
		{
			"a leave",
			state.Leave{App: "3", Channel: room, Connection: connection, Stamp: state.Forever},
			`{"kind":"leave","app":"3","channel":"presence-room","connection":"L0SM9cOFvHcCIhw=",` +
				`"stamp":9223372036854775807}`,
		},
		{
			"a count",
			state.Count{App: "3", Channel: "news"},
			`{"kind":"count","app":"3","channel":"news"}`,
		},
		{
			"a watch for all watchers",
			state.Watch{App: "3", Channel: "#server-to-user-7"},
			`{"kind":"watch","app":"3","channel":"#server-to-user-7"}`,
		},
		{
			"a watch for a new watcher",
			state.Watch{
				App: "3", Channel: "#server-to-user-7", Connection: connection, Online: true,
			},
			`{"kind":"watch","app":"3","channel":"#server-to-user-7",` +
				`"connection":"L0SM9cOFvHcCIhw=","online":true}`,
		},
	})
}

func testBodies(t *testing.T, cases []bodyCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			q := newQueue(t)
			if err := q.Publish(t.Context(), c.broadcast); err != nil {
				t.Fatal(err)
			}
			all := q.all(t)
			if len(all) != 1 || all[0].Body != c.want {
				t.Fatalf("queued %+v\nwant %s", all, c.want)
			}
			if diff := cmp.Diff(c.broadcast, read(t, all[0])); diff != "" {
				t.Errorf("the consumer is given another one: %s", diff)
			}
		})
	}
}

func TestPublishKeepsAMessageAsItIs(t *testing.T) {
	q := newQueue(t)
	want := event("local", "orders", "<b>&\u2028\ufffe\uffff\x00\U0001f600")
	want.Except = "1.2"
	if err := q.Publish(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	got := q.all(t)
	if len(got) != 1 {
		t.Fatalf("%d messages", len(got))
	}
	b := readEvent(t, got[0])
	if b.App != want.App || b.Channel != want.Channel || b.Except != want.Except ||
		string(b.Frame) != string(want.Frame) {
		t.Errorf("got %s\nwant frame %s", got[0].Body, want.Frame)
	}
}

// The events of a channel stay in order because they share a message group. No other channel shares
// it.
func TestEachChannelHasAGroup(t *testing.T) {
	q := newQueue(t)
	long := pusher.Channel(strings.Repeat("x", pusher.MaxChannelName))
	groups := map[string]string{}
	for _, c := range []state.Event{
		event("one", "a", "1"), event("one", "b", "1"), event("two", "a", "1"),
		event("one", long, "1"), event("one", long[1:], "1"), event("one", "a", "2"),
	} {
		if err := q.Publish(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		m := q.all(t)[0]
		group, channel := m.Attributes["MessageGroupId"], c.App+" "+string(c.Channel)
		if len(group) > 128 || group == "" {
			t.Errorf("group %q of %s", group, channel)
		}
		if was, ok := groups[group]; ok && was != channel {
			t.Errorf("%s and %s share a group", was, channel)
		}
		groups[group] = channel
	}
	if len(groups) != 5 {
		t.Errorf("%d groups for 5 channels", len(groups))
	}
}

func TestPublishKeepsTheOrderOfAChannel(t *testing.T) {
	q := newQueue(t)
	var want []string
	var burst []state.Broadcast
	for i := range 25 { // three requests
		b := event("local", "orders", fmt.Sprint(i))
		want, burst = append(want, string(b.Frame)), append(burst, b)
	}
	if err := q.Publish(t.Context(), burst...); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range q.all(t) {
		got = append(got, string(readEvent(t, m).Frame))
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestPublishToAHundredChannelsTakesTenRequests(t *testing.T) {
	q := newQueue(t)
	var all []state.Broadcast
	for i := range 100 {
		all = append(all, event("local", pusher.Channel(fmt.Sprintf("c%d", i)), "{}"))
	}
	if err := q.Publish(t.Context(), all...); err != nil {
		t.Fatal(err)
	}
	if n := q.requests.Load(); n != 10 {
		t.Errorf("%d requests", n)
	}
	channels := map[pusher.Channel]bool{}
	for _, m := range q.all(t) {
		channels[readEvent(t, m).Channel] = true
	}
	if len(channels) != 100 {
		t.Errorf("%d channels", len(channels))
	}
}

// Ten of the largest events fit into one request, even if each of their bytes is escaped as six.
func TestTheLargestEventsFitIntoOneRequest(t *testing.T) {
	q := newQueue(t)
	b := event("local", "orders", strings.Repeat("\x01", 10<<10))
	err := q.Publish(t.Context(), slices.Repeat([]state.Broadcast{b}, 10)...)
	if err != nil || q.requests.Load() != 1 {
		t.Errorf("%v, %d requests", err, q.requests.Load())
	}
}

func TestTwoEqualEventsAreTwoMessages(t *testing.T) {
	q := newQueue(t)
	b := event("local", "orders", "same")
	for range 2 {
		if err := q.Publish(t.Context(), b, b); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(q.all(t)); n != 4 {
		t.Errorf("%d messages, want 4", n)
	}
}

// A repeat has the same app, channel and repeat key as an event that was queued before.
func TestARepeatOfAnEventIsNotQueued(t *testing.T) {
	q := newQueue(t)
	keyed := func(app string, ch pusher.Channel, key string) state.Broadcast {
		b := event(app, ch, "data")
		b.RepeatKey = key
		return b
	}
	first := []state.Broadcast{
		keyed("local", "a", "1"), keyed("local", "a", "2"),
		keyed("local", "b", "1"), keyed("other", "a", "1"),
	}
	for range 3 {
		if err := q.Publish(t.Context(), append(first, keyed("local", "c", "1"))...); err != nil {
			t.Fatal(err)
		}
		first = first[1:] // as if the rest had been queued before
	}
	all := q.all(t)
	if len(all) != 5 {
		t.Errorf("%d messages, want 5", len(all))
	}
	for _, m := range all {
		body := strings.ToLower(m.Body)
		if strings.Contains(body, "once") || strings.Contains(body, "key") {
			t.Errorf("the consumer reads %s", m.Body)
		}
	}
}

func TestPublishNothing(t *testing.T) {
	q := newQueue(t)
	if err := q.Publish(t.Context()); err != nil || q.requests.Load() != 0 {
		t.Errorf("%v, %d requests", err, q.requests.Load())
	}
}

func TestPublishFails(t *testing.T) {
	for _, c := range []struct {
		name, answer string
		status       int
		says         string
	}{
		{
			"when one message of a batch is refused",
			`{"Successful":[{"Id":"0","MessageId":"m","MD5OfMessageBody":"x"}],"Failed":[` +
				`{"Id":"1","Code":"InternalError","Message":"try again","SenderFault":false}]}`,
			200, "InternalError",
		},
		{
			"when all are refused",
			`{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no such queue"}`,
			400, "QueueDoesNotExist",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			serve := func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/x-amz-json-1.0")
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.answer)
			}
			server := httptest.NewServer(http.HandlerFunc(serve))
			t.Cleanup(server.Close)
			options := newClient(server.URL).Options()
			options.DisableMessageChecksumValidation = true
			client := awssqs.New(options)
			b := &queue.Broadcasts{Client: client, URL: server.URL + "/0/q"}
			err := b.Publish(t.Context(), event("local", "a", "1"), event("local", "b", "1"))
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want an error that says %s", err, c.says)
			}
		})
	}
	t.Run("and sends nothing after a request that failed", func(t *testing.T) {
		q := newQueue(t)
		q.URL += "-of-another-name"
		b := event("local", "a", "1")
		err := q.Publish(t.Context(), slices.Repeat([]state.Broadcast{b}, 25)...)
		if err == nil || q.requests.Load() != 1 {
			t.Errorf("%v, %d requests", err, q.requests.Load())
		}
	})
}
