package e2e_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"testing"
	"time"

	"hark/localstack/e2e/wire"
)

// Lines 1 to 14 of the checklist (docs/protocol.md §9): how a connection begins.

// 1. MUST accept `GET /app/{key}` upgrade with any order of, or no, query parameters.
func TestLine1_AnyQuery(t *testing.T) {
	for _, tc := range []struct{ name, query string }{
		{"the query of pusher-js", "?protocol=7&client=js&version=8.6.0&flash=false"},
		{
			"the query of the Swift client, in another order",
			"?client=swift&version=10.1.5&protocol=7",
		},
		{"no query at all", ""},
		{"an old protocol", "?protocol=5"},
		{"unknown parameters", "?app=other&x=%26%3D&x=2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := dial(t, hark.App, tc.query)
			c.greeted()
			c.pings()
		})
	}
}

// 2. MUST send `pusher:connection_established` as the first frame.
func TestLine2_FirstFrame(t *testing.T) {
	dial(t, hark.App, "").next(wire.Established, "")
}

// greeting returns the decoded data of the first frame.
func greeting(t *testing.T, app wire.App) map[string]any {
	t.Helper()
	// next requires that the data is a string
	f := dial(t, app, "?protocol=7").next(wire.Established, "")
	var data map[string]any
	dec := json.NewDecoder(bytes.NewReader([]byte(f.Data)))
	dec.UseNumber()
	if err := dec.Decode(&data); err != nil {
		t.Fatalf("data of %s: %v", f.Raw, err)
	}
	return data
}

// 3. Its `data` MUST be a JSON string holding `socket_id` and `activity_timeout`.
func TestLine3_GreetingData(t *testing.T) {
	data := greeting(t, hark.App)
	if _, ok := data["socket_id"].(string); !ok || data["activity_timeout"] == nil {
		t.Errorf("got %v", data)
	}
}

// 4. `activity_timeout` MUST be a positive integer in seconds.
func TestLine4_ActivityTimeout(t *testing.T) {
	n, ok := greeting(t, hark.App)["activity_timeout"].(json.Number)
	if seconds, err := n.Int64(); !ok || err != nil || seconds <= 0 {
		t.Errorf("got %v", n)
	}
}

// 5. `activity_timeout` SHOULD default to the app's Reverb setting (30) and be configurable up to
// 120.
//
// Hark's default is 120: each ping costs a function call (docs/decisions/0024-activity-timeout.md).
func TestLine5_ActivityTimeoutOfTheApp(t *testing.T) {
	t.Run("120 by default", func(t *testing.T) {
		if got := greeting(t, hark.App)["activity_timeout"]; got != json.Number("120") {
			t.Errorf("got %v", got)
		}
	})
	for _, seconds := range []int{30, 120} {
		t.Run(fmt.Sprintf("%d where the app wants it", seconds), func(t *testing.T) {
			app := newApp(t, item{"activity_timeout": seconds})
			got := greeting(t, app)["activity_timeout"]
			if got != json.Number(fmt.Sprint(seconds)) {
				t.Errorf("got %v", got)
			}
		})
	}
}

// 6. `socket_id` MUST match `^\d+\.\d+$`.
func TestLine6_SocketID(t *testing.T) {
	if id := connect(t).SocketID; !regexp.MustCompile(`\A\d+\.\d+\z`).MatchString(id) {
		t.Errorf("got %q", id)
	}
}

// 7. `socket_id` MUST differ between any two live connections of one app.
func TestLine7_SocketIDsDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 20 {
		c := connect(t)
		if seen[c.SocketID] {
			t.Fatalf("socket_id %s came twice", c.SocketID)
		}
		seen[c.SocketID] = true
	}
}

// 8. First frame SHOULD arrive within 1 s of the upgrade, MUST within 10 s.
//
// The benchmark measures how fast it is. The machine of this test may be busy.
func TestLine8_FirstFrameInTime(t *testing.T) {
	c := dial(t, hark.App, "")
	if _, err := c.Greeting(10 * time.Second); err != nil {
		t.Error(err)
	}
	c.quiet() // nothing else comes by itself
}

// 9. Unknown key: MUST accept the upgrade, send only `pusher:error` 4001, then close.
func TestLine9_UnknownKey(t *testing.T) {
	// dial would fail if the upgrade were not accepted
	c := dial(t, wire.App{Key: "no-such-key"}, "?protocol=7")
	c.errs(4001)
	c.ends()
}

// 10. Disabled app: same with 4003.
func TestLine10_DisabledApp(t *testing.T) {
	c := dial(t, newApp(t, item{"enabled": false}), "")
	c.errs(4003)
	c.ends()
}

// 11. Over connection limit: same with 4004.
func TestLine11_TooManyConnections(t *testing.T) {
	app := newApp(t, item{"max_connections": 2})
	first := connectTo(t, app)
	second := connectTo(t, app)
	third := dial(t, app, "")
	third.errs(4004)
	third.ends()
	second.pings()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool {
		c := dial(t, app, "")
		f, err := c.Next(patience)
		return err == nil && f.Event == wire.Established
	}, "room for a new connection after one has closed")
}

// from connects as a page of that Origin does.
func from(t *testing.T, origin string, app wire.App) client {
	t.Helper()
	c, err := wire.DialFrom(t.Context(), origin, hark.URL, "/app/"+app.Key+"?protocol=7")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // the server may have closed it
	return client{c, app, t}
}

// 12. Disallowed origin: same with 4009.
func TestLine12_DisallowedOrigin(t *testing.T) {
	app := newApp(t, item{"allowed_origins": []string{"example.com"}})
	t.Run("a page of another host", func(t *testing.T) {
		c := from(t, "https://example.org", app)
		c.errs(4009)
		c.ends()
	})
	t.Run("a client that names no origin", func(t *testing.T) {
		c := dial(t, app, "")
		c.errs(4009)
		c.ends()
	})
	t.Run("a page of the host is admitted",
		func(t *testing.T) { from(t, "https://example.com", app).greeted() })
	t.Run("an app without the setting admits every origin",
		func(t *testing.T) { from(t, "https://example.org", hark.App).greeted() })
}

// 13. Every `pusher:error` sent as first frame MUST carry a numeric code >= 4000.
func TestLine13_CodeOfTheFirstError(t *testing.T) {
	check := func(t *testing.T, c client) {
		t.Helper()
		f, err := c.Next(patience)
		if err != nil {
			t.Fatal(err)
		}
		// Compared as bytes: a code that is null leaves pusher-js hanging in "connecting"
		// (docs/protocol.md §1.6).
		if !regexp.MustCompile(`"data":\{"code":4\d\d\d,"message":"[^"]`).Match(f.Raw) {
			t.Errorf("got %s", f.Raw)
		}
	}
	t.Run("unknown key", func(t *testing.T) { check(t, dial(t, wire.App{Key: "no-such-key"}, "")) })
	t.Run("disabled app",
		func(t *testing.T) { check(t, dial(t, newApp(t, item{"enabled": false}), "")) })
	t.Run("too many connections", func(t *testing.T) {
		app := newApp(t, item{"max_connections": 1})
		connectTo(t, app)
		check(t, dial(t, app, ""))
	})
	t.Run("another origin", func(t *testing.T) {
		app := newApp(t, item{"allowed_origins": []string{"example.com"}})
		check(t, from(t, "https://example.org", app))
	})
	t.Run("a fault of ours", func(t *testing.T) {
		breaks(t,
			fault{"do": "answer", "service": "dynamodb", "function": "connect", "status": 500})
		check(t, dial(t, hark.App, ""))
	})
}

// 14. Transient faults at connect MUST use 4100..4299, never 4001..4099 nor 43xx.
func TestLine14_TransientFaults(t *testing.T) {
	for _, status := range []int{429, 500} {
		t.Run(fmt.Sprintf("a table that answers %d", status), func(t *testing.T) {
			mend := breaks(t, fault{
				"do": "answer", "service": "dynamodb", "function": "connect", "status": status,
			})
			c := dial(t, hark.App, "")
			f := c.next(wire.Error, "")
			d, err := f.ErrorData()
			if err != nil || d.Code < 4100 || d.Code > 4299 {
				t.Errorf("got %s (%v), want a code from 4100 to 4299", f.Raw, err)
			}
			c.ends()
			mend()
			connect(t).pings()
		})
	}
}

func TestOtherPathsOpenNoWebSocket(t *testing.T) {
	for _, path := range []string{"/", "/app/", "/app/" + hark.App.Key + "/more", "/apps"} {
		t.Run("no socket at "+path, func(t *testing.T) {
			c, err := wire.Dial(t.Context(), hark.URL, path)
			if err == nil {
				t.Error(errors.Join(errors.New("the upgrade was accepted"), c.Close()))
			}
		})
	}
}
