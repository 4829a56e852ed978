package socket_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hark/shared/pusher"
	"hark/shared/state"
)

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// everywhere returns the subscriptions of the client in these tests.
func everywhere() map[pusher.Channel]pusher.Member {
	return map[pusher.Channel]pusher.Member{
		"orders": {}, "private-a": {}, "private-encrypted-a": {}, "private-cache-a": {},
		"presence-a": {UserID: "7"}, "presence-cache-a": {UserID: "7"},
	}
}

func from(mode pusher.ClientEvents) func(*pusher.Settings) {
	return func(s *pusher.Settings) { s.ClientEvents = mode }
}

// relayed asserts the one event that was published.
func (c *conversation) relayed(t *testing.T, channel pusher.Channel, frame string) {
	t.Helper()
	c.wasSent(t)
	want := state.Event{App: "3", Channel: channel, Except: socketID, Frame: json.RawMessage(frame)}
	if len(c.published.got) != 1 {
		t.Fatalf("published %+v", c.published.got)
	}
	if diff := cmp.Diff(state.Broadcast(want), c.published.got[0]); diff != "" {
		t.Errorf("published another event: %s", diff)
	}
}

type relayedCase struct {
	name, frame string
	channel     pusher.Channel
	want        string
}

func (c relayedCase) check(t *testing.T) {
	t.Helper()
	v := newConversation()
	v.members.in = everywhere()
	v.sends(t, c.frame)
	v.relayed(t, c.channel,
		`{"event":"client-typing","channel":"`+string(c.channel)+`",`+c.want+`}`)
}

// The numbers are those of docs/protocol.md §9.
func TestClientEvents(t *testing.T) {
	for _, c := range []relayedCase{
		{
			"72 on a private channel",
			`{"event":"client-typing","data":{"name":"Ann"},"channel":"private-a"}`, "private-a",
			`"data":"{\"name\":\"Ann\"}"`,
		},
		{
			"76 on a presence channel",
			`{"event":"client-typing","data":{},"channel":"presence-a"}`, "presence-a",
			`"data":"{}","user_id":"7"`,
		},
		{
			"on a presence channel with a cache",
			`{"event":"client-typing","data":{},"channel":"presence-cache-a"}`, "presence-cache-a",
			`"data":"{}","user_id":"7"`,
		},
		{
			"76 and 77 what else the frame says is dropped",
			`{"event":"client-typing","data":{},"channel":"presence-a","user_id":"8",` +
				`"socket_id":"1.2","x":[1]}`,
			"presence-a", `"data":"{}","user_id":"7"`,
		},
		{
			"77 nor has a private channel a user",
			`{"event":"client-typing","data":{},"channel":"private-a","user_id":"8"}`, "private-a",
			`"data":"{}"`,
		},
		{
			"69 on a cache channel, which does not keep it",
			`{"event":"client-typing","data":{},"channel":"private-cache-a"}`, "private-cache-a",
			`"data":"{}"`,
		},
		{
			"on an encrypted channel",
			`{"event":"client-typing","data":{},"channel":"private-encrypted-a"}`,
			"private-encrypted-a", `"data":"{}"`,
		},
	} {
		t.Run(c.name, c.check)
	}
}

// The numbers are those of docs/protocol.md §9.
func TestDataOfClientEvents(t *testing.T) {
	for _, c := range []relayedCase{
		{
			"78 a string is relayed unchanged",
			`{"event":"client-typing","data":"{ \"a\" : 1 }","channel":"private-a"}`, "private-a",
			`"data":"{ \"a\" : 1 }"`,
		},
		{
			"78 a string that is no JSON",
			`{"event":"client-typing","data":"hello","channel":"private-a"}`, "private-a",
			`"data":"hello"`,
		},
		{
			"78 a number", `{"event":"client-typing","data":1.50,"channel":"private-a"}`,
			"private-a", `"data":"1.50"`,
		},
		{
			"78 an array", `{"event":"client-typing","data":[1, "<2>"],"channel":"private-a"}`,
			"private-a", `"data":"[1,\"<2>\"]"`,
		},
		{
			"78 false", `{"event":"client-typing","data":false,"channel":"private-a"}`, "private-a",
			`"data":"false"`,
		},
		{"79 no data", `{"event":"client-typing","channel":"private-a"}`, "private-a", `"data":""`},
		{
			"79 an empty string", `{"event":"client-typing","data":"","channel":"private-a"}`,
			"private-a", `"data":""`,
		},
	} {
		t.Run(c.name, c.check)
	}
}

type refusedCase struct {
	name           string
	mode           pusher.ClientEvents
	event, channel string
	data           any
	code           int
	says           []string
}

func (c refusedCase) check(t *testing.T) {
	t.Helper()
	v := newConversation(from(c.mode), func(s *pusher.Settings) {
		s.MaxMessageSize = 100_000
	})
	v.members.in = everywhere()
	v.sends(t, frame(c.event, c.channel, c.data))
	v.refused(t, c.code, c.says...)
	if len(v.got[0]) > 500 {
		t.Errorf("an answer of %d bytes", len(v.got[0]))
	}
	if len(v.rates.got) != 0 {
		t.Errorf("counted %q", v.rates.got)
	}
}

// The numbers are those of docs/protocol.md §9.
func TestClientEventsThatAreRefused(t *testing.T) {
	for _, c := range []refusedCase{
		{
			"73 the app has them switched off", pusher.ClientEventsNone, "client-a", "private-a",
			"", 4301,
			[]string{"The app does not have client messaging enabled."},
		},
		{
			"73 a mode that nobody knows", "some", "client-a", "private-a", "", 4301,
			[]string{"The app does not have client messaging enabled."},
		},
		{
			"74 a public channel", pusher.ClientEventsMembers, "client-a", "orders", "", 4009,
			[]string{"orders", "private and presence"},
		},
		{
			"74 a public cache channel", pusher.ClientEventsMembers, "client-a", "cache-a", "",
			4009,
			[]string{"cache-a"},
		},
		{
			"75 a private channel it is not on", pusher.ClientEventsMembers, "client-a",
			"private-b", "", 4009,
			[]string{"not subscribed", "private-b"},
		},
		{
			"75 a presence channel it is not on", pusher.ClientEventsMembers, "client-a",
			"presence-b", "", 4009,
			[]string{"not subscribed", "presence-b"},
		},
		{"no channel", pusher.ClientEventsMembers, "client-a", "", "", 4009, []string{"empty"}},
		{
			"a name that no channel has", pusher.ClientEventsAll, "client-a", "private a", "", 4009,
			[]string{"private a"},
		},
		{
			"a user's channel", pusher.ClientEventsAll, "client-a", "#server-to-user-7", "", 4009,
			[]string{"#server-to-user-7"},
		},
	} {
		t.Run(c.name, c.check)
	}
}

// The numbers are those of docs/protocol.md §9.
func TestClientEventsThatAreTooLarge(t *testing.T) {
	for _, c := range []refusedCase{
		{
			"81 too much data", pusher.ClientEventsMembers, "client-a", "private-a",
			strings.Repeat("x", 10241), 4301,
			[]string{"client-a", "private-a", "10241", "10240"},
		},
		{
			"81 too much data in an object", pusher.ClientEventsAll, "client-a", "private-a",
			[]string{strings.Repeat("x", 10240)},
			4301,
			[]string{"10244", "10240"},
		},
		{
			"82 a long name", pusher.ClientEventsMembers, "client-" + strings.Repeat("ä", 194),
			"private-a", "", 4301,
			[]string{"private-a", "201", "200"},
		},
	} {
		t.Run(c.name, c.check)
	}
}

// The numbers are those of docs/protocol.md §9.
func TestTheLargestClientEventIsRelayed(t *testing.T) {
	t.Run("81 and 82 the largest there may be are relayed", func(t *testing.T) {
		v := newConversation(func(s *pusher.Settings) { s.MaxMessageSize = 100_000 })
		v.members.in = everywhere()
		name, data := "client-"+strings.Repeat("ä", 193), strings.Repeat("x", 10240)
		v.sends(t, frame(name, "private-a", data))
		v.relayed(t, "private-a", `{"event":"`+name+`","channel":"private-a","data":"`+data+`"}`)
	})
}

// In Reverb's mode "all" every client may send on every channel, subscribed or not. It still cannot
// send in the name of another user.
func TestClientEventsInTheModeAll(t *testing.T) {
	for _, c := range []struct{ name, channel, user string }{
		{"a public channel", "orders", ""},
		{"a public channel it is not on", "other", ""},
		{"a private channel it is not on", "private-b", ""},
		{"a presence channel it is on", "presence-a", `,"user_id":"7"`},
		{"76 and 77 a presence channel it is not on", "presence-b", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := newConversation(from(pusher.ClientEventsAll))
			v.members.in = everywhere()
			v.sends(t, `{"event":"client-a","data":"{}","channel":"`+c.channel+`","user_id":"8"}`)
			v.relayed(t, pusher.Channel(c.channel),
				`{"event":"client-a","channel":"`+c.channel+`","data":"{}"`+c.user+`}`)
		})
	}
}

// 80: ten within a second are relayed; more are refused until the next second.
func TestClientEventRate(t *testing.T) {
	event := frame("client-a", "private-a", "")
	t.Run("the eleventh", func(t *testing.T) {
		c := newConversation()
		c.members.in = everywhere()
		for range 12 {
			c.sends(t, event)
		}
		if len(c.published.got) != 10 || len(c.got) != 2 {
			t.Fatalf("published %d, got %q", len(c.published.got), c.got)
		}
		for _, text := range c.got {
			errorFrame(t, text, 4301)
			if !strings.Contains(text, "private-a") || !strings.Contains(text, "10 client events") {
				t.Errorf("got %s", text)
			}
		}
		c.sendsAt(t, stamp+1000, event)
		if len(c.published.got) != 11 {
			t.Errorf("published %d", len(c.published.got))
		}
	})
	for limit, want := range map[int]int{-1: 20, 0: 0, 1: 1, 15: 15} {
		t.Run(fmt.Sprintf("with a limit of %d", limit), func(t *testing.T) {
			c := newConversation(func(s *pusher.Settings) { s.MaxClientEvents = limit })
			c.members.in = everywhere()
			for range 20 {
				c.sends(t, event)
			}
			if len(c.published.got) != want {
				t.Errorf("published %d, want %d", len(c.published.got), want)
			}
			if limit < 0 && len(c.rates.got) != 0 {
				t.Errorf("counted %q", c.rates.got)
			}
		})
	}
	t.Run("does not hold if frames cannot be counted: the event is relayed", func(t *testing.T) {
		c := newConversation()
		c.members.in, c.rates.err = everywhere(), errors.New("inner-text")
		c.sends(t, event)
		c.relayed(t, "private-a", `{"event":"client-a","channel":"private-a","data":""}`)
		if !strings.Contains(c.log(), "frame not counted") {
			t.Errorf("log: %s", c.log())
		}
	})
}

// An internal error loses the event, but does not close the connection.
func TestClientEventsThatAreLost(t *testing.T) {
	broken := errors.New("inner-text of the queue")
	for name, spoil := range map[string]func(*conversation){
		"the queue is away":               func(c *conversation) { c.published.err = broken },
		"the subscription cannot be read": func(c *conversation) { c.members.err = broken },
		"the queue is away, the client, too": func(c *conversation) {
			c.published.err = broken
			c.send = func(int) error { return state.ErrGone }
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newConversation()
			c.members.in = everywhere()
			spoil(c)
			c.sends(t, frame("client-a", "presence-a", ""))
			logged := strings.Contains(c.log(), "client event not relayed")
			if slices.Contains(c.got, "closed") || !logged {
				t.Errorf("got %q, log %s", c.got, c.log())
			}
			for _, text := range c.got {
				errorFrame(t, text, 4200)
			}
		})
	}
}
