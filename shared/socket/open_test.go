package socket_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hark/shared/pusher"
	"hark/shared/socket"
	"hark/shared/state"
)

// rows records the connections that are opened, or fails.
type rows struct {
	got []state.Connection
	err error
}

func (r *rows) Open(_ context.Context, app pusher.App, c state.Connection) error {
	if r.err != nil {
		return r.err
	}
	if app.ID != c.App || app.Secret == "" {
		return fmt.Errorf("of app %+v", app)
	}
	r.got = append(r.got, c)
	return nil
}

var connectedAt = time.UnixMilli(1795521600005)

func handshake(key string) pusher.Handshake {
	return pusher.Handshake{
		Connection: connection, Key: key, Secret: "s3cret", ConnectedAt: connectedAt,
	}
}

func opener(a apps, r *rows, s *gateway) (*socket.Opener, func() string) {
	log, text := logged()
	return &socket.Opener{
		Apps: a, Registry: r, Gateway: s, Secret: "s3cret", Activity: 120 * time.Second, Log: log,
	}, text.String
}

// Checklist 2 to 6.
func TestOpenGreets(t *testing.T) {
	r, s := &rows{}, &gateway{}
	o, _ := opener(only(app()), r, s)
	greet, err := o.Open(t.Context(), handshake(app().Key))
	if err != nil {
		t.Fatal(err)
	}
	want := []state.Connection{{ID: connection, App: "3", ConnectedAt: connectedAt}}
	if diff := cmp.Diff(want, r.got); diff != "" {
		t.Errorf("rows: %s", diff)
	}
	s.wasSent(t) // nothing before the handshake has been answered
	greet(t.Context())
	s.wasSent(t,
		`{"event":"pusher:connection_established",`+
			`"data":"{\"socket_id\":\"3406002205374135415.139804\",\"activity_timeout\":120}"}`)
}

// 4 and 5: an app may have another silence than the stack, but never none, at which pusher-js would
// stop for good.
func TestOpenSendsTheAppsActivityTimeout(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: `120`, 30 * time.Second: `30`, 90500 * time.Millisecond: `90`,
		500 * time.Millisecond: `120`, -time.Second: `120`,
	} {
		t.Run(d.String(), func(t *testing.T) {
			s := &gateway{}
			o, _ := opener(only(app(func(s *pusher.Settings) {
				s.ActivityTimeout = d
			})), &rows{}, s)
			greet, err := o.Open(t.Context(), handshake(app().Key))
			if err != nil {
				t.Fatal(err)
			}
			greet(t.Context())
			if len(s.got) != 1 || !strings.Contains(s.got[0], `\"activity_timeout\":`+want+`}`) {
				t.Errorf("got %q, want %s s", s.got, want)
			}
		})
	}
}

// 12 and 28.
func TestOpenAcceptsThePagesOfAllowedOrigins(t *testing.T) {
	for _, c := range []struct{ name, pattern, origin string }{
		{"a subdomain", "*.example.com", "https://shop.example.com"},
		{"scheme and port do not matter", "localhost", "http://localhost:5173"},
		{"every page", "*", "https://example.org"},
		{"every page, and a client without an origin", "*", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &rows{}
			o, _ := opener(only(app(func(s *pusher.Settings) {
				s.AllowedOrigins = []string{c.pattern}
			})), r, &gateway{})
			h := handshake(app().Key)
			h.Origin = c.origin
			if _, err := o.Open(t.Context(), h); err != nil || len(r.got) != 1 {
				t.Errorf("rows %+v, %v", r.got, err)
			}
		})
	}
}

// openCase is a handshake of a client that is refused.
type openCase struct {
	name   string
	apps   apps
	rows   rows
	key    string
	origin string
	code   int
	says   string
}

func (c openCase) check(t *testing.T) {
	t.Helper()
	s := &gateway{}
	o, log := opener(c.apps, &c.rows, s)
	h := handshake(c.key)
	h.Origin = c.origin
	greet, err := o.Open(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	greet(t.Context())
	if len(s.got) != 2 || s.got[1] != "closed" || len(s.got[0]) > 300 {
		t.Fatalf("got %q", s.got)
	}
	errorFrame(t, s.got[0], c.code)
	if !strings.Contains(s.got[0], c.says) {
		t.Errorf("got %s, want it to say %q", s.got[0], c.says)
	}
	if len(c.rows.got) != 0 {
		t.Errorf("rows %+v", c.rows.got)
	}
	if (c.code == 4200) != strings.Contains(log(), "inner-text") {
		t.Errorf("log: %s", log())
	}
}

// The numbers are those of docs/protocol.md §9: such a client is accepted, sent an error, and
// closed.
func TestOpenRefusesKeysAndApps(t *testing.T) {
	off := only(app(func(s *pusher.Settings) { s.Disabled = true }))
	full := fmt.Errorf("open: %w", pusher.Errorf(pusher.CodeQuota,
		"Application is over connection quota: 5 of 5 connections are open"))
	for _, c := range []openCase{
		{"9 an unknown key", only(app()), rows{}, "unknown", "", 4001, "unknown"},
		{"9 no key", only(app()), rows{}, "", "", 4001, "does not exist"},
		{"9 the app's ID for its key", only(app()), rows{}, "3", "", 4001, "does not exist"},
		{
			"9 a key of characters that no key has", only(app()),
			rows{},
			"a b#c\"\xff\x00\u2028",
			"", 4001, "does not exist",
		},
		{
			"9 a key without end",
			apps{},
			rows{},
			strings.Repeat("x", 10<<10), "", 4001,
			"does not exist",
		},
		{"10 a disabled app", off, rows{}, app().Key, "", 4003, "disabled"},
		{
			"11 over the app's maximum of connections", only(app()),
			rows{err: full},
			app().Key, "",
			4004, "5 of 5",
		},
	} {
		t.Run(c.name, c.check)
	}
}

// The numbers are those of docs/protocol.md §9.
func TestOpenRefusesOrigins(t *testing.T) {
	picky := only(app(func(s *pusher.Settings) {
		s.AllowedOrigins = []string{"*.example.com", "localhost"}
	}))
	for _, c := range []openCase{
		{
			"12 a page of another host", picky,
			rows{},
			app().Key, "https://example.org", 4009,
			"Origin not allowed",
		},
		{
			"12 and 28 the host of which only subdomains may", picky,
			rows{},
			app().Key,
			"https://example.com", 4009, "Origin not allowed",
		},
		{
			"12 no origin, where not everybody may", picky,
			rows{},
			app().Key, "", 4009,
			"Origin not allowed",
		},
		{"12 an origin that is none", picky, rows{}, app().Key, "null", 4009, "Origin not allowed"},
	} {
		t.Run(c.name, c.check)
	}
}

// The numbers are those of docs/protocol.md §9.
func TestOpenAsksToReconnectAfterAnInternalError(t *testing.T) {
	broken := errors.New("inner-text of the table")
	for _, c := range []openCase{
		{
			"14 apps that cannot be read",
			apps{err: broken},
			rows{},
			app().Key, "", 4200,
			"reconnect",
		},
		{
			"14 a row that cannot be written", only(app()),
			rows{err: broken},
			app().Key, "", 4200,
			"reconnect",
		},
	} {
		t.Run(c.name, c.check)
	}
}

func TestOpenForbidsWhatDidNotComeThroughTheDistribution(t *testing.T) {
	for name, secret := range map[string]string{
		"no secret": "", "another": "secret", "a longer one": "s3cret!", "another case": "S3CRET",
	} {
		t.Run(name, func(t *testing.T) {
			r, s := &rows{}, &gateway{}
			o, _ := opener(only(app()), r, s)
			h := handshake(app().Key)
			h.Secret = secret
			if _, err := o.Open(t.Context(), h); !errors.Is(err, socket.ErrForbidden) {
				t.Errorf("got %v", err)
			}
			if len(r.got)+len(s.got) != 0 {
				t.Errorf("rows %+v, frames %q", r.got, s.got)
			}
		})
	}
}

// greeting opens a connection in a bubble whose clock is the greeting's, and returns when posts
// were made.
func greeting(
	t *testing.T, a apps, send func(n int) error,
) (s *gateway, at []time.Duration, took time.Duration, log string) {
	t.Helper()
	s = &gateway{}
	o, text := opener(a, &rows{}, s)
	greet, err := o.Open(t.Context(), handshake(app().Key))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	s.send = func(n int) error {
		at = append(at, time.Since(began))
		return send(n)
	}
	greet(t.Context())
	return s, at, time.Since(began), text()
}

// Until the answer to $connect has reached it, the gateway says that the connection is not there
// (docs/aws.md §A2).
func TestGreetingIsTriedUntilTheConnectionIsThere(t *testing.T) {
	known := only(app())
	t.Run("there at the fourth try", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, at, took, _ := greeting(t, known, func(n int) error {
				if n < 4 {
					return state.ErrGone
				}
				return nil
			})
			if len(s.got) != 1 || took != 35*time.Millisecond || at[1] != 5*time.Millisecond {
				t.Errorf("got %q in %s, posts at %v", s.got, took, at)
			}
		})
	})
	for name, why := range map[string]error{
		"never there": state.ErrGone, "never taken": state.ErrBusy,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, at, took, log := greeting(t, known, func(int) error { return why })
				if len(s.got) != 0 || took != 3*time.Second {
					t.Errorf("got %q in %s", s.got, took)
				}
				for i := 1; i < len(at); i++ {
					if pause := at[i] - at[i-1]; pause > 200*time.Millisecond {
						t.Errorf("pause of %s", pause)
					}
				}
				if !strings.Contains(log, "connection not greeted") {
					t.Errorf("log: %s", log)
				}
			})
		})
	}
	t.Run("another error is not tried again", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, at, took, log := greeting(t, known, func(int) error { return errors.New("403") })
			if len(at) != 1 || took != 0 || !strings.Contains(log, "connection not greeted") {
				t.Errorf("posts at %v, log %s", at, log)
			}
		})
	})
}

// A client that is refused is sent the error before it is closed.
func TestGreetingOfARefusedClient(t *testing.T) {
	t.Run("is sent the error as soon as it can be", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, _, _, _ := greeting(t, apps{}, func(n int) error {
				if n == 1 {
					return state.ErrGone
				}
				return nil
			})
			if len(s.got) != 2 || s.got[1] != "closed" {
				t.Errorf("got %q", s.got)
			}
		})
	})
	for name, err := range map[string]error{
		"is busy": state.ErrBusy, "cannot be posted to": errors.New("403"),
	} {
		t.Run("is closed without the error if it "+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, _, _, _ := greeting(t, apps{}, func(int) error { return err })
				s.wasSent(t, "closed")
			})
		})
	}
	t.Run("is not closed if it is never there", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, _, _, _ := greeting(t, apps{}, func(int) error { return state.ErrGone })
			s.wasSent(t)
		})
	})
}

func TestOpenLogsThatARefusedConnectionStaysOpen(t *testing.T) {
	s := &gateway{closeErr: errors.New("429")}
	o, log := opener(apps{}, &rows{}, s)
	greet, err := o.Open(t.Context(), handshake("x"))
	if err != nil {
		t.Fatal(err)
	}
	greet(t.Context())
	if !strings.Contains(log(), "refused connection not closed") {
		t.Errorf("log: %s", log())
	}
}
