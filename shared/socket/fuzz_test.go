package socket_test

import (
	"encoding/json"
	"strings"
	"testing"

	"hark/shared/pusher"
	"hark/shared/state"
)

// Every frame is answered with frames that a client can read: JSON objects whose event is a text,
// and whose data is a text except in errors (docs/protocol.md §0, §9: 20, 24, 25).
func FuzzMessage(f *testing.F) {
	const member = `{"user_id":"7","user_info":{"name":"<Ann>"}}`
	for _, text := range []string{
		ping, `{"event":"pusher:pong"}`, `nonsense`, ``, `null`, `{"event":"pusher:unknown"}`,
		"{\"event\":\"client-\xff\ufffe\"}",
		subscribe("orders", "", ""), subscribe("cache-eur", "", ""),
		subscribe("private-a", sign(socketID+":private-a"), ""),
		subscribe("presence-a", sign(socketID+":presence-a:"+member), member),
		subscribe("presence-a", sign(socketID+":presence-a"), ""),
		subscribe("#server-to-user-7", "", ""), subscribe("#server-to-user-8", "", ""),
		subscribe("a b\u2028", "k:s", "{}"),
		unsubscribe("orders"), unsubscribe("#server-to-user-7"),
		signIn(`{"id":"7","watchlist":["8"]}`), signIn(watchlist(101)),
		frame("client-a", "presence-a", map[string]string{"a": "<b>"}),
		frame("client-a", "orders", nil), frame("client-", "private-a", 7),
		`{"event":"pusher:subscribe","data":"{\"channel\":\"private-a\",\"auth\":\"::\"}"}`,
		`{"event":"pusher:signin","data":"{\"auth\":\"::\",\"user_data\":\"[]\"}"}`,
	} {
		f.Add([]byte(text), true)
		f.Add([]byte(text), false)
	}
	f.Fuzz(func(t *testing.T, text []byte, all bool) {
		c := newConversation(func(s *pusher.Settings) {
			if all {
				s.ClientEvents = pusher.ClientEventsAll
			}
		})
		c.members.user, c.members.info, c.members.in = "7", `{"name":"Ann"}`, everywhere()
		c.sends(t, string(text))
		for _, got := range c.got {
			readable(t, got)
		}
		for _, b := range c.published.got {
			e, ok := b.(state.Event)
			if !ok {
				t.Fatalf("published %+v, which is no event", b)
			}
			readable(t, string(e.Frame))
			err := e.Channel.Validate(pusher.MaxChannelName)
			if err != nil || e.Except != socketID || e.Cache {
				t.Fatalf("published %+v, %v", e, err)
			}
		}
		if log := c.log(); log != "" {
			t.Fatalf("log: %s", log)
		}
	})
}

// readable asserts that a client can read the frame.
func readable(t *testing.T, text string) {
	t.Helper()
	var frame struct {
		Event *string
		Data  any
	}
	err := json.Unmarshal([]byte(text), &frame)
	if err != nil || frame.Event == nil || *frame.Event == "" {
		t.Fatalf("got %s, %v", text, err)
	}
	object := *frame.Event == "pusher:error" || *frame.Event == "pusher:subscription_error"
	if _, isText := frame.Data.(string); isText == object {
		t.Fatalf("got %s", text)
	}
	if !strings.HasPrefix(*frame.Event, "client-") && strings.Contains(text, app().Secret) {
		t.Fatalf("the client is sent internals: %s", text)
	}
}
