package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"hark/localstack/e2e/wire"
)

// Lines 15 to 28 of the checklist (docs/protocol.md §9), except 18, which tests pusher-js itself.

// 15. MUST answer `pusher:ping` with `pusher:pong` on the same connection.
func TestLine15_Ping(t *testing.T) {
	for _, ping := range []string{
		`{"event":"pusher:ping","data":{}}`, `{"event":"pusher:ping","data":"{}"}`,
		`{"event":"pusher:ping"}`,
	} {
		t.Run(ping, func(t *testing.T) {
			c, other := connect(t), connect(t)
			c.send(ping)
			c.next(wire.Pong, "")
			other.quiet()
		})
	}
}

// 16. `pusher:pong` SHOULD carry `data` `"{}"`.
func TestLine16_PongData(t *testing.T) {
	c := connect(t)
	c.send(`{"event":"pusher:ping","data":{}}`)
	if f := c.next(wire.Pong, ""); string(f.Raw) != `{"event":"pusher:pong","data":"{}"}` {
		t.Errorf("got %s", f.Raw)
	}
}

// 17. MUST accept `pusher:pong` from the client as activity and send nothing back.
func TestLine17_Pong(t *testing.T) {
	c := connect(t)
	c.send(`{"event":"pusher:pong","data":{}}`)
	c.pings()
	c.quiet()
}

// 19. A silent connection SHOULD be pinged or expired, then cleaned from channels and presence.
//
// API Gateway closes a connection that is silent for ten minutes (localstack/cloud/gateway tests
// that with a clock of its own). Here its $disconnect is lost, and sweep finds that it has ended:
// it looks every ten minutes.
func TestLine19_SilentConnection(t *testing.T) {
	local(t)
	room, news := unique("presence-room-"), unique("news-")
	stays := member(t, room, "1", "")
	silent := connect(t)
	silent.join(news)
	silent.enter(room, channelData("2", ""))
	silent.welcomed(room)
	stays.sees(wire.MemberAdded, room, "2")
	silent.vanish()
	stays.quiet() // the end has not been found yet
	sweep(t, silent.connectionID())
	stays.sees(wire.MemberRemoved, room, "2")
	eventually(t, func() bool { return subscribers(t, room) == 1 && subscribers(t, news) == 0 },
		"its rows to be removed")
}

// everyFrame makes the server send every kind of frame, and returns the frames as they came.
func everyFrame(t *testing.T) []wire.Frame {
	t.Helper()
	var all []wire.Frame
	app := hark.App
	if hark.Local() {
		app = newApp(t, item{"subscription_count": true})
	}
	collect := func(c client, events ...string) {
		t.Helper()
		missing := slices.Clone(events)
		for len(missing) > 0 {
			f, err := c.Next(patience)
			if err != nil {
				t.Fatalf("waiting for %q: %v", missing, err)
			}
			all = append(all, f)
			if i := slices.Index(missing, f.Event); i >= 0 {
				missing = slices.Delete(missing, i, i+1)
			}
		}
	}
	room, friend := unique("presence-cache-"), unique("friend-")
	c, other := dial(t, app, ""), connectTo(t, app)
	f := c.next(wire.Established, "")
	all = append(all, f)
	var data struct {
		SocketID string `json:"socket_id"`
	}
	if err := json.Unmarshal([]byte(f.Data), &data); err != nil {
		t.Fatal(err)
	}
	c.SocketID = data.SocketID

	c.send(`{"event":"pusher:ping"}`)
	collect(c, wire.Pong)
	c.send(`hello`)
	collect(c, wire.Error)
	c.subscribe("private-x", "")
	collect(c, wire.Error, wire.SubscriptionError)
	c.subscribe(unique("news-"), "")
	if app == hark.App {
		collect(c, wire.SubscriptionSucceeded)
	} else {
		collect(c, wire.SubscriptionSucceeded, wire.SubscriptionCount)
	}
	c.enter(room, channelData("1", `{"name":"Ann"}`))
	collect(c, wire.SubscriptionSucceeded, wire.CacheMiss)
	other.enter(room, channelData("2", ""))
	collect(other, wire.SubscriptionSucceeded, wire.CacheMiss)
	collect(c, wire.MemberAdded)
	other.whispers(room, "client-typing", `{"n":1}`)
	collect(c, "client-typing")
	other.leave(room)
	collect(c, wire.MemberRemoved)
	publishTo(t, app, wire.Event{Name: "test", Channel: room, Data: "not JSON"})
	collect(c, "test")
	c.signIn(fmt.Sprintf(`{"id":"%s","watchlist":["%s"]}`, unique("user-"), friend))
	collect(c, wire.SignedIn, wire.WatchlistEvents)
	return all
}

// 20. MUST never send a frame that is not a JSON object with a string `event`.
//
// wire.ParseFrame checks this, line 24 and line 25 for every frame that any test reads. Here one
// frame of each kind is checked as bytes.
func TestLine20_FramesAreObjectsWithAnEvent(t *testing.T) {
	for _, f := range everyFrame(t) {
		var frame map[string]json.RawMessage
		err := json.Unmarshal(f.Raw, &frame)
		if err != nil || len(frame["event"]) < 3 || frame["event"][0] != '"' {
			t.Errorf("got %s (%v)", f.Raw, err)
		}
	}
}

// 24. `pusher:error` data MUST be an object with `message` (string) and `code`.
//
// The Swift client reads the data of an error only if it is an object, and of every other frame
// only if it is a string.
func TestLine24_ErrorData(t *testing.T) {
	n := 0
	for _, f := range everyFrame(t) {
		if f.Event != wire.Error {
			continue
		}
		n++
		var frame struct {
			Data struct {
				Message *string
				Code    *int
			}
		}
		err := json.Unmarshal(f.Raw, &frame)
		if err != nil || frame.Data.Message == nil || frame.Data.Code == nil {
			t.Errorf("got %s (%v)", f.Raw, err)
		}
	}
	if n == 0 {
		t.Error("no error among the frames")
	}
}

// 25. All other frames' `data` MUST be strings.
//
// The Java client throws if data is missing; the Swift and .NET clients read only strings.
// pusher:subscription_error is not one of Pusher's frames. It has the shape that soketi gave it and
// that Echo reads (docs/protocol.md §3.5).
func TestLine25_DataIsAString(t *testing.T) {
	for _, f := range everyFrame(t) {
		var frame struct{ Data json.RawMessage }
		if err := json.Unmarshal(f.Raw, &frame); err != nil {
			t.Fatal(err)
		}
		if f.Event != wire.Error && f.Event != wire.SubscriptionError &&
			(len(frame.Data) == 0 || frame.Data[0] != '"') {
			t.Errorf("got %s", f.Raw)
		}
	}
}

// mistakes sends each frame on a connection of its own. The answer must be an error, and the
// connection must stay open.
func mistakes(t *testing.T, frames map[string]string) {
	t.Helper()
	for name, frame := range frames {
		t.Run(name, func(t *testing.T) {
			c := connect(t)
			c.send(frame)
			f := c.next(wire.Error, "")
			if d, err := f.ErrorData(); err != nil || d.Code != 4200 {
				t.Errorf("got %s (%v), want 4200", f.Raw, err)
			}
			c.pings()
		})
	}
}

// 21. A malformed frame (not JSON, no `event`) MUST give `pusher:error` (4200 in Reverb) and keep
// the socket open.
func TestLine21_MalformedFrame(t *testing.T) {
	mistakes(t, map[string]string{
		"text that is not JSON":              `hello`,
		"half an object":                     `{"event":"pusher:ping"`,
		"an array":                           `[1,2]`,
		"null":                               `null`,
		"an object without an event":         `{"data":{}}`,
		"an event that is not a string":      `{"event":7}`,
		"an empty event":                     `{"event":""}`,
		"an empty message":                   ``,
		"a subscribe without data":           `{"event":"pusher:subscribe"}`,
		"a subscribe whose data is a number": `{"event":"pusher:subscribe","data":7}`,
		"a sign-in without data":             `{"event":"pusher:signin"}`,
	})
}

// 22. An unknown `pusher:` event MUST give `pusher:error` and keep the socket open.
func TestLine22_UnknownEvent(t *testing.T) {
	mistakes(t, map[string]string{
		"an unknown event":       `{"event":"pusher:nonsense","data":{}}`,
		"an event of the server": `{"event":"pusher:connection_established","data":"{}"}`,
		"an internal event": `{"event":"pusher_internal:member_added",` +
			`"channel":"presence-room","data":"{}"}`,
		"a name that is only pusher:": `{"event":"pusher:","data":{}}`,
	})
}

// 23. An event that is neither `pusher:` nor `client-` SHOULD be ignored or answered with an error,
// never relayed.
func TestLine23_EventOfNoKind(t *testing.T) {
	for _, event := range []string{"news", "clientx", "Client-typing", "pusherx"} {
		t.Run(event, func(t *testing.T) {
			ch := unique("private-room-")
			c, other := subscriber(t, ch), subscriber(t, ch)
			c.whispers(ch, event, `"{}"`)
			other.receives(ch)
			other.quiet()
		})
	}
}

// 26. After a close every subscription of that connection MUST be gone for publishing, counts and
// presence.
func TestLine26_AfterAClose(t *testing.T) {
	for _, tc := range []struct {
		name  string
		leave func(client) error
	}{
		{"a closed tab", func(c client) error { return c.Close() }},
		{"a lost network", func(c client) error { return c.Drop() }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			news, room := unique("news-"), unique("presence-room-")
			c, stays := subscriber(t, news), subscriber(t, news)
			stays.enter(room, channelData("1", ""))
			stays.welcomed(room)
			c.enter(room, channelData("2", ""))
			c.welcomed(room)
			stays.sees(wire.MemberAdded, room, "2")
			if err := tc.leave(c); err != nil {
				t.Fatal(err)
			}
			stays.sees(wire.MemberRemoved, room, "2")
			stays.receives(news)
			eventually(t, func() bool {
				a := get(t, "channels/"+news, "info", "subscription_count")
				return a.Body == `{"occupied":true,"subscription_count":1}`
			}, "the count without the closed connection")
			answers(t, get(t, "channels/"+room+"/users"), 200, `{"users":[{"id":"1"}]}`)
		})
	}
}

// 27. A frame over the app's max message size MUST be refused (Reverb closes 1009) without
// affecting others.
func TestLine27_LargeFrame(t *testing.T) {
	frame := func(size int) string {
		const head, tail = `{"event":"pusher:ping","data":"`, `"}`
		return head + strings.Repeat("x", size-len(head)-len(tail)) + tail
	}
	t.Run("10,000 bytes are read", func(t *testing.T) {
		c := connect(t)
		c.send(frame(10_000))
		c.next(wire.Pong, "")
	})
	t.Run("10,001 bytes are refused, and the socket stays open", func(t *testing.T) {
		c, other := connect(t), connect(t)
		c.send(frame(10_001))
		c.errs(4301)
		c.pings()
		other.pings()
	})
	t.Run("an app may allow other sizes", func(t *testing.T) {
		c := connectTo(t, newApp(t, item{"max_message_size": 20_000}))
		c.send(frame(20_000))
		c.next(wire.Pong, "")
		c.send(frame(20_001))
		c.errs(4301)
	})
	t.Run("API Gateway closes over 32 KB", func(t *testing.T) {
		c, other := connect(t), connect(t)
		c.send(frame(33 << 10))
		_, err := c.Next(patience)
		if closed, ok := errors.AsType[*wire.ClosedError](err); !ok || closed.Code != 1009 {
			t.Errorf("got %v, want 1009", err)
		}
		other.pings()
	})
}

// 28. `*` in allowed origins MUST match only as wildcard of the host part; scheme and port ignored.
func TestLine28_AllowedOrigins(t *testing.T) {
	app := newApp(t, item{"allowed_origins": []string{"*.example.com", "local*", "10.0.0.1"}})
	for origin, in := range map[string]bool{
		"https://www.example.com":             true,
		"http://www.example.com:8080":         true,
		"https://a.b.example.com":             true,
		"https://localhost:3000":              true,
		"http://10.0.0.1":                     true,
		"https://example.com":                 false,
		"https://www.example.com.evil.org":    false,
		"https://evil.org/www.example.com":    false,
		"https://wwwexample.com":              false,
		"https://10.0.0.12":                   false,
		"null":                                false,
		"https://evil.org?x=.example.com":     false,
		"https://evil.org#www.example.com":    false,
		"https://www.example.com@evil.org":    false,
		"https://evil.org:80.www.example.com": false,
	} {
		t.Run(origin, func(t *testing.T) {
			c := from(t, origin, app)
			if in {
				c.greeted()
			} else {
				c.errs(4009)
			}
		})
	}
	t.Run("* alone admits every origin", func(t *testing.T) {
		everybody := newApp(t, item{"allowed_origins": []string{"*"}})
		from(t, "https://example.org", everybody).greeted()
		dial(t, everybody, "").greeted()
	})
}
