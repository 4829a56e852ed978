package queue_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hark/shared/pusher"
	"hark/shared/state"
)

// While a stack is updated, messages that one version queued are handled by the other: bodies must
// stay as they are, byte for byte.
func TestBodiesOfBroadcasts(t *testing.T) {
	const (
		connection = pusher.ConnectionID("L0SM9cOFvHcCIhw=")
		room       = pusher.Channel("presence-room")
	)
	for _, c := range []struct {
		name      string
		broadcast state.Broadcast
		want      string
	}{
		{
			"an event",
			state.Event{App: "3", Channel: "news", Frame: pusher.EventFrame("e", "news", "<1>")},
			`{"app":"3","channel":"news","frame":{"event":"e","channel":"news","data":"<1>"}}`,
		},
		{
			"an event with everything",
			state.Event{App: "3", Channel: "cache-a", Except: "1.2", Frame: json.RawMessage(`{}`), Cache: true},
			`{"app":"3","channel":"cache-a","except":"1.2","frame":{},"cache":true}`,
		},
		{"an event without a frame", state.Event{App: "3", Channel: "news"}, `{"app":"3","channel":"news"}`},
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
		{"a count", state.Count{App: "3", Channel: "news"}, `{"kind":"count","app":"3","channel":"news"}`},
		{
			"a watch for all watchers",
			state.Watch{App: "3", Channel: "#server-to-user-7"},
			`{"kind":"watch","app":"3","channel":"#server-to-user-7"}`,
		},
		{
			"a watch for a new watcher",
			state.Watch{App: "3", Channel: "#server-to-user-7", Connection: connection, Online: true},
			`{"kind":"watch","app":"3","channel":"#server-to-user-7",` +
				`"connection":"L0SM9cOFvHcCIhw=","online":true}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLine(t)
			if err := l.Publish(t.Context(), c.broadcast); err != nil {
				t.Fatal(err)
			}
			all := l.all(t)
			if len(all) != 1 || all[0].Body != c.want {
				t.Fatalf("queued %+v\nwant %s", all, c.want)
			}
			if diff := cmp.Diff(c.broadcast, read(t, all[0])); diff != "" {
				t.Errorf("the consumer is given another one: %s", diff)
			}
		})
	}
}
