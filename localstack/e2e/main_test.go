package e2e_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hark/localstack/e2e/target"
	"hark/localstack/e2e/wire"
)

// patience is how long a test waits for what must come. Nothing is measured with it: a cold start on a busy machine fits.
const patience = 15 * time.Second

// calm is how long a test listens for what must not come, after something sent later has come.
const calm = 300 * time.Millisecond

// hark is what all tests of the package run against; TestMain opens it.
var hark *target.Target

var names atomic.Int64

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	log := io.Discard
	if testing.Verbose() {
		log = os.Stderr
	}
	var err error
	if hark, err = target.Open(context.Background(), target.Options{Getenv: os.Getenv, Log: log}); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	code := m.Run()
	if err := hark.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	return code
}

// channel returns a channel name that no other test uses, not even one of another run against the same deployment.
func channel(prefix string) string {
	return fmt.Sprintf("%s%d-%d", prefix, time.Now().UnixMilli(), names.Add(1))
}

func api() wire.API { return wire.API{Base: hark.APIURL, App: hark.App} }

// client is a connection whose failures fail its test.
type client struct {
	*wire.Conn
	t *testing.T
}

// dial opens a connection, which the test's end closes. It reads nothing.
func dial(t *testing.T, path string) client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := wire.Dial(ctx, hark.URL, path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // the test may have closed it
	return client{c, t}
}

// connect opens a connection as pusher-js does and reads its greeting.
func connect(t *testing.T) client {
	t.Helper()
	c := dial(t, "/app/"+hark.App.Key+"?protocol=7&client=js&version=8.6.0&flash=false")
	if _, err := c.Greeting(patience); err != nil {
		t.Fatal(err)
	}
	return c
}

// subscriber is connected and subscribed to the channels, private ones with a right signature.
func subscriber(t *testing.T, channels ...string) client {
	t.Helper()
	c := connect(t)
	for _, ch := range channels {
		c.join(ch)
	}
	return c
}

func (c client) join(channel string) {
	c.t.Helper()
	c.subscribe(channel, hark.App.Auth(c.SocketID, channel, ""))
	c.succeeds(channel)
}

func (c client) subscribe(channel, auth string) {
	c.t.Helper()
	if err := c.Subscribe(channel, auth); err != nil {
		c.t.Fatal(err)
	}
}

func (c client) send(text string) {
	c.t.Helper()
	if err := c.Send(text); err != nil {
		c.t.Fatal(err)
	}
}

// next returns the next frame, which must have the event and the channel.
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

// errs reads a pusher:error with the code.
func (c client) errs(code int) {
	c.t.Helper()
	f := c.next(wire.Error, "")
	d, err := f.ErrorData()
	if err != nil {
		c.t.Fatal(err)
	}
	if d.Code != code {
		c.t.Errorf("got %s, want code %d", f.Raw, code)
	}
}

// refused reads what a refused subscribe answers: pusher:error 4009 and the frame that Echo's .error() hears, in either
// order (protocol.md §3.5).
func (c client) refused(channel string) {
	c.t.Helper()
	seen := map[string]string{}
	for range 2 {
		f, err := c.Next(patience)
		if err != nil {
			c.t.Fatalf("waiting for the refusal of %q, got %v so far: %v", channel, seen, err)
		}
		seen[f.Event] = f.Data
		if f.Event == wire.SubscriptionError && f.Channel != channel {
			c.t.Errorf("got %s, want channel %q", f.Raw, channel)
		}
	}
	if !strings.Contains(seen[wire.Error], "4009") || seen[wire.SubscriptionError] == "" {
		c.t.Fatalf("refusal of %q: got %v, want pusher:error 4009 and pusher:subscription_error", channel, seen)
	}
	for _, key := range []string{`"type"`, `"error"`, `"status"`} {
		if !strings.Contains(seen[wire.SubscriptionError], key) {
			c.t.Errorf("subscription_error of %q has no %s: %s", channel, key, seen[wire.SubscriptionError])
		}
	}
}

// pings sends a ping and reads its pong: the connection is open and served.
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

// ends reads nothing more but the end of the connection.
func (c client) ends() {
	c.t.Helper()
	f, err := c.Next(patience)
	if _, ok := errors.AsType[*wire.ClosedError](err); !ok {
		c.t.Fatalf("got %s (%v), want the end of the connection", f.Raw, err)
	}
}

// publish sends the event, which must be accepted with 200 and {} (protocol.md §5.2).
func publish(t *testing.T, e wire.Event) {
	t.Helper()
	a, err := api().Publish(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	if a.Status != 200 || a.Body != "{}" {
		t.Fatalf("publish %.200v: got %d %s, want 200 {}", e, a.Status, a.Body)
	}
}

// hears publishes an event to the channel and reads it at the client: the subscription works.
func (c client) hears(channel string) {
	c.t.Helper()
	publish(c.t, wire.Event{Name: "test", Channel: channel, Data: `{"n":1}`})
	if f := c.next("test", channel); f.Data != `{"n":1}` {
		c.t.Errorf("got %s, want the data as it was published", f.Raw)
	}
}

// deaf publishes an event to the channel, which the client must not hear: it hears one on another channel, published
// later.
func (c client) deaf(channelName string) {
	c.t.Helper()
	other := channel("other-")
	c.join(other)
	publish(c.t, wire.Event{Name: "test", Channel: channelName, Data: `{}`})
	c.hears(other)
	c.quiet()
}

// local skips a test that looks behind the scenes, which only a local cloud allows.
func local(t *testing.T) {
	t.Helper()
	if !hark.Local() {
		t.Skip("looks into the local cloud, and HARK_URL names a deployment")
	}
}
