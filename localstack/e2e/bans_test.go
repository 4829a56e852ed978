package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"hark/localstack/e2e/wire"
)

// terminate ends a user's connections with a ban of so many seconds.
func terminate(t *testing.T, app wire.App, user string, seconds int) wire.Answer {
	t.Helper()
	return request(t, app, wire.Request{
		Method: http.MethodPost, Path: "users/" + user + "/terminate_connections",
		Body: fmt.Appendf(nil, `{"ban_seconds":%d}`, seconds),
	})
}

// Bans are ours, and no line of the checklist (docs/protocol.md §5.8): at Pusher a user whose
// connections were ended may come back at once.
func TestBans(t *testing.T) {
	app := newApp(t, item{"bans": true})
	const id, other = "7", "8"
	data, room := `{"id":"`+id+`"}`, "presence-room"
	one := userOf(t, app, id)
	present := connectTo(t, app)
	present.enter(room, channelData(id, ""))
	present.welcomed(room)
	stranger := userOf(t, app, other)
	answers(t, terminate(t, app, id, 3600), 200, "{}")
	one.gone()
	present.gone()
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
	t.Run("what has no user is not", func(t *testing.T) { again.join("news") })
	t.Run("nor are others", func(t *testing.T) { userOf(t, app, "9") })
	t.Run("0 seconds lift it", func(t *testing.T) {
		answers(t, terminate(t, app, id, 0), 200, "{}")
		again.signIn(data)
		again.signedIn(data)
		again.enter(room, channelData(id, ""))
		again.welcomed(room).has(t, id)
	})
	t.Run("an app that bans nobody is told so", func(t *testing.T) {
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

// What an app that bans users pays for it: two looks at each sign-in, one at each join.
func TestBudgetOfBans(t *testing.T) {
	app := newApp(t, item{"bans": true})
	var c client
	prepare := func() {
		c = connectTo(t, app)
		c.join("news") // the app is known to every process that will be asked
	}
	prepare()
	costsAfter(t, bill{
		"lambda.requests":      1,
		"dynamodb.write_units": 3, // lease, C, the user's row
		// C, C again, whether anybody watches the user; twice whether the user is banned
		"dynamodb.read_units": 5,
		"apigateway.messages": 2,
	}, prepare, func() {
		data := `{"id":"` + unique("user-") + `"}`
		c.signIn(data)
		c.signedIn(data)
	})
}
