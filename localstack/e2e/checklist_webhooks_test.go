package e2e_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"testing"
	"time"

	"hark/localstack/e2e/wire"
)

// Lines 129 to 137 of the checklist (docs/protocol.md §9): webhooks. Each test has a server that
// really gets requests, and pusher-http-go must accept each of them.

// 129. Headers X-Pusher-Key, X-Pusher-Signature over the raw body, Content-Type exactly
// application/json.
func TestLine129_Headers(t *testing.T) {
	e := newEndpoint(t, item{"headers": item{
		"X-Tenant": "shop 7", "User-Agent": "shop", "Content-Type": "text/plain",
		"x-pusher-key": "mine", "X-Pusher-Signature": "mine",
	}})
	app := appWithWebhooks(t, nil, e)
	began := time.Now()
	connectTo(t, app).join("news")
	n := e.next()
	mac := hmac.New(sha256.New, []byte(app.Secret))
	mac.Write(n.body)
	for name, want := range map[string]string{
		"Content-Type": "application/json", "X-Pusher-Key": app.Key,
		"X-Pusher-Signature": hex.EncodeToString(mac.Sum(nil)),
		"X-Tenant":           "shop 7", "User-Agent": "shop",
	} {
		if got := n.header[name]; !slices.Equal(got, []string{want}) {
			t.Errorf("%s: got %q, want %q once", name, got, want)
		}
	}
	want := fmt.Sprintf(`{"time_ms":%d,"events":[%s]}`, n.At,
		webhookEvent("channel_occupied", "news"))
	if string(n.body) != want {
		t.Errorf("the body is %s, want %s", n.body, want)
	}
	if at := time.UnixMilli(n.At); at.Before(began.Truncate(time.Millisecond)) || at.After(n.came) {
		t.Errorf("time_ms is %s, of an event between %s and %s", at, began, n.came)
	}
}

// 130. Without batching each request MUST hold exactly one event. There is no batching.
func TestLine130_OneEventEach(t *testing.T) {
	e := newEndpoint(t, nil)
	app := appWithWebhooks(t, nil, e)
	const room, users = "presence-room", 5
	want := []string{webhookEvent("channel_occupied", room)}
	for i := range users {
		user := fmt.Sprint(i)
		c := connectTo(t, app)
		c.enter(room, channelData(user, ""))
		c.welcomed(room)
		c.whispers(room, "client-hello", `"`+user+`"`)
		want = append(want, webhookEvent("member_added", room, "user_id", user),
			webhookEvent(
				"client_event", room, "event", "client-hello", "data", user, "socket_id",
				c.SocketID, "user_id", user,
			))
	}
	e.receives(want...) // next fails unless each request has one event
	e.receivesNothingMore()
}

// 131. channel_occupied only on 0 to 1, channel_vacated only on 1 to 0.
func TestLine131_OccupiedAndVacated(t *testing.T) {
	e := newEndpoint(t, item{"event_types": []string{"channel_occupied", "channel_vacated"}})
	app := appWithWebhooks(t, nil, e)
	channels := []string{"news", "private-news", "cache-news"}
	receives := func(name string) {
		t.Helper()
		var want []string
		for _, ch := range channels {
			want = append(want, webhookEvent(name, ch))
		}
		e.receives(want...)
	}
	var all []client
	for range 3 {
		c := connectTo(t, app)
		for _, ch := range channels {
			c.joinAny(ch)
			if ch == "cache-news" {
				c.next(wire.CacheMiss, ch)
			}
		}
		all = append(all, c)
	}
	receives("channel_occupied")
	for _, ch := range channels {
		all[0].leave(ch)
	}
	if err := all[1].Close(); err != nil {
		t.Fatal(err)
	}
	for _, ch := range channels {
		eventually(t, func() bool { return subscribersOf(t, app, ch) == 1 }, "the leave of two")
	}
	awaitChecks(t)
	e.receivesNothingMore()
	if err := all[2].Drop(); err != nil {
		t.Fatal(err)
	}
	receives("channel_vacated")
	for _, ch := range channels {
		all[0].subscribe(ch, all[0].auth(ch))
	}
	receives("channel_occupied")
	for _, ch := range channels {
		all[0].leave(ch)
	}
	receives("channel_vacated")
	e.receivesNothingMore()
}

// grace is how long a channel may be empty before its app is sent channel_vacated
// (docs/decisions/0036-checks-and-deliveries.md).
const grace = 3 * time.Second

// reloads closes the connection and joins again with a new one. It also returns the longest time
// that the user can have been away.
func reloads(
	t *testing.T, app wire.App, c client, room, user string,
) (again client, away time.Duration) {
	t.Helper()
	began := time.Now()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return vacant(t, app, room) },
		"the channel to be found empty")
	again = connectTo(t, app)
	again.enter(room, channelData(user, ""))
	again.welcomed(room)
	return again, time.Since(began)
}

// 132. A reconnect within 3 s MUST suppress vacated/removed and the following occupied/added.
func TestLine132_Reconnect(t *testing.T) {
	for range 10 {
		if reconnect(t) {
			return
		}
	}
	t.Errorf("the user was never back within %s: this machine is too slow", grace)
}

// reconnect reports whether the user was back within the grace. If not, it has tested nothing.
func reconnect(t *testing.T) bool {
	t.Helper()
	e := newEndpoint(t, nil)
	app := appWithWebhooks(t, nil, e)
	const room = "presence-room"
	c := connectTo(t, app)
	c.enter(room, channelData("7", ""))
	c.welcomed(room)
	e.receives(webhookEvent("channel_occupied", room),
		webhookEvent("member_added", room, "user_id", "7"))
	awaitChecks(t)
	c, away := reloads(t, app, c, room, "7")
	if away >= grace {
		t.Logf("the user was back after %s", away)
		return false
	}
	awaitChecks(t)
	e.receivesNothingMore()
	c.leave(room)
	e.receives(webhookEvent("channel_vacated", room),
		webhookEvent("member_removed", room, "user_id", "7"))
	e.receivesNothingMore()
	return true
}

// 133. member_added/removed per user, not per connection, user_id a string.
func TestLine133_Members(t *testing.T) {
	e := newEndpoint(t, item{"event_types": []string{"member_added", "member_removed"}})
	app := appWithWebhooks(t, nil, e)
	const room = "presence-room"
	comes := func(user string) client {
		c := connectTo(t, app)
		c.enter(room, channelData(user, ""))
		c.next(wire.SubscriptionSucceeded, room)
		return c
	}
	added := func(user string) string { return webhookEvent("member_added", room, "user_id", user) }
	removed := func(user string) string {
		return webhookEvent("member_removed", room, "user_id", user)
	}
	first, second := comes("7"), comes("7")
	e.receives(added("7"))
	other := comes(`Ann <é> 😀`)
	e.receives(added(`Ann <é> 😀`))
	first.leave(room)
	eventually(t, func() bool { return subscribersOf(t, app, room) == 2 },
		"the leave of a connection")
	awaitChecks(t)
	e.receivesNothingMore()
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	e.receives(removed("7"))
	other.leave(room)
	e.receives(removed(`Ann <é> 😀`))
	c := connectTo(t, app)
	data := `{"user_id":7}`
	c.enter(room, data)
	c.next(wire.SubscriptionSucceeded, room)
	e.receives(added("7")) // a string, though the app's server sent a number
	e.receivesNothingMore()
}

// 134. client_event data MUST be a string; user_id only on presence.
func TestLine134_ClientEvent(t *testing.T) {
	e := newEndpoint(t, item{"event_types": []string{"client_event"}})
	app := appWithWebhooks(t, nil, e)
	c := connectTo(t, app)
	const private, presence = "private-room", "presence-room"
	c.join(private)
	c.enter(presence, channelData("7", ""))
	c.welcomed(presence)
	for sent, data := range map[string]string{
		`{"n":1,"text":"<b>"}`: `{"n":1,"text":"<b>"}`, `"typing"`: `typing`, `""`: ``,
		`[1,2]`: `[1,2]`,
	} {
		fields := []string{"event", "client-typing", "data", data, "socket_id", c.SocketID}
		c.whispers(private, "client-typing", sent)
		e.receives(webhookEvent("client_event", private, fields...))
		c.whispers(presence, "client-typing", sent)
		e.receives(webhookEvent("client_event", presence, append(fields, "user_id", "7")...))
	}
	c.whispers("private-elsewhere", "client-typing", `{}`) // which is refused
	c.errs(4009)
	publishTo(t, app, wire.Event{Name: "test", Channel: private, Data: "{}"})
	c.next("test", private)
	e.receivesNothingMore()
}

// missLife is the shortest time between two announced misses of a channel.
const missLife = 5 * time.Second

// 135. cache_miss MUST be de-duplicated for simultaneous misses.
func TestLine135_CacheMiss(t *testing.T) {
	e := newEndpoint(t, item{"event_types": []string{"cache_miss"}})
	app := appWithWebhooks(t, nil, e)
	const ch, clients = "cache-price", 8
	var all []client
	for range clients {
		all = append(all, connectTo(t, app))
	}
	for _, c := range all {
		c.subscribe(ch, "")
	}
	for _, c := range all {
		c.succeeds(ch)
		c.next(wire.CacheMiss, ch)
	}
	awaitChecks(t)
	last := e.next()
	if got := string(last.Events[0]); got != webhookEvent("cache_miss", ch) {
		t.Errorf("the endpoint got %s", got)
	}
	time.Sleep(calm)
	for _, n := range e.unread() { // on a slow machine the misses may have been further apart
		if d := time.Duration(n.At-last.At) * time.Millisecond; d < missLife {
			t.Errorf("the endpoint got %s, and after %s %s", last.body, d, n.body)
		}
		last = e.next()
	}
	publishTo(t, app, wire.Event{Name: "price", Channel: ch, Data: "{}"})
	for _, c := range all {
		c.next("price", ch)
	}
	late := connectTo(t, app)
	late.join(ch)
	late.next("price", ch)
	awaitChecks(t)
	e.receivesNothingMore()
}

// 136. A non-2xx answer MUST be retried with growing delay for 5 minutes, then dropped.
//
// A dropped event goes to the queue of dead letters, from which scripts/redrive has it sent once
// more.
func TestLine136_Retries(t *testing.T) {
	ownCloud(t, retriesSpeed, nil)
	e := newEndpoint(t, nil)
	refusals := []int{500, 404, 302, 410, 0, 429, 503, 400} // 0: no answer
	attempts := make(chan webhookRequest, 100)
	e.answers(func(n webhookRequest) int { // one at a time, since all are about one channel
		attempts <- n
		return refusals[(len(attempts)-1)%len(refusals)]
	})
	app := appWithWebhooks(t, nil, e)
	c := connectTo(t, app)
	c.join("news")
	within(t, 2*hookPatience, func() bool { return waiting(t, "DeadDeliveries") == 1 },
		"the event to be a dead letter")

	first := <-attempts
	last := first
	for i, want := range []time.Duration{2, 5, 10, 20, 40, 80, 160} {
		if len(attempts) == 0 {
			t.Fatalf("there were only %d attempts", i+1)
		}
		n := <-attempts
		if delay := n.came.Sub(last.came); delay < want*time.Second/retriesSpeed {
			t.Errorf("attempt %d came after %s, want %s", i+2, delay, want*time.Second/retriesSpeed)
		}
		if string(n.body) != string(first.body) {
			t.Errorf("attempt %d is %s, the first was %s", i+2, n.body, first.body)
		}
		last = n
	}
	if len(attempts) > 0 || last.came.Sub(first.came) < 5*time.Minute/retriesSpeed {
		t.Errorf("%d attempts too many, after %s", len(attempts), last.came.Sub(first.came))
	}

	e.answers(nil)
	c.leave("news")
	e.receives(webhookEvent("channel_vacated", "news")) // a dead letter delays no other event
	t.Run("scripts/redrive", func(t *testing.T) {
		output := redrives(t, "DeadDeliveries")
		if want := "1 messages moved to " + hark.Queues["Deliveries"] + "\n"; output != want {
			t.Errorf("it printed %q, want %q", output, want)
		}
	})
	if n := e.next(); string(n.body) != string(first.body) {
		t.Errorf("the endpoint got %s, want %s", n.body, first.body)
	}
	if n := waiting(t, "DeadDeliveries"); n != 0 {
		t.Errorf("%d dead letters are left", n)
	}
	e.receivesNothingMore()
}

// 137. Filters MUST remove the event from the sent payload and the signature MUST match what is
// sent.
func TestLine137_Filters(t *testing.T) {
	all := newEndpoint(t, nil)
	ends := newEndpoint(t, item{"event_types": []string{"channel_vacated", "member_removed"}})
	prefix := newEndpoint(t, item{"filter": item{"channel_name_starts_with": "presence-"}})
	suffix := newEndpoint(t, item{"filter": item{"channel_name_ends_with": "-eu"}})
	both := newEndpoint(t, item{
		"event_types": []string{"channel_occupied"},
		"filter": item{
			"channel_name_starts_with": "presence-", "channel_name_ends_with": "-eu",
		},
	})
	none := newEndpoint(t, item{"filter": item{
		"channel_name_starts_with": "presence-eu", "channel_name_ends_with": "eu-x",
	}})
	app := appWithWebhooks(t, nil, all, ends, prefix, suffix, both, none)

	c := connectTo(t, app)
	const eu, us, room = "news-eu", "news-us", "presence-room-eu"
	c.join(eu)
	c.join(us)
	c.enter(room, channelData("7", ""))
	c.welcomed(room)
	in := []string{
		webhookEvent("channel_occupied", eu), webhookEvent("channel_occupied", us),
		webhookEvent("channel_occupied", room),
		webhookEvent("member_added", room, "user_id", "7"),
	}
	out := []string{
		webhookEvent("channel_vacated", eu), webhookEvent("channel_vacated", us),
		webhookEvent("channel_vacated", room),
		webhookEvent("member_removed", room, "user_id", "7"),
	}
	all.receives(in...)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	all.receives(out...)
	ends.receives(out...)
	prefix.receives(in[2], in[3], out[2], out[3])
	suffix.receives(in[0], in[2], in[3], out[0], out[2], out[3])
	both.receives(in[2])
	for _, e := range []*endpoint{all, ends, prefix, suffix, both, none} {
		e.receivesNothingMore()
	}
}
