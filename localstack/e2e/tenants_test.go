package e2e_test

import (
	"net/http"
	"testing"

	"hark/localstack/e2e/wire"
)

// Two apps with equal names of channels and users never see each other's events, members or users.
func TestTwoAppsNeverMeet(t *testing.T) {
	settings := item{"subscription_count": true}
	ours, theirs := newApp(t, settings), newApp(t, settings)
	const news, updates, chat, room, price, id = "news", "updates", "private-chat", "presence-room", "cache-price", "7"
	join := func(t *testing.T, app wire.App, ch string) client {
		t.Helper()
		c := connectTo(t, app)
		c.join(ch)
		c.next(wire.SubscriptionCount, ch)
		return c
	}

	t.Run("subscribe, publish, subscription_count", func(t *testing.T) {
		ann, eve := join(t, ours, news), join(t, theirs, news)
		ann.receives(news)
		second := join(t, ours, news)
		ann.next(wire.SubscriptionCount, news)
		second.leave(news)
		ann.next(wire.SubscriptionCount, news)
		eve.quiet()
		// a socket ID of the other app excludes no connection of this one
		publishTo(t, ours,
			wire.Event{Name: "test", Channel: news, Data: "{}", SocketID: eve.SocketID})
		ann.next("test", news)
		eve.receives(news)
		ann.quiet()
	})
	t.Run("batches", func(t *testing.T) {
		ann, eve := join(t, ours, updates), join(t, theirs, updates)
		answers(
			t,
			request(t, ours,
				batch(t, map[string]string{"name": "test", "channel": updates, "data": "{}"})),
			200, "{}",
		)
		ann.next("test", updates)
		eve.quiet()
	})
	t.Run("presence", func(t *testing.T) {
		ann, eve := connectTo(t, ours), connectTo(t, theirs)
		ann.enter(room, channelData("1", ""))
		ann.welcomed(room).has(t, "1")
		eve.enter(room, channelData("2", ""))
		eve.welcomed(room).has(t, "2")
		bob := connectTo(t, ours)
		bob.enter(room, channelData("2", ""))
		bob.welcomed(room).has(t, "1", "2")
		ann.sees(wire.MemberAdded, room, "2")
		bob.leave(room)
		ann.sees(wire.MemberRemoved, room, "2") // though eve is a 2 of theirs
		eve.quiet()
	})
	t.Run("client events", func(t *testing.T) {
		ann, bob, eve := join(t, ours, chat), join(t, ours, chat), join(t, theirs, chat)
		ann.next(wire.SubscriptionCount, chat) // that bob has come
		ann.whispers(chat, "client-typing", "{}")
		bob.next("client-typing", chat)
		eve.quiet()
	})
	t.Run("cached events", func(t *testing.T) {
		publishTo(t, ours, wire.Event{Name: "price", Channel: price, Data: "{}"})
		eventually(t, func() bool {
			return getOf(
				t, ours, "channels/"+price, "info", "cache",
			).Body != `{"occupied":false,"cache":null}`
		}, "the cache of "+price)
		answers(t, getOf(t, theirs, "channels/"+price, "info", "cache"), 200,
			`{"occupied":false,"cache":null}`)
		eve := connectTo(t, theirs)
		eve.joinAny(price)
		eve.next(wire.CacheMiss, price)
	})
	t.Run("signed-in users and their watchers", func(t *testing.T) {
		watcher := watching(t, theirs, "8", id)
		watcher.learns(false, id)
		ann := userOf(t, ours, id)
		watcher.quiet()
		eve := userOf(t, theirs, id)
		watcher.learns(true, id)
		publishTo(t, ours, wire.Event{Name: "test", Channel: "#server-to-user-" + id, Data: "{}"})
		ann.next("test", "#server-to-user-"+id)
		eve.quiet()
		t.Run("terminate_connections", func(t *testing.T) {
			answers(t, request(t, ours, wire.Request{
				Method: http.MethodPost, Path: "users/" + id + "/terminate_connections",
				Body: []byte("{}"),
			}), 200, "{}")
			ann.isClosed()
			eve.pings()
			watcher.quiet()
		})
	})
	t.Run("every query", func(t *testing.T) {
		neighbour := newApp(t, nil)
		ann := connectTo(t, ours)
		ann.enter(room, channelData(id, ""))
		ann.welcomed(room)
		for path, want := range map[string]string{
			"channels":                    `{"channels":{}}`,
			"channels/" + room:            `{"occupied":false}`,
			"channels/" + room + "/users": `{"users":[]}`,
			"connections":                 `{"connections":0}`,
		} {
			answers(t, getOf(t, neighbour, path), 200, want)
		}
		answers(t, getOf(t, neighbour, "channels/"+room, "info", "user_count"), 200,
			`{"occupied":false,"user_count":0}`)
		answers(t,
			getOf(t, neighbour, "channels", "info", "user_count", "filter_by_prefix", "presence-"),
			200, `{"channels":{}}`)
		answers(t, getOf(t, ours, "channels/"+room+"/users"), 200, `{"users":[{"id":"7"}]}`)
	})
	t.Run("signatures", func(t *testing.T) {
		eve := connectTo(t, theirs)
		eve.subscribe(chat, ours.Auth(eve.SocketID, chat, ""))
		eve.refused(chat)
		eve.sendEvent(
			"pusher:signin",
			map[string]string{
				"user_data": `{"id":"7"}`, "auth": ours.AuthUser(eve.SocketID, `{"id":"7"}`),
			},
		)
		eve.errs(4009)
		thief := theirs
		thief.ID = ours.ID
		for _, path := range []string{"channels", "connections", "channels/" + room + "/users"} {
			if a := getOf(t, thief, path); a.Status != 401 {
				t.Errorf("%s: got %d %s, want 401", path, a.Status, a.Body)
			}
		}
	})
}
