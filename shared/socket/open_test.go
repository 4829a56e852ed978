package socket_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hark/shared/pusher"
	"hark/shared/socket"
)

// rows notes the connections that are opened, or fails.
type rows struct {
	got []pusher.Connection
	err error
}

func (r *rows) Open(_ context.Context, c pusher.Connection) error {
	if r.err != nil {
		return r.err
	}
	r.got = append(r.got, c)
	return nil
}

var connectedAt = time.UnixMilli(1795521600005)

func handshake(key string) pusher.Handshake {
	return pusher.Handshake{Connection: connection, Key: key, Secret: "s3cret", ConnectedAt: connectedAt}
}

func opener(a apps, r *rows, s *sender) (*socket.Opener, func() string) {
	log, text := logged()
	return &socket.Opener{
		Apps: a, Connections: r, Sender: s, Secret: "s3cret", Activity: 120 * time.Second, Log: log,
	}, text.String
}

// Checklist 2 to 6.
func TestOpenGreets(t *testing.T) {
	r, s := &rows{}, &sender{}
	o, _ := opener(apps{all: []pusher.App{app()}}, r, s)
	greet, err := o.Open(t.Context(), handshake(app().Key))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.got) != 1 || r.got[0].ID != connection || r.got[0].App != "3" || !r.got[0].ConnectedAt.Equal(connectedAt) {
		t.Errorf("rows %+v", r.got)
	}
	s.has(t) // nothing before the handshake has been answered
	greet(t.Context())
	s.has(t, `{"event":"pusher:connection_established","data":"{\"socket_id\":\"3406002205374135415.139804\",\"activity_timeout\":120}"}`)
}

// The numbers are those of protocol.md §9: such a client is accepted, told, and closed.
func TestOpenTurnsAway(t *testing.T) {
	broken := errors.New("inner-text of the table")
	off := app()
	off.Disabled = true
	for _, c := range []struct {
		name string
		apps apps
		rows rows
		key  string
		code int
	}{
		{"9 an unknown key", apps{all: []pusher.App{app()}}, rows{}, "unknown", 4001},
		{"9 no key", apps{all: []pusher.App{app()}}, rows{}, "", 4001},
		{"9 the app's ID for its key", apps{all: []pusher.App{app()}}, rows{}, "3", 4001},
		{"9 a key without end", apps{}, rows{}, strings.Repeat("x", 10<<10), 4001},
		{"10 a disabled app", apps{all: []pusher.App{off}}, rows{}, app().Key, 4003},
		{"14 apps that cannot be read", apps{err: broken}, rows{}, app().Key, 4200},
		{"14 a row that cannot be written", apps{all: []pusher.App{app()}}, rows{err: broken}, app().Key, 4200},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &sender{}
			o, log := opener(c.apps, &c.rows, s)
			greet, err := o.Open(t.Context(), handshake(c.key))
			if err != nil {
				t.Fatal(err)
			}
			greet(t.Context())
			if len(s.got) != 2 || s.got[1] != "closed" || len(s.got[0]) > 300 {
				t.Fatalf("got %q", s.got)
			}
			errorFrame(t, s.got[0], c.code)
			if len(c.rows.got) != 0 {
				t.Errorf("rows %+v", c.rows.got)
			}
			if (c.code == 4200) != strings.Contains(log(), "inner-text") {
				t.Errorf("log: %s", log())
			}
		})
	}
}

func TestOpenForbidsWhatDidNotComeThroughTheDistribution(t *testing.T) {
	for name, secret := range map[string]string{"no secret": "", "another": "secret", "a longer one": "s3cret!", "another case": "S3CRET"} {
		t.Run(name, func(t *testing.T) {
			r, s := &rows{}, &sender{}
			o, _ := opener(apps{all: []pusher.App{app()}}, r, s)
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

// greeting opens a connection in a bubble whose clock is the greeting's, and returns when posts were made.
func greeting(t *testing.T, a apps, send func(n int) error) (s *sender, at []time.Duration, took time.Duration, log string) {
	t.Helper()
	s = &sender{}
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

// Until the answer to $connect has reached it, the gateway says that the connection is not there (aws-facts.md §A2).
func TestGreetingIsTriedUntilTheConnectionIsThere(t *testing.T) {
	known := apps{all: []pusher.App{app()}}
	t.Run("there at the fourth try", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, at, took, _ := greeting(t, known, func(n int) error {
				if n < 4 {
					return pusher.ErrGone
				}
				return nil
			})
			if len(s.got) != 1 || took != 35*time.Millisecond || at[1] != 5*time.Millisecond {
				t.Errorf("got %q in %s, posts at %v", s.got, took, at)
			}
		})
	})
	for name, why := range map[string]error{"never there": pusher.ErrGone, "never taken": pusher.ErrBusy} {
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
	t.Run("a fault of ours is not repeated", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, at, took, log := greeting(t, known, func(int) error { return errors.New("403") })
			if len(at) != 1 || took != 0 || !strings.Contains(log, "connection not greeted") {
				t.Errorf("posts at %v, log %s", at, log)
			}
		})
	})
	t.Run("a client that is turned away is not closed before it was told", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, _, _, _ := greeting(t, apps{}, func(n int) error {
				if n == 1 {
					return pusher.ErrGone
				}
				return nil
			})
			if len(s.got) != 2 || s.got[1] != "closed" {
				t.Errorf("got %q", s.got)
			}
		})
	})
	t.Run("nor at all, if it is never there", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, _, _, _ := greeting(t, apps{}, func(int) error { return pusher.ErrGone })
			s.has(t)
		})
	})
}

func TestOpenLogsThatARefusedConnectionStaysOpen(t *testing.T) {
	s := &sender{closeErr: errors.New("429")}
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
