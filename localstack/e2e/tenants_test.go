package e2e_test

import (
	"net/http"
	"testing"

	"hark/localstack/e2e/wire"
)

// The names that both apps use.
const (
	sharedNews    = "news"
	sharedUpdates = "updates"
	sharedChat    = "private-chat"
	sharedRoom    = "presence-room"
	sharedPrice   = "cache-price"
	sharedUser    = "7"
)

// twoApps are two apps with the same settings. Ann and Bob are clients of ours, Eve is a client of
// theirs.
type twoApps struct{ ours, theirs wire.App }

// Two apps with equal names of channels and users never see each other's events, members or users.
func TestTwoAppsNeverMeet(t *testing.T) {
	settings := item{"subscription_count": true}
	a := twoApps{newApp(t, settings), newApp(t, settings)}
	t.Run("subscribe, publish, subscription_count", a.publishesStayApart)
	t.Run("batches", a.batchesStayApart)
	t.Run("presence", a.presenceStaysApart)
	t.Run("client events", a.clientEventsStayApart)
	t.Run("cached events", a.cachedEventsStayApart)
	t.Run("signed-in users and their watchers", a.usersStayApart)
	t.Run("every query", a.queriesStayApart)
	t.Run("signatures", a.signaturesStayApart)
}

// joinCounted subscribes a client of the app and reads the subscription count.
func joinCounted(t *testing.T, app wire.App, ch string) client {
	t.Helper()
	c := connectTo(t, app)
	c.join(ch)
	c.next(wire.SubscriptionCount, ch)
	return c
}

func (a twoApps) publishesStayApart(t *testing.T) {
	ann, eve := joinCounted(t, a.ours, sharedNews), joinCounted(t, a.theirs, sharedNews)
	ann.receives(sharedNews)
	second := joinCounted(t, a.ours, sharedNews)
	ann.next(wire.SubscriptionCount, sharedNews)
	second.leave(sharedNews)
	ann.next(wire.SubscriptionCount, sharedNews)
	eve.quiet()
	// a socket ID of the other app excludes no connection of this one
	publishTo(t, a.ours,
		wire.Event{Name: "test", Channel: sharedNews, Data: "{}", SocketID: eve.SocketID})
	ann.next("test", sharedNews)
	eve.receives(sharedNews)
	ann.quiet()
}

func (a twoApps) batchesStayApart(t *testing.T) {
	ann, eve := joinCounted(t, a.ours, sharedUpdates), joinCounted(t, a.theirs, sharedUpdates)
	event := map[string]string{"name": "test", "channel": sharedUpdates, "data": "{}"}
	answers(t, request(t, a.ours, batch(t, event)), 200, "{}")
	ann.next("test", sharedUpdates)
	eve.quiet()
}

func (a twoApps) presenceStaysApart(t *testing.T) {
	ann, eve := connectTo(t, a.ours), connectTo(t, a.theirs)
	ann.enter(sharedRoom, channelData("1", ""))
	ann.welcomed(sharedRoom).has(t, "1")
	eve.enter(sharedRoom, channelData("2", ""))
	eve.welcomed(sharedRoom).has(t, "2")
	bob := connectTo(t, a.ours)
	bob.enter(sharedRoom, channelData("2", ""))
	bob.welcomed(sharedRoom).has(t, "1", "2")
	ann.sees(wire.MemberAdded, sharedRoom, "2")
	bob.leave(sharedRoom)
	ann.sees(wire.MemberRemoved, sharedRoom, "2") // though eve is user 2 of the other app
	eve.quiet()
}

func (a twoApps) clientEventsStayApart(t *testing.T) {
	ann, bob := joinCounted(t, a.ours, sharedChat), joinCounted(t, a.ours, sharedChat)
	eve := joinCounted(t, a.theirs, sharedChat)
	ann.next(wire.SubscriptionCount, sharedChat) // that bob has come
	ann.whispers(sharedChat, "client-typing", "{}")
	bob.next("client-typing", sharedChat)
	eve.quiet()
}

func (a twoApps) cachedEventsStayApart(t *testing.T) {
	publishTo(t, a.ours, wire.Event{Name: "price", Channel: sharedPrice, Data: "{}"})
	eventually(t, func() bool {
		got := getOf(t, a.ours, "channels/"+sharedPrice, "info", "cache")
		return got.Body != `{"occupied":false,"cache":null}`
	}, "the cache of "+sharedPrice)
	answers(t, getOf(t, a.theirs, "channels/"+sharedPrice, "info", "cache"), 200,
		`{"occupied":false,"cache":null}`)
	eve := connectTo(t, a.theirs)
	eve.joinAny(sharedPrice)
	eve.next(wire.CacheMiss, sharedPrice)
}

func (a twoApps) usersStayApart(t *testing.T) {
	watcher := watching(t, a.theirs, "8", sharedUser)
	watcher.learns(false, sharedUser)
	ann := userOf(t, a.ours, sharedUser)
	watcher.quiet()
	eve := userOf(t, a.theirs, sharedUser)
	watcher.learns(true, sharedUser)
	publishTo(t, a.ours,
		wire.Event{Name: "test", Channel: "#server-to-user-" + sharedUser, Data: "{}"})
	ann.next("test", "#server-to-user-"+sharedUser)
	eve.quiet()
	t.Run("terminate_connections", func(t *testing.T) {
		answers(t, request(t, a.ours, wire.Request{
			Method: http.MethodPost, Path: "users/" + sharedUser + "/terminate_connections",
			Body: []byte("{}"),
		}), 200, "{}")
		ann.isClosed()
		eve.pings()
		watcher.quiet()
	})
}

func (a twoApps) queriesStayApart(t *testing.T) {
	neighbour := newApp(t, nil)
	ann := connectTo(t, a.ours)
	ann.enter(sharedRoom, channelData(sharedUser, ""))
	ann.welcomed(sharedRoom)
	for path, want := range map[string]string{
		"channels":                          `{"channels":{}}`,
		"channels/" + sharedRoom:            `{"occupied":false}`,
		"channels/" + sharedRoom + "/users": `{"users":[]}`,
		"connections":                       `{"connections":0}`,
	} {
		answers(t, getOf(t, neighbour, path), 200, want)
	}
	answers(t, getOf(t, neighbour, "channels/"+sharedRoom, "info", "user_count"), 200,
		`{"occupied":false,"user_count":0}`)
	answers(t,
		getOf(t, neighbour, "channels", "info", "user_count", "filter_by_prefix", "presence-"),
		200, `{"channels":{}}`)
	answers(t, getOf(t, a.ours, "channels/"+sharedRoom+"/users"), 200, `{"users":[{"id":"7"}]}`)
}

func (a twoApps) signaturesStayApart(t *testing.T) {
	eve := connectTo(t, a.theirs)
	eve.subscribe(sharedChat, a.ours.Auth(eve.SocketID, sharedChat, ""))
	eve.refused(sharedChat)
	const user = `{"id":"7"}`
	eve.sendEvent("pusher:signin",
		map[string]string{"user_data": user, "auth": a.ours.AuthUser(eve.SocketID, user)})
	eve.errs(4009)
	thief := a.theirs
	thief.ID = a.ours.ID
	for _, path := range []string{"channels", "connections", "channels/" + sharedRoom + "/users"} {
		if got := getOf(t, thief, path); got.Status != 401 {
			t.Errorf("%s: got %d %s, want 401", path, got.Status, got.Body)
		}
	}
}
