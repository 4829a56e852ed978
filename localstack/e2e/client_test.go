package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"hark/localstack/e2e/wire"
)

// client is a connection to an app. Its failures fail its test.
type client struct {
	*wire.Conn
	app wire.App
	t   *testing.T
}

// dial opens a connection, which is closed when the test ends. It reads no frame.
func dial(t *testing.T, app wire.App, query string) client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := wire.Dial(ctx, hark.URL, "/app/"+app.Key+query)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // the test may have closed it
	return client{c, app, t}
}

// connectTo opens a connection as pusher-js does and reads its greeting.
func connectTo(t *testing.T, app wire.App) client {
	t.Helper()
	c := dial(t, app, "?protocol=7&client=js&version=8.6.0&flash=false")
	c.greeted()
	return c
}

// connect opens a connection to the app of all tests.
func connect(t *testing.T) client {
	t.Helper()
	return connectTo(t, hark.App)
}

// subscriber connects and subscribes to the channels, to private ones with a valid signature.
func subscriber(t *testing.T, channels ...string) client {
	t.Helper()
	c := connect(t)
	for _, ch := range channels {
		c.join(ch)
	}
	return c
}

func (c client) greeted() {
	c.t.Helper()
	if _, err := c.Greeting(patience); err != nil {
		c.t.Fatal(err)
	}
}

// auth is the app's answer for the channel.
func (c client) auth(channel string) string { return c.app.Auth(c.SocketID, channel, "") }

// join subscribes to a channel that is neither a presence nor a cache channel.
func (c client) join(channel string) {
	c.t.Helper()
	c.subscribe(channel, c.auth(channel))
	c.succeeds(channel)
}

func (c client) subscribe(channel, auth string) {
	c.t.Helper()
	if err := c.Subscribe(channel, auth); err != nil {
		c.t.Fatal(err)
	}
}

// leave unsubscribes. The server does not answer.
func (c client) leave(channel string) {
	c.t.Helper()
	if err := c.Unsubscribe(channel); err != nil {
		c.t.Fatal(err)
	}
}

// awaitLeave waits until an unsubscribe, which the server does not answer, has been carried out and
// n subscribers are left.
func (c client) awaitLeave(channel string, n int) {
	c.t.Helper()
	c.quiet()
	if hark.Local() {
		eventually(c.t, func() bool { return subscribers(c.t, channel) == n },
			"the unsubscribe of "+channel)
	}
}

func (c client) send(text string) {
	c.t.Helper()
	if err := c.Send(text); err != nil {
		c.t.Fatal(err)
	}
}

// sendEvent sends a frame with the event and its data as an object.
func (c client) sendEvent(event string, data any) {
	c.t.Helper()
	if err := c.SendEvent(event, data); err != nil {
		c.t.Fatal(err)
	}
}

// next returns the next frame, which must be this event of this channel.
func (c client) next(event, channel string) wire.Frame {
	c.t.Helper()
	f, err := c.Next(patience)
	if err != nil {
		c.t.Fatalf("waiting for %s of %q: %v", event, channel, err)
	}
	if f.Event != event || f.Channel != channel {
		c.t.Fatalf("got %s, want %s of %q", f.Raw, event, channel)
	}
	return f
}

func (c client) succeeds(channel string) {
	c.t.Helper()
	if f := c.next(wire.SubscriptionSucceeded, channel); f.Data != "{}" {
		c.t.Errorf("success of %s: data %q, want {}", channel, f.Data)
	}
}

// errs reads a pusher:error with the code, and returns its message.
func (c client) errs(code int) (message string) {
	c.t.Helper()
	f := c.next(wire.Error, "")
	d, err := f.ErrorData()
	if err != nil {
		c.t.Fatal(err)
	}
	if d.Code != code {
		c.t.Errorf("got %s, want code %d", f.Raw, code)
	}
	return d.Message
}

// refusal is the data of a pusher:subscription_error: soketi's shape (docs/protocol.md §3.5).
type refusal struct {
	Type   string `json:"type"`
	Error  string `json:"error"`
	Status int    `json:"status"`
}

// refused reads the answer to a refused subscribe: pusher:error 4009 and the frame that calls
// Echo's .error(), in either order (docs/protocol.md §3.5).
func (c client) refused(channel string) refusal {
	c.t.Helper()
	seen := map[string]wire.Frame{}
	for range 2 {
		f, err := c.Next(patience)
		if err != nil {
			c.t.Fatalf("waiting for the refusal of %q, got %v so far: %v", channel, seen, err)
		}
		seen[f.Event] = f
	}
	d, err := seen[wire.Error].ErrorData()
	if err != nil || d.Code != 4009 {
		c.t.Errorf("refusal of %q: got %s (%v), want pusher:error 4009", channel,
			seen[wire.Error].Raw, err)
	}
	frame := seen[wire.SubscriptionError]
	var r refusal
	if err := json.Unmarshal([]byte(frame.Data), &r); err != nil {
		c.t.Fatalf("refusal of %q: got %v, want a pusher:subscription_error", channel, seen)
	}
	if frame.Channel != channel || r.Type == "" || r.Error == "" || r.Status == 0 {
		c.t.Errorf("got %s, want channel %q and a type, an error and a status", frame.Raw, channel)
	}
	return r
}

// pings sends a ping and reads its pong, which shows that the connection is open and served.
func (c client) pings() {
	c.t.Helper()
	c.send(`{"event":"pusher:ping","data":{}}`)
	if f := c.next(wire.Pong, ""); f.Data != "{}" {
		c.t.Errorf("pong: data %q, want {}", f.Data)
	}
}

// quiet fails if a frame comes.
func (c client) quiet() {
	c.t.Helper()
	f, err := c.Next(calm)
	if !errors.Is(err, wire.ErrQuiet) {
		c.t.Fatalf("got %s (%v), want nothing", f.Raw, err)
	}
}

// ends fails unless the connection ends without another frame.
func (c client) ends() {
	c.t.Helper()
	f, err := c.Next(patience)
	if _, ok := errors.AsType[*wire.ClosedError](err); !ok {
		c.t.Fatalf("got %s (%v), want the end of the connection", f.Raw, err)
	}
}

// isClosed reads until the connection ends. An error before that may give the reason.
func (c client) isClosed() {
	c.t.Helper()
	for {
		f, err := c.Next(patience)
		if _, ok := errors.AsType[*wire.ClosedError](err); ok {
			return
		}
		if err != nil || f.Event == wire.Pong {
			c.t.Fatalf("got %s (%v), want the end of the connection", f.Raw, err)
		}
	}
}

// receives publishes an event to the channel and reads it at the client, which shows that the
// subscription works.
func (c client) receives(channel string) {
	c.t.Helper()
	publishTo(c.t, c.app, wire.Event{Name: "test", Channel: channel, Data: `{"n":1}`})
	if f := c.next("test", channel); f.Data != `{"n":1}` {
		c.t.Errorf("got %s, want the data as it was published", f.Raw)
	}
}

// receivesNothing publishes an event to the channel, which the client must not receive. An event
// that is published later on another channel must arrive alone.
func (c client) receivesNothing(channel string) {
	c.t.Helper()
	other := unique("other-")
	c.join(other)
	publishTo(c.t, c.app, wire.Event{Name: "test", Channel: channel, Data: `{}`})
	c.receives(other)
	c.quiet()
}

// settles reads the successes of several subscribes to one channel and a pong, until no frame has
// come for the given time. The number of successes is not promised; there must be at least one.
func (c client) settles(channel string, silence time.Duration) {
	c.t.Helper()
	c.send(`{"event":"pusher:ping","data":{}}`)
	for successes, pongs := 0, 0; ; {
		within := silence
		if successes == 0 || pongs == 0 {
			within = patience
		}
		f, err := c.Next(within)
		switch {
		case errors.Is(err, wire.ErrQuiet) && within == silence:
			return
		case err == nil && f.Event == wire.Pong:
			pongs++
		case err == nil && f.Event == wire.SubscriptionSucceeded && f.Channel == channel:
			successes++
		default:
			c.t.Fatalf("got %s (%v), want successes of %s and a pong only", f.Raw, err, channel)
		}
	}
}

// keys returns the names in a JSON object, in alphabetical order, separated by spaces.
func keys(t *testing.T, object []byte) string {
	t.Helper()
	var all map[string]json.RawMessage
	if err := json.Unmarshal(object, &all); err != nil {
		t.Fatalf("%s is not a JSON object: %v", object, err)
	}
	return strings.Join(sorted(all), " ")
}
