package socket_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"hark/shared/pusher"
	"hark/shared/state"
)

// The numbers are those of docs/protocol.md §9.
func TestPing(t *testing.T) {
	for _, frame := range []string{
		`{"event":"pusher:ping","data":{}}`, `{"event":"pusher:ping","data":"{}"}`,
		`{"event":"pusher:ping"}`, `{"data":null,"event":"pusher:ping"}`,
	} {
		t.Run("15 and 16 "+frame, func(t *testing.T) {
			c := newConversation()
			c.sends(t, frame)
			c.wasSent(t, `{"event":"pusher:pong","data":"{}"}`)
		})
	}
	t.Run("17 pong is silence", func(t *testing.T) {
		c := newConversation()
		c.sends(t, `{"event":"pusher:pong","data":{}}`)
		c.wasSent(t)
	})
}

func TestFramesThatAreNotServed(t *testing.T) {
	for _, c := range []struct{ name, frame string }{
		{"21 no JSON", `hello`},
		{"21 nothing", ``},
		{"21 an array", `[{"event":"pusher:ping"}]`},
		{"21 a number", `7`},
		{"21 null", `null`},
		{"21 no event", `{"data":{}}`},
		{"21 an event that is a number", `{"event":7}`},
		{"21 a binary frame, in base64", `eyJldmVudCI6InB1c2hlcjpwaW5nIn0=`},
		{"21 a long text that is no JSON", strings.Repeat("x", 9000)},
		{"22 an unknown pusher: event", `{"event":"pusher:unknown","data":{}}`},
		{
			"22 a success from the wrong side",
			`{"event":"pusher_internal:subscription_succeeded","channel":"a","data":"{}"}`,
		},
		{"23 an event of the client's own", `{"event":"hello","channel":"private-a","data":"{}"}`},
		{"23 almost a client event", `{"event":"clientevent","channel":"private-a","data":"{}"}`},
		{
			"23 a client event in another case",
			`{"event":"Client-typing","channel":"private-a","data":"{}"}`,
		},
		{"23 a long event of the client's own", `{"event":"` + strings.Repeat("x", 9000) + `"}`},
		{"subscribe without data", `{"event":"pusher:subscribe"}`},
		{"subscribe with an array", `{"event":"pusher:subscribe","data":["a"]}`},
		{"subscribe with a number", `{"event":"pusher:subscribe","data":7}`},
		{"subscribe with a string", `{"event":"pusher:subscribe","data":"orders"}`},
		{"subscribe with a number's channel", `{"event":"pusher:subscribe","data":{"channel":7}}`},
		{"unsubscribe without data", `{"event":"pusher:unsubscribe"}`},
		{
			"unsubscribe with a number's channel",
			`{"event":"pusher:unsubscribe","data":{"channel":7}}`,
		},
		{"a sign-in without data", `{"event":"pusher:signin"}`},
		{
			"a sign-in with a number's auth",
			`{"event":"pusher:signin","data":{"auth":7,"user_data":"{}"}}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := newConversation()
			v.sends(t, c.frame)
			v.refused(t, 4200)
			if len(v.got[0]) > 500 {
				t.Errorf("an answer of %d bytes", len(v.got[0]))
			}
		})
	}
}

// After an internal error the client must reconnect, because it would wait for its answer for ever.
func TestInternalErrorsCloseTheConnection(t *testing.T) {
	broken := errors.New("inner-text of the table")
	private := subscribe("private-a", "k:s", "")
	presence := `{"user_id":"7"}`
	for _, c := range []struct {
		name, frame string
		spoil       func(*conversation)
	}{
		{"the connection cannot be read", subscribe("orders", "", ""), func(c *conversation) {
			c.members.lookErr = broken
		}},
		{"the app cannot be read", private, func(c *conversation) { c.Apps = apps{err: broken} }},
		{"the app is there no more", private, func(c *conversation) { c.Apps = apps{} }},
		{"the subscription cannot be written", subscribe("orders", "", ""), func(c *conversation) {
			c.members.err = broken
		}},
		{
			"nor on a presence channel",
			subscribe("presence-a", sign(socketID+":presence-a:"+presence), presence),
			func(c *conversation) { c.members.err = broken },
		},
		{"it cannot be removed", unsubscribe("a"), func(c *conversation) {
			c.members.err = broken
		}},
		{"the user cannot be written", signIn(`{"id":"7"}`), func(c *conversation) {
			c.members.err = broken
		}},
		{"the success of a user's channel cannot be posted", subscribe("#server-to-user-7", "",
			""), func(c *conversation) {
			c.members.user = "7"
			c.send = func(n int) error {
				if n == 1 {
					return state.ErrBusy
				}
				return nil
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := newConversation()
			c.spoil(v)
			v.sends(t, c.frame)
			if len(v.got) != 2 || v.got[1] != "closed" {
				t.Fatalf("got %q", v.got)
			}
			errorFrame(t, v.got[0], 4200)
			if !strings.Contains(v.log(), "frame not handled") {
				t.Errorf("log: %s", v.log())
			}
		})
	}
}

func TestAnInternalErrorThatCannotBeSent(t *testing.T) {
	broken := errors.New("inner-text of the table")
	t.Run("the connection is closed all the same", func(t *testing.T) {
		v := newConversation()
		v.members.err = broken
		v.send = func(int) error { return state.ErrBusy }
		v.sends(t, subscribe("orders", "", ""))
		v.wasSent(t, "closed")
	})
	t.Run("a connection that cannot be closed is logged", func(t *testing.T) {
		v := newConversation()
		v.members.err, v.closeErr = broken, errors.New("429")
		v.sends(t, subscribe("orders", "", ""))
		if !strings.Contains(v.log(), "connection not closed") {
			t.Errorf("log: %s", v.log())
		}
	})
}

// A client that is gone needs no answer. But a 410 may be wrong, and the client would wait for ever
// for a frame that was not posted: its connection is closed.
func TestAClientThatIsGone(t *testing.T) {
	for _, tt := range []struct {
		name, frame string
		spoil       func(*conversation)
		want        []string
	}{
		{
			"is sent nothing if its connection is gone", subscribe("orders", "", ""),
			func(c *conversation) { c.members.lookErr = state.ErrGone }, nil,
		},
		{
			"is sent nothing if it goes while it is subscribed", subscribe("orders", "", ""),
			func(c *conversation) { c.members.err = state.ErrGone }, nil,
		},
		{
			"is closed if its success cannot be posted", subscribe("#server-to-user-7", "", ""),
			func(c *conversation) {
				c.members.user = "7"
				c.send = func(int) error { return state.ErrGone }
			},
			[]string{"closed"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newConversation()
			tt.spoil(c)
			c.sends(t, tt.frame)
			c.wasSent(t, tt.want...)
			if strings.Contains(c.log(), "level=ERROR") {
				t.Errorf("log: %s", c.log())
			}
		})
	}
}

// A refusal of package membership is sent like one of package socket.
func TestARefusalOfMembershipIsSent(t *testing.T) {
	c := newConversation()
	c.members.err = fmt.Errorf("subscribe: %w",
		pusher.Limitf(pusher.CodeLimit, "Too many channels"))
	c.sends(t, subscribe("orders", "", ""))
	c.notSubscribed(t, "orders", "LimitReached", 4100, 4009, "Too many channels")
}

// framesOfLength returns functions that make a frame of n bytes, by its kind.
func framesOfLength() map[string]func(n int) string {
	pad := func(n int, before, after string) string {
		return before + strings.Repeat("x", n-len(before)-len(after)) + after
	}
	return map[string]func(n int) string{
		"a ping": func(n int) string {
			return pad(n, `{"event":"pusher:ping","data":"`, `"}`)
		},
		"a pong": func(n int) string {
			return pad(n, `{"event":"pusher:pong","data":"`, `"}`)
		},
		"no JSON": func(n int) string { return pad(n, "", "") },
		"a subscribe": func(n int) string {
			return pad(n, `{"event":"pusher:subscribe","data":{"channel":"a","auth":"`, `"}}`)
		},
		"an unsubscribe": func(n int) string {
			return pad(n, `{"event":"pusher:unsubscribe","data":{"channel":"a","auth":"`, `"}}`)
		},
		"a sign-in": func(n int) string {
			return pad(n, `{"event":"pusher:signin","data":{"auth":"`, `"}}`)
		},
		"a client event": func(n int) string {
			return pad(n, `{"event":"client-a","channel":"private-a","data":"`, `"}`)
		},
		"an unknown name": func(n int) string { return pad(n, `{"event":"x","data":"`, `"}`) },
	}
}

// 27: the limit is the app's, for each kind of frame; the connection stays open (Reverb closes it).
func TestFramesThatAreTooLarge(t *testing.T) {
	for name, make := range framesOfLength() {
		t.Run(name+" of 10,001 bytes is refused", func(t *testing.T) {
			c := newConversation()
			c.members.in = map[pusher.Channel]pusher.Member{"private-a": {}}
			c.sends(t, make(10_001))
			last := c.got[len(c.got)-1]
			c.refusedBy(t, last, 4301, "too large", "10001", "10000")
			if wantPair := name == "a subscribe"; wantPair != (len(c.got) == 2) {
				t.Errorf("got %q", c.got)
			}
		})
		t.Run(name+" of 10,000 bytes is not too large", func(t *testing.T) {
			c := newConversation()
			c.members.in = map[pusher.Channel]pusher.Member{"private-a": {}}
			c.sends(t, make(10_000))
			if strings.Contains(strings.Join(c.got, ""), "too large") {
				t.Errorf("got %q", c.got)
			}
		})
		t.Run(name+" may be longer for another app", func(t *testing.T) {
			c := newConversation(func(s *pusher.Settings) {
				s.MaxMessageSize, s.MaxEventData = 100<<10, 100<<10
			})
			c.members.in = map[pusher.Channel]pusher.Member{"private-a": {}}
			c.sends(t, make(100<<10))
			if strings.Contains(strings.Join(c.got, ""), "too large") {
				t.Errorf("got %q", c.got)
			}
		})
	}
}

func TestAVeryLongChannelNameIsNotSentBack(t *testing.T) {
	c := newConversation()
	c.sends(t, subscribe(strings.Repeat("x", 9000), "", ""))
	c.refused(t, 4009, "9000", "200")
	if len(c.got[0]) > 500 {
		t.Errorf("an answer of %d bytes", len(c.got[0]))
	}
}
