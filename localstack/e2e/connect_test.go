package e2e_test

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"hark/localstack/e2e/wire"
)

// The numbers of the cases are those of protocol.md §9.

func TestConnect(t *testing.T) {
	key := hark.App.Key
	for _, tc := range []struct{ name, path string }{
		{"1 the query of pusher-js", "/app/" + key + "?protocol=7&client=js&version=8.6.0&flash=false"},
		{"1 the query of the Swift client, in another order", "/app/" + key + "?client=swift&version=10.1.5&protocol=7"},
		{"1 no query at all", "/app/" + key},
		{"1 an old protocol", "/app/" + key + "?protocol=5"},
		{"1 parameters that nobody knows", "/app/" + key + "?app=other&x=%26%3D&x=2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := dial(t, tc.path)
			if _, err := c.Greeting(patience); err != nil {
				t.Fatal(err)
			}
			c.pings()
		})
	}
}

func TestGreeting(t *testing.T) {
	c := dial(t, "/app/"+hark.App.Key)
	f := c.next(wire.Established, "") // 2: the first frame; 3: its data is a string, or reading it had failed
	var data map[string]any
	if err := json.Unmarshal([]byte(f.Data), &data); err != nil {
		t.Fatalf("3 data: %v", err)
	}
	t.Run("4 and 5 activity_timeout is 120", func(t *testing.T) {
		if data["activity_timeout"] != 120.0 {
			t.Errorf("got %v", data["activity_timeout"])
		}
	})
	t.Run("6 socket_id passes the SDKs' validators", func(t *testing.T) {
		id, _ := data["socket_id"].(string)
		if !regexp.MustCompile(`\A\d+\.\d+\z`).MatchString(id) {
			t.Errorf("got %q", id)
		}
	})
	t.Run("8 nothing but the greeting comes by itself", func(t *testing.T) { c.quiet() })
}

func TestSocketIDsDiffer(t *testing.T) {
	seen := map[string]bool{} // 7
	for range 20 {
		c := connect(t)
		if seen[c.SocketID] {
			t.Fatalf("socket_id %s came twice", c.SocketID)
		}
		seen[c.SocketID] = true
	}
}

func TestUnknownKey(t *testing.T) {
	c := dial(t, "/app/no-such-key?protocol=7") // 9: the upgrade is accepted, or dial had failed
	c.errs(4001)                                // 13
	c.ends()
}

func TestOtherPaths(t *testing.T) {
	for _, path := range []string{"/", "/app/", "/app/" + hark.App.Key + "/more", "/apps"} {
		t.Run("no socket at "+path, func(t *testing.T) {
			if c, err := wire.Dial(t.Context(), hark.URL, path); err == nil {
				_ = c.Close()
				t.Error("the upgrade was accepted")
			}
		})
	}
}

func TestFrames(t *testing.T) {
	t.Run("15 and 16 a ping is answered with a pong, data {}", func(t *testing.T) { connect(t).pings() })
	t.Run("15 a ping without data is answered", func(t *testing.T) {
		c := connect(t)
		c.send(`{"event":"pusher:ping"}`)
		c.next(wire.Pong, "")
	})
	t.Run("17 a pong of the client is answered with nothing", func(t *testing.T) {
		c := connect(t)
		c.send(`{"event":"pusher:pong","data":{}}`)
		c.pings()
		c.quiet()
	})
	t.Run("23 an event of no kind is never relayed", func(t *testing.T) {
		ch := channel("room-")
		c, other := subscriber(t, ch), subscriber(t, ch)
		c.send(`{"event":"news","channel":"` + ch + `","data":"{}"}`)
		other.hears(ch)
		other.quiet()
	})
	for _, tc := range []struct{ name, frame string }{
		{"21 text that is not JSON", `hello`},
		{"21 an array", `[1,2]`},
		{"21 an object without an event", `{"data":{}}`},
		{"21 an event that is not a string", `{"event":7}`},
		{"21 an empty message", ``},
		{"21 a subscribe without data", `{"event":"pusher:subscribe"}`},
		{"21 a subscribe whose data is a number", `{"event":"pusher:subscribe","data":7}`},
		{"22 an unknown event of the protocol", `{"event":"pusher:nonsense","data":{}}`},
	} {
		t.Run(tc.name+" is answered with an error and the socket stays open", func(t *testing.T) {
			c := connect(t)
			c.send(tc.frame)
			f := c.next(wire.Error, "")
			if _, err := f.ErrorData(); err != nil {
				t.Error(err)
			}
			c.pings()
		})
	}
}

func TestLargeFrames(t *testing.T) {
	t.Run("27 a frame over 32 KB closes that connection with 1009", func(t *testing.T) {
		c, other := connect(t), connect(t)
		c.send(`{"event":"pusher:ping","data":"` + strings.Repeat("x", 33*1024) + `"}`)
		_, err := c.Next(patience)
		if closed, ok := errors.AsType[*wire.ClosedError](err); !ok || closed.Code != 1009 {
			t.Errorf("got %v, want 1009", err)
		}
		other.pings()
	})
	t.Run("a frame of 30 KB is read", func(t *testing.T) {
		c := connect(t)
		c.send(`{"event":"pusher:ping","data":"` + strings.Repeat("x", 30*1024) + `"}`)
		c.next(wire.Pong, "")
	})
}

func TestClosing(t *testing.T) {
	for _, tc := range []struct {
		name  string
		leave func(client) error
	}{
		{"26 after a close nobody is subscribed", func(c client) error { return c.Close() }},
		{"26 after a lost connection nobody is subscribed", func(c client) error { return c.Drop() }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ch := channel("room-")
			c, stays := subscriber(t, ch), subscriber(t, ch)
			if err := tc.leave(c); err != nil {
				t.Fatal(err)
			}
			stays.hears(ch)
			if hark.Local() {
				eventually(t, func() bool { return subscribers(t, ch) == 1 }, "the row of the closed connection is gone")
			}
		})
	}
}

// eventually waits for a condition that must come true soon.
func eventually(t *testing.T, ok func() bool, what string) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}
