package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"hark/localstack/e2e/wire"
)

// terminate ends a user's connections and bans the user for the given seconds.
func terminate(t *testing.T, app wire.App, user string, seconds int) wire.Answer {
	t.Helper()
	return request(t, app, wire.Request{
		Method: http.MethodPost, Path: "users/" + user + "/terminate_connections",
		Body: fmt.Appendf(nil, `{"ban_seconds":%d}`, seconds),
	})
}

// Bans are Hark's own and not on the checklist (docs/protocol.md §5.8). At Pusher, users whose
// connections were ended may come back at once.
func TestABannedUserIsRefused(t *testing.T) {
	app := newApp(t, item{"bans": true})
	const id, other = "7", "8"
	data, room := `{"id":"`+id+`"}`, "presence-room"
	one := userOf(t, app, id)
	present := connectTo(t, app)
	present.enter(room, channelData(id, ""))
	present.welcomed(room)
	stranger := userOf(t, app, other)
	answers(t, terminate(t, app, id, 3600), 200, "{}")
	one.isClosed()
	present.isClosed()
	stranger.pings()

	again := connectTo(t, app)
	t.Run("a sign-in is refused, and the connection stays open", func(t *testing.T) {
		again.signIn(data)
		if message := again.errs(4009); !strings.Contains(message, "The user 7 is banned until ") {
			t.Errorf("got %s", message)
		}
		again.pings()
	})
	t.Run("a presence channel is refused", func(t *testing.T) {
		again.enter(room, channelData(id, ""))
		again.refused(room)
		again.pings()
	})
	t.Run("a public channel is not", func(t *testing.T) { again.join("news") })
	t.Run("nor are other users", func(t *testing.T) { userOf(t, app, "9") })
	t.Run("0 seconds lift the ban", func(t *testing.T) {
		answers(t, terminate(t, app, id, 0), 200, "{}")
		again.signIn(data)
		again.signedIn(data)
		again.enter(room, channelData(id, ""))
		again.welcomed(room).has(t, id)
	})
	t.Run("an app without bans gets an error", func(t *testing.T) {
		a := terminate(t, hark.App, id, 60)
		if a.Status != 400 || !strings.Contains(a.Body, "bans") {
			t.Errorf("got %d %s", a.Status, a.Body)
		}
	})
	t.Run("more than a day is refused", func(t *testing.T) {
		a := terminate(t, app, id, 86401)
		if a.Status != 400 || !strings.Contains(a.Body, "86400") {
			t.Errorf("got %d %s", a.Status, a.Body)
		}
	})
}

// An app that bans users pays two more reads for each sign-in and one for each join.
func TestBansCostTheirBudget(t *testing.T) {
	app := newApp(t, item{"bans": true})
	var c client
	prepare := func() {
		c = connectTo(t, app)
		c.join("news") // every process that will be used has read the app
	}
	prepare()
	costsAfter(t, bill{
		"lambda.requests":      1,
		"dynamodb.write_units": 3, // lease, C, the user's row
		// C twice, whether the user has watchers, and twice whether the user is banned.
		"dynamodb.read_units": 5,
		"apigateway.messages": 2,
	}, prepare, func() {
		data := `{"id":"` + unique("user-") + `"}`
		c.signIn(data)
		c.signedIn(data)
	})
}
