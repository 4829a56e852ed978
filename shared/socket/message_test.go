package socket_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"hark/shared/pusher"
	"hark/shared/socket"
)

// members notes who subscribes to what, or fails.
type members struct {
	got     []string // "on orders 7" and "off orders 7", with the frame's stamp
	lookErr error    // of Connection
	err     error    // of Subscribe and Unsubscribe
	late    bool     // a newer frame came first
}

func (m *members) Connection(_ context.Context, id pusher.ConnectionID) (pusher.Connection, error) {
	return pusher.Connection{ID: id, App: "3"}, m.lookErr
}

func (m *members) Subscribe(_ context.Context, c pusher.Connection, ch pusher.Channel, t pusher.Stamp) (bool, error) {
	return !m.late, m.note("on", c, ch, t)
}

func (m *members) Unsubscribe(_ context.Context, c pusher.Connection, ch pusher.Channel, t pusher.Stamp) error {
	return m.note("off", c, ch, t)
}

func (m *members) note(what string, c pusher.Connection, ch pusher.Channel, t pusher.Stamp) error {
	if c.ID != connection || c.App != "3" {
		return fmt.Errorf("of connection %+v", c)
	}
	if m.err == nil {
		m.got = append(m.got, fmt.Sprintf("%s %s %d", what, ch, t))
	}
	return m.err
}

const stamp = 1795521601000

// conversation is one client's.
type conversation struct {
	*socket.Server
	*sender
	members *members
	log     func() string
}

func newConversation() *conversation {
	log, text := logged()
	c := &conversation{sender: &sender{}, members: &members{}, log: text.String}
	c.Server = &socket.Server{Apps: apps{all: []pusher.App{app()}}, Members: c.members, Sender: c.sender, Log: log}
	return c
}

func (c *conversation) says(t *testing.T, frame string) {
	t.Helper()
	c.Message(t.Context(), connection, stamp, []byte(frame))
}

// subscribed asserts which channels the client is in.
func (c *conversation) subscribed(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(c.members.got, want) {
		t.Errorf("members noted %q, want %q", c.members.got, want)
	}
}

// refused asserts one pusher:error, and 38 that the connection stays open and nothing is noted.
func (c *conversation) refused(t *testing.T, code int) {
	t.Helper()
	if len(c.got) != 1 {
		t.Fatalf("got %q, want one error", c.got)
	}
	errorFrame(t, c.got[0], code)
	c.subscribed(t)
}

// The numbers are those of protocol.md §9.
func TestPing(t *testing.T) {
	for _, frame := range []string{
		`{"event":"pusher:ping","data":{}}`, `{"event":"pusher:ping","data":"{}"}`, `{"event":"pusher:ping"}`, `{"data":null,"event":"pusher:ping"}`,
	} {
		t.Run("15 and 16 "+frame, func(t *testing.T) {
			c := newConversation()
			c.says(t, frame)
			c.has(t, `{"event":"pusher:pong","data":"{}"}`)
		})
	}
	t.Run("17 pong is silence", func(t *testing.T) {
		c := newConversation()
		c.says(t, `{"event":"pusher:pong","data":{}}`)
		c.has(t)
	})
}

func TestFramesThatAreNotServed(t *testing.T) {
	for name, frame := range map[string]string{
		"21 no JSON":                          `hello`,
		"21 nothing":                          ``,
		"21 an array":                         `[{"event":"pusher:ping"}]`,
		"21 a number":                         `7`,
		"21 null":                             `null`,
		"21 no event":                         `{"data":{}}`,
		"21 an event that is a number":        `{"event":7}`,
		"21 a binary frame, in base64":        `eyJldmVudCI6InB1c2hlcjpwaW5nIn0=`,
		"22 an unknown pusher: event":         `{"event":"pusher:unknown","data":{}}`,
		"22 a success from the wrong side":    `{"event":"pusher_internal:subscription_succeeded","channel":"a","data":"{}"}`,
		"23 an event of the client's own":     `{"event":"hello","channel":"private-a","data":"{}"}`,
		"a client event":                      `{"event":"client-typing","channel":"private-a","data":{}}`,
		"a sign-in":                           `{"event":"pusher:signin","data":{"auth":"","user_data":""}}`,
		"an event without end":                `{"event":"` + strings.Repeat("x", 100<<10) + `"}`,
		"subscribe without data":              `{"event":"pusher:subscribe"}`,
		"subscribe with an array":             `{"event":"pusher:subscribe","data":["a"]}`,
		"subscribe with a number":             `{"event":"pusher:subscribe","data":7}`,
		"subscribe with a string":             `{"event":"pusher:subscribe","data":"orders"}`,
		"subscribe with a number's channel":   `{"event":"pusher:subscribe","data":{"channel":7}}`,
		"unsubscribe without data":            `{"event":"pusher:unsubscribe"}`,
		"unsubscribe with a number's channel": `{"event":"pusher:unsubscribe","data":{"channel":7}}`,
	} {
		t.Run(name, func(t *testing.T) {
			c := newConversation()
			c.says(t, frame)
			c.refused(t, 4200)
			if len(c.got[0]) > 500 {
				t.Errorf("an answer of %d bytes", len(c.got[0]))
			}
		})
	}
}

func TestSubscribeToAPublicChannel(t *testing.T) {
	for name, data := range map[string]string{
		"29 with empty auth":                   `{"auth":"","channel":"orders"}`,
		"29 without auth":                      `{"channel":"orders"}`,
		"29 with garbage for auth":             `{"auth":"gar:ba:ge","channel":"orders","channel_data":"garbage"}`,
		"51 with a string that holds the data": `"{\"auth\":\"\",\"channel\":\"orders\"}"`,
	} {
		t.Run(name, func(t *testing.T) {
			c := newConversation()
			c.says(t, `{"event":"pusher:subscribe","data":`+data+`}`)
			c.has(t, `{"event":"pusher_internal:subscription_succeeded","channel":"orders","data":"{}"}`) // 30
			c.subscribed(t, "on orders 1795521601000")
		})
	}
	t.Run("46 twice", func(t *testing.T) {
		c := newConversation()
		for range 2 {
			c.says(t, `{"event":"pusher:subscribe","data":{"channel":"orders"}}`)
		}
		c.has(t, slices.Repeat([]string{`{"event":"pusher_internal:subscription_succeeded","channel":"orders","data":"{}"}`}, 2)...)
	})
	t.Run("a newer frame came first: silence", func(t *testing.T) {
		c := newConversation()
		c.members.late = true
		c.says(t, `{"event":"pusher:subscribe","data":{"channel":"orders"}}`)
		c.has(t)
	})
}

func subscribe(channel, auth, data string) string {
	d := map[string]string{"channel": channel, "auth": auth}
	if data != "" {
		d["channel_data"] = data
	}
	b, err := json.Marshal(map[string]any{"event": "pusher:subscribe", "data": d})
	if err != nil {
		panic(err)
	}
	return string(b)
}

// The numbers are those of protocol.md §9.
func TestSubscribeToAPrivateChannel(t *testing.T) {
	const id, data = "3406002205374135415.139804", `{"user_id":"7","user_info":{"name":"<Ann>"}}`
	sign := func(text string) string { return app().Key + ":" + app().Sign(text) }
	for _, c := range []struct {
		name, channel, auth, data string
		ok                        bool
	}{
		{"with its signature", "private-a", sign(id + ":private-a"), "", true},
		{"encrypted, with its signature", "private-encrypted-a", sign(id + ":private-encrypted-a"), "", true},
		{"31 without auth", "private-a", "", "", false},
		{"32 with a wrong signature", "private-a", app().Key + ":" + strings.Repeat("0", 64), "", false},
		{"32 with a signature by another secret", "private-a", app().Key + ":" + pusher.App{Secret: "x"}.Sign(id+":private-a"), "", false},
		{"33 with another app's key", "private-a", "other:" + app().Sign(id+":private-a"), "", false},
		{"34 with a signature for another socket ID", "private-a", sign("1.2:private-a"), "", false},
		{"34 with a signature for the connection ID", "private-a", sign(string(connection) + ":private-a"), "", false},
		{"35 with a signature for another channel", "private-a", sign(id + ":private-b"), "", false},
		{"36 with channel data that was signed", "private-a", sign(id + ":private-a:" + data), data, true},
		{"36 with channel data that was not signed", "private-a", sign(id + ":private-a"), data, false},
		{"39 a bad name", "private a", "", "", false},
		{"40 a long name", strings.Repeat("x", 201), "", "", false},
		{"44 a user channel", "#server-to-user-7", "", "", false},
		{"an empty name", "", "", "", false},
		{"presence, which is not served yet", "presence-a", sign(id + ":presence-a:" + data), data, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := newConversation()
			v.says(t, subscribe(c.channel, c.auth, c.data))
			if c.ok {
				v.has(t, `{"event":"pusher_internal:subscription_succeeded","channel":"`+c.channel+`","data":"{}"}`)
				v.subscribed(t, "on "+c.channel+" 1795521601000")
				return
			}
			v.subscribed(t) // 38
			if len(v.got) != 2 {
				t.Fatalf("got %q, want two frames", v.got) // 38: and not closed
			}
			subscriptionError(t, v.got[0], c.channel)
			errorFrame(t, v.got[1], 4009)
		})
	}
}

// subscriptionError asserts what Echo's .error() hears, in soketi's shape (37, protocol.md §3.5).
func subscriptionError(t *testing.T, text, channel string) {
	t.Helper()
	var f struct {
		Event, Channel string
		Data           struct {
			Type, Error string
			Status      int
		}
	}
	if err := json.Unmarshal([]byte(text), &f); err != nil || f.Event != "pusher:subscription_error" || f.Channel != channel {
		t.Errorf("got %s, %v", text, err)
	}
	if f.Data.Type != "AuthError" || f.Data.Error == "" || f.Data.Status != 401 {
		t.Errorf("got %s", text)
	}
}

// 47 and 48.
func TestUnsubscribeIsSilent(t *testing.T) {
	c := newConversation()
	c.says(t, `{"event":"pusher:unsubscribe","data":{"channel":"orders"}}`)
	c.has(t)
	c.subscribed(t, "off orders 1795521601000")
	t.Run("but not for a name that cannot be", func(t *testing.T) {
		c := newConversation()
		c.says(t, `{"event":"pusher:unsubscribe","data":{"channel":"a b"}}`)
		c.refused(t, 4009)
	})
	t.Run("with a string that holds the data", func(t *testing.T) {
		c := newConversation()
		c.says(t, `{"event":"pusher:unsubscribe","data":"{\"channel\":\"orders\"}"}`)
		c.has(t)
		c.subscribed(t, "off orders 1795521601000")
	})
}

// A fault of ours sends the client away to come back at once: it would wait for its answer for ever.
func TestFaultsCloseTheConnection(t *testing.T) {
	broken := errors.New("inner-text of the table")
	private := subscribe("private-a", "k:s", "")
	for _, c := range []struct {
		name, frame string
		spoil       func(*conversation)
	}{
		{"the connection cannot be read", subscribe("orders", "", ""), func(c *conversation) { c.members.lookErr = broken }},
		{"the app cannot be read", private, func(c *conversation) { c.Apps = apps{err: broken} }},
		{"the app is there no more", private, func(c *conversation) { c.Apps = apps{} }},
		{"the subscription cannot be written", subscribe("orders", "", ""), func(c *conversation) { c.members.err = broken }},
		{"it cannot be removed", `{"event":"pusher:unsubscribe","data":{"channel":"a"}}`, func(c *conversation) { c.members.err = broken }},
		{"the success cannot be posted", subscribe("orders", "", ""), func(c *conversation) {
			c.send = func(n int) error {
				if n == 1 {
					return pusher.ErrBusy
				}
				return nil
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := newConversation()
			c.spoil(v)
			v.says(t, c.frame)
			if len(v.got) != 2 || v.got[1] != "closed" {
				t.Fatalf("got %q", v.got)
			}
			errorFrame(t, v.got[0], 4200)
			if !strings.Contains(v.log(), "frame not handled") {
				t.Errorf("log: %s", v.log())
			}
		})
	}
	t.Run("also when it cannot be told", func(t *testing.T) {
		v := newConversation()
		v.members.err = broken
		v.send = func(int) error { return pusher.ErrBusy }
		v.says(t, subscribe("orders", "", ""))
		v.has(t, "closed")
	})
}

// To a client that has gone there is nothing to say. Should the gateway be wrong about it when it is to be told its success, it
// would wait for ever: so its socket is closed.
func TestAClientThatHasGoneIsTold(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(*conversation)
		want  []string
	}{
		{"nothing before its frame was read", func(c *conversation) { c.members.lookErr = pusher.ErrGone }, nil},
		{"to come back when it cannot be told its success", func(c *conversation) {
			c.send = func(int) error { return pusher.ErrGone }
		}, []string{"closed"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newConversation()
			tt.spoil(c)
			c.says(t, subscribe("orders", "", ""))
			c.has(t, tt.want...)
			if strings.Contains(c.log(), "level=ERROR") {
				t.Errorf("log: %s", c.log())
			}
		})
	}
}

// What the rules refuse is told like a bad signature: too many channels, for one.
func TestARefusalOfTheStoreIsTold(t *testing.T) {
	c := newConversation()
	c.members.err = fmt.Errorf("subscribe: %w", pusher.Errorf(pusher.CodeLimit, "Too many channels"))
	c.says(t, subscribe("orders", "", ""))
	if len(c.got) != 2 {
		t.Fatalf("got %q", c.got)
	}
	errorFrame(t, c.got[1], 4100)
}
