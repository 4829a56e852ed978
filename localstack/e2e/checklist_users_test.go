package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"hark/localstack/e2e/wire"
)

// Lines 83 to 92 of the checklist (docs/protocol.md §9): users who sign in.

// 83. Valid `pusher:signin` MUST answer `pusher:signin_success` with `user_data` verbatim.
func TestLine83_SignIn(t *testing.T) {
	for _, data := range []string{
		`{"id":"%s"}`,
		`{"id":"%s","user_info":{"name":"Ann"}}`,
		`{ "user_info" : {"b":1, "a":"Zażółć 🎉 <&>" } , "id" : "%s" }`,
		`{"id":"%s","user_info":null,"other":[1,2.50]}`,
	} {
		t.Run(data, func(t *testing.T) {
			c := connect(t)
			data := fmt.Sprintf(data, unique("user-"))
			c.signIn(data)
			c.signedIn(data)
			c.quiet()
		})
	}
	t.Run("data as a string", func(t *testing.T) {
		c := connect(t)
		data := `{"id":"` + unique("user-") + `"}`
		inner := body(t,
			map[string]string{"auth": c.app.AuthUser(c.SocketID, data), "user_data": data})
		c.sendEvent("pusher:signin", string(inner))
		c.signedIn(data)
	})
	t.Run("again as the same user", func(t *testing.T) {
		id := unique("user-")
		c := user(t, id)
		data := `{"id":"` + id + `","user_info":{}}`
		c.signIn(data)
		c.signedIn(data)
	})
}

// 84. Invalid signature MUST answer `pusher:error`, not success.
func TestLine84_InvalidSignature(t *testing.T) {
	for name, auth := range map[string]func(c client, data string) string{
		"none": func(client, string) string { return "" },
		"zeros": func(c client, _ string) string {
			return c.app.Key + ":" + strings.Repeat("0", 64)
		},
		"for another socket": func(c client, data string) string {
			return c.app.AuthUser("1.2", data)
		},
		"for another user": func(c client, _ string) string {
			return c.app.AuthUser(c.SocketID, `{"id":"root"}`)
		},
		"with another key": func(c client, data string) string {
			return wire.App{Key: "x", Secret: c.app.Secret}.AuthUser(c.SocketID, data)
		},
		"for a private channel": func(c client, data string) string {
			return c.app.Auth(c.SocketID, data, "")
		},
		"for a presence channel": func(c client, data string) string {
			return c.app.Auth(c.SocketID, "presence-user", data)
		},
		"in Pusher's misprint": func(c client, data string) string {
			return strings.Replace(c.app.AuthUser(c.SocketID, data), ":", "::user::", 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, id := connect(t), unique("user-")
			data := `{"id":"` + id + `"}`
			c.sendEvent("pusher:signin",
				map[string]string{"user_data": data, "auth": auth(c, data)})
			c.errs(4009)
			c.pings()
			c.subscribe("#server-to-user-"+id, "") // it is not signed in
			c.refused("#server-to-user-" + id)
		})
	}
}

// 85. Sign-in as a second user id on one connection MUST fail.
func TestLine85_SecondUser(t *testing.T) {
	first, second := unique("user-"), unique("user-")
	c := user(t, first)
	c.signIn(`{"id":"` + second + `"}`)
	c.errs(4009)
	c.pings()
	publish(t, wire.Event{Name: "test", Channel: "#server-to-user-" + second, Data: "{}"})
	publish(t, wire.Event{Name: "test", Channel: "#server-to-user-" + first, Data: "{}"})
	c.next("test", "#server-to-user-"+first) // it still is the first user
	c.quiet()
}

// 86. user_data without a non-empty string id MUST fail.
func TestLine86_NoID(t *testing.T) {
	for _, data := range []string{
		``, `hello`, `[]`, `"7"`, `{}`, `{"id":""}`, `{"id":7}`, `{"id":null}`, `{"id":{}}`,
		`{"user_id":"7"}`,
		`{"id":"a b"}`, `{"id":"` + strings.Repeat("x", 129) + `"}`, `{"id":"7","watchlist":"8"}`,
	} {
		t.Run(fmt.Sprintf("%.40q", data), func(t *testing.T) {
			c := connect(t)
			c.signIn(data)
			c.errs(4009)
			c.pings()
		})
	}
}

// 87. `#server-to-user-7` MUST be subscribable only by a connection signed in as 7.
func TestLine87_UserChannel(t *testing.T) {
	id := unique("user-")
	ch := "#server-to-user-" + id
	me := user(t, id)
	for name, c := range map[string]client{
		"not signed in": connect(t), "another user": user(t, unique("user-")),
	} {
		t.Run(name, func(t *testing.T) {
			for _, auth := range []string{"", c.auth(ch)} { // a signature does not help
				c.subscribe(ch, auth)
				c.refused(ch)
			}
		})
	}
	me.subscribe(ch, "")
	me.succeeds(ch)
}

// 88. An event to `#server-to-user-7` MUST reach all connections signed in as 7 and no other.
func TestLine88_ServerToUser(t *testing.T) {
	id := unique("user-")
	ch := "#server-to-user-" + id
	one, two := user(t, id), user(t, id)
	one.subscribe(ch, "") // as pusher-js does; events also come without
	one.succeeds(ch)
	others := []client{connect(t), user(t, id+"0"), user(t, unique("user-"))}
	room := unique("presence-room-")
	impostor := member(t, room, id, "") // the same ID on a presence channel is not a sign-in
	publish(t, wire.Event{Name: "hello", Channel: ch, Data: `{"n":1}`})
	for _, c := range []client{one, two} {
		if f := c.next("hello", ch); f.Data != `{"n":1}` {
			t.Errorf("got %s", f.Raw)
		}
	}
	for _, c := range append(others, impostor) {
		c.quiet()
	}
	t.Run("a connection that has gone is no longer reached", func(t *testing.T) {
		if err := two.Close(); err != nil {
			t.Fatal(err)
		}
		publish(t, wire.Event{Name: "hello", Channel: ch, Data: `{"n":2}`})
		one.next("hello", ch)
	})
}

// 89. Presence subscribe without channel_data by a signed-in connection MUST use the sign-in id and
// user_info.
func TestLine89_PresenceOfTheSignedIn(t *testing.T) {
	room, id := unique("presence-room-"), unique("user-")
	stays := member(t, room, "1", "")
	c := connect(t)
	c.signIn(`{"id":"` + id + `","user_info":{"name":"Ann"}}`)
	c.next(wire.SignedIn, "")
	c.subscribe(room, c.auth(room)) // the signature of two parts, as pusher-js sends it
	r := c.welcomed(room)
	r.has(t, "1", id)
	if got := string(r.Hash[id]); got != `{"name":"Ann"}` {
		t.Errorf("user_info %s", got)
	}
	f := stays.sees(wire.MemberAdded, room, id)
	if !strings.Contains(f.Data, `"user_info":{"name":"Ann"}`) {
		t.Errorf("got %s", f.Raw)
	}
	c.whispers(room, "client-typing", "{}")
	if f := stays.next("client-typing", room); f.UserID != id {
		t.Errorf("got %s", f.Raw)
	}
	t.Run("channel_data wins", func(t *testing.T) {
		other := unique("presence-room-")
		c.enter(other, channelData("2", ""))
		c.welcomed(other).has(t, "2")
	})
	t.Run("a signature for other channel_data does not", func(t *testing.T) {
		other := unique("presence-room-")
		c.subscribe(other, c.app.Auth(c.SocketID, other, channelData("2", "")))
		c.refused(other)
	})
}

// 90. Watchlist: on sign-in MUST send online/offline of watched ids; on change MUST notify
// watchers. (if enabled)
func TestLine90_Watchlist(t *testing.T) {
	bob, eve := unique("bob-"), unique("eve-")
	first := user(t, bob)
	ann := watching(t, hark.App, unique("ann-"), bob, eve)
	f := ann.next(wire.WatchlistEvents, "")
	ann.record(f, map[string]bool{bob: true, eve: false})
	if len(ann.known) != 2 {
		t.Errorf("got %s, want both users", f.Raw)
	}
	second := user(t, bob) // no change
	evesTab := user(t, eve)
	ann.learns(true, eve)
	if err := first.Close(); err != nil { // nor this
		t.Fatal(err)
	}
	if err := evesTab.Drop(); err != nil {
		t.Fatal(err)
	}
	ann.learns(false, eve)
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	ann.learns(false, bob)
	user(t, bob)
	ann.learns(true, bob)
	t.Run("two users who watch each other", func(t *testing.T) {
		one, two := unique("one-"), unique("two-")
		a := watching(t, hark.App, one, two)
		a.learns(false, two)
		b := watching(t, hark.App, two, one)
		b.learns(true, one)
		a.learns(true, two)
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		b.learns(false, one)
	})
	t.Run("not where the app does not want it", func(t *testing.T) {
		c := connectTo(t, newApp(t, item{"watchlist": false}))
		data := `{"id":"a","watchlist":["b"]}`
		c.signIn(data)
		c.signedIn(data)
		c.quiet()
	})
}

// 91. Watchlist over 100 ids MUST keep 100, succeed, and send 4302.
func TestLine91_LongWatchlist(t *testing.T) {
	var all []string
	for range 101 {
		all = append(all, unique("user-"))
	}
	c := watcher{connect(t), map[string]bool{}}
	c.signIn(string(body(t, map[string]any{"id": unique("user-"), "watchlist": all})))
	seen := map[string]wire.Frame{}
	for range 3 { // the order of the last two is not promised
		f, err := c.Next(patience)
		if err != nil {
			t.Fatalf("got only %v: %v", seen, err)
		}
		seen[f.Event] = f
	}
	if d, err := seen[wire.Error].ErrorData(); err != nil || d.Code != 4302 {
		t.Errorf("got %s (%v), want 4302", seen[wire.Error].Raw, err)
	}
	if seen[wire.SignedIn].Raw == nil {
		t.Error("no success")
	}
	offline := map[string]bool{}
	for _, id := range all {
		offline[id] = false
	}
	c.record(seen[wire.WatchlistEvents], offline)
	if len(c.known) != 100 {
		t.Errorf("sent the status of %d users, want 100", len(c.known))
	}
	user(t, all[0])
	c.learns(true, all[0])
	user(t, all[100])
	c.quiet()
}

// 92. terminate_connections MUST close all connections signed in as the user and reply 200 `{}`.
func TestLine92_Terminate(t *testing.T) {
	id, room := unique("user-"), unique("presence-room-")
	one, two := user(t, id), user(t, id)
	others := []client{connect(t), user(t, id+"0"), member(t, room, "1", "")}
	path := "users/" + id + "/terminate_connections"
	answers(t, post(t, wire.Request{Path: path, Body: []byte("{}")}), 200, "{}")
	one.isClosed()
	two.isClosed()
	for _, c := range others {
		c.pings()
	}
	t.Run("a user without connections is no error", func(t *testing.T) {
		answers(t, post(t, wire.Request{Path: path, Body: []byte("{}")}), 200, "{}")
	})
	t.Run("the user may come back", func(t *testing.T) { user(t, id) })
	t.Run("members of presence channels are closed too, as Reverb does", func(t *testing.T) {
		member := member(t, room, id, "")
		answers(t, post(t, wire.Request{Path: path, Body: []byte("{}")}), 200, "{}")
		member.isClosed()
	})
	t.Run("unless the app does not want it", func(t *testing.T) {
		app := newApp(t, item{"terminate_by_members": false})
		c := connectTo(t, app)
		c.enter(room, channelData(id, ""))
		c.welcomed(room)
		a := request(t, app, wire.Request{Method: http.MethodPost, Path: path, Body: []byte("{}")})
		answers(t, a, 200, "{}")
		c.pings()
	})
}

// subscription_count is not on the checklist (docs/protocol.md §3.8). It is off by default, and
// only for channels without presence.
func TestSubscribersAreSentTheirCount(t *testing.T) {
	app := newApp(t, item{"subscription_count": true})
	count := func(c client, ch string, n int) {
		t.Helper()
		f := c.next(wire.SubscriptionCount, ch)
		if f.Data != fmt.Sprintf(`{"subscription_count":%d}`, n) {
			t.Errorf("got %s, want %d", f.Raw, n)
		}
	}
	ch := unique("room-")
	one := connectTo(t, app)
	one.join(ch)
	count(one, ch, 1)
	two := connectTo(t, app)
	two.join(ch)
	count(two, ch, 2)
	count(one, ch, 2)
	two.leave(ch)
	count(one, ch, 1)
	t.Run("a repeated subscribe counts once", func(t *testing.T) {
		one.join(ch)
		if f, err := one.Next(calm); err == nil && f.Data != `{"subscription_count":1}` {
			t.Errorf("got %s", f.Raw)
		}
	})
	t.Run("presence channels have their members", func(t *testing.T) {
		room := unique("presence-room-")
		c := connectTo(t, app)
		c.enter(room, channelData("1", ""))
		c.welcomed(room)
		c.quiet()
	})
	t.Run("off by default", func(t *testing.T) { subscriber(t, unique("room-")).quiet() })
}
