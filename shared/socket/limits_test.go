package socket_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hark/shared/pusher"
	"hark/shared/state"
)

const ping = `{"event":"pusher:ping","data":{}}`

func limited(maximum int, terminate bool) func(*pusher.Settings) {
	return func(s *pusher.Settings) {
		s.RateLimit = pusher.RateLimit{
			Enabled: true, Max: maximum, Window: time.Minute, Terminate: terminate,
		}
	}
}

// errorsOf counts the pusher:error frames with a code, and the closes, in what a client got.
func (c *conversation) errorsOf(code int) (errs, closed int) {
	for _, text := range c.got {
		switch {
		case text == "closed":
			closed++
		case strings.Contains(text, `{"event":"pusher:error","data":{"code":`+fmt.Sprint(code)):
			errs++
		}
	}
	return errs, closed
}

// Pings of an app that does not limit frames cost nothing: no read of the connection, no count
// (docs/decisions/0022-cost-budgets.md).
func TestPingsReadAndCountNothing(t *testing.T) {
	c := newConversation()
	c.sends(t, ping)
	c.sends(t, subscribe("orders", "", ""))
	c.Apps = apps{err: errors.New("must not be read")}
	for range 5 {
		c.sends(t, ping)
	}
	if c.members.reads != 1 || len(c.rates.got) != 0 || len(c.got) != 6 {
		t.Errorf("%d reads, counted %q, got %q", c.members.reads, c.rates.got, c.got)
	}
}

// Reverb's rate_limiting counts every frame, once the process knows that the app enables it.
func TestRateLimit(t *testing.T) {
	t.Run("counts all frames after the first that is not a ping", func(t *testing.T) {
		c := newConversation(limited(100, false))
		for _, text := range []string{
			ping, ping, subscribe("orders", "", ""), ping, `{"event":"pusher:pong"}`, `nonsense`,
			`{"event":"x"}`,
			unsubscribe("orders"), signIn(`{"id":"7"}`), frame("client-a", "orders", ""),
		} {
			c.sends(t, text)
		}
		if want := slices.Repeat([]string{"frame 1m0s"}, 8); !slices.Equal(c.rates.got, want) {
			t.Errorf("counted %q, want %q", c.rates.got, want)
		}
	})
	t.Run("refuses what is over it, pings too, and serves the next window", func(t *testing.T) {
		c := newConversation(limited(2, false))
		c.sends(t, subscribe("orders", "", ""))
		c.sends(t, ping)
		c.sends(t, ping)
		c.wasSent(t, `{"event":"pusher:pong","data":"{}"}`, c.got[len(c.got)-1])
		errorFrame(t, c.got[1], 4301)
		if !strings.Contains(c.got[1], "Rate limit exceeded: more than 2 frames within 1m0s") {
			t.Errorf("got %s", c.got[1])
		}
		c.sendsAt(t, stamp+60_000, ping)
		if last := c.got[len(c.got)-1]; !strings.Contains(last, "pong") {
			t.Errorf("got %s", last)
		}
	})
	t.Run("is a pusher:subscription_error for a subscribe", func(t *testing.T) {
		c := newConversation(limited(0, false))
		c.sends(t, subscribe("orders", "", ""))
		c.notSubscribed(t, "orders", "AuthError", 401, 4301, "Rate limit exceeded")
	})
	t.Run("ends the connection if the app wants that", func(t *testing.T) {
		c := newConversation(limited(1, true))
		c.sends(t, subscribe("orders", "", ""))
		c.sends(t, ping)
		errs, closed := c.errorsOf(4301)
		if errs != 1 || closed != 1 || c.got[len(c.got)-1] != "closed" {
			t.Errorf("got %q", c.got)
		}
	})
}

func TestRateLimitOfAnAppThatDropsItOrCannotBeRead(t *testing.T) {
	t.Run("is forgotten when the app drops it", func(t *testing.T) {
		c := newConversation(limited(1, false))
		c.sends(t, subscribe("orders", "", ""))
		c.Apps = only(app())
		c.sends(t, ping)
		c.Apps = apps{err: errors.New("must not be read")}
		c.sends(t, ping)
		if len(c.rates.got) != 1 || len(c.got) != 2 || c.log() != "" {
			t.Errorf("counted %q, got %q, log %s", c.rates.got, c.got, c.log())
		}
	})
	for name, spoil := range map[string]func(*conversation){
		"serves pings while the counters are away": func(c *conversation) {
			c.rates.err = errors.New("away")
		},
		"serves pings while the apps are away": func(c *conversation) {
			c.Apps = apps{err: errors.New("away")}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newConversation(limited(1, true))
			c.sends(t, subscribe("orders", "", ""))
			spoil(c)
			c.sends(t, ping)
			c.wasSent(t, `{"event":"pusher:pong","data":"{}"}`)
			if !strings.Contains(c.log(), "frame not counted") {
				t.Errorf("log: %s", c.log())
			}
		})
	}
}

// More than 30 frames a second, after a burst of 200, close the connection
// (docs/decisions/0020-limits.md).
func TestFloodsCloseTheConnection(t *testing.T) {
	t.Run("201 frames at once", func(t *testing.T) {
		c := newConversation()
		for range 200 {
			c.sends(t, ping)
		}
		if errs, closed := c.errorsOf(4301); errs+closed != 0 || len(c.got) != 200 {
			t.Fatalf("%d frames before the flood, %d errors, closed %d times", len(c.got), errs,
				closed)
		}
		c.sends(t, ping)
		errs, closed := c.errorsOf(4301)
		explained := len(c.got) == 202 && strings.Contains(c.got[200], "30 within a second")
		if errs != 1 || closed != 1 || !explained {
			t.Errorf("got %q", c.got[200:])
		}
	})
	t.Run("not once for each frame that still comes", func(t *testing.T) {
		c := newConversation()
		for range 1000 {
			c.sends(t, ping)
		}
		if errs, closed := c.errorsOf(4301); errs != 10 || closed != 1 {
			t.Errorf("%d errors, closed %d times", errs, closed)
		}
	})
	t.Run("closed also if it was sent too many refusals to be sent this one", func(t *testing.T) {
		c := newConversation()
		for range 201 {
			c.sends(t, `nonsense`)
		}
		if _, closed := c.errorsOf(4301); closed != 1 || len(c.got) != 11 {
			t.Errorf("got %q", c.got)
		}
	})
	for name, perSecond := range map[string]int{
		"25 a second, for a minute": 25, "40 a second, for a minute": 40,
	} {
		t.Run(name, func(t *testing.T) {
			c := newConversation()
			for i := range 60 * perSecond {
				c.sendsAt(t, stamp+state.Stamp(i*1000/perSecond), ping)
			}
			if _, closed := c.errorsOf(4301); (closed > 0) != (perSecond > 30) {
				t.Errorf("closed %d times", closed)
			}
		})
	}
	t.Run("but not another client's", func(t *testing.T) {
		c := newConversation()
		for range 300 {
			c.Message(t.Context(), "another", stamp, []byte(`{"event":"pusher:pong"}`))
		}
		c.got = nil
		c.sends(t, ping)
		c.wasSent(t, `{"event":"pusher:pong","data":"{}"}`)
	})
}

// Of a client's refusals ten are sent at once, and then one a second
// (docs/decisions/0020-limits.md).
func TestTenRefusalsAreSentAtOnce(t *testing.T) {
	c := newConversation()
	for i := range 15 {
		c.sends(t, subscribe(fmt.Sprintf("private-%d", i), "", ""))
	}
	if errs, closed := c.errorsOf(4009); errs != 10 || closed != 0 || len(c.got) != 20 {
		t.Fatalf("%d errors in %d frames, closed %d times", errs, len(c.got), closed)
	}
	for i := range 3 {
		c.sendsAt(t, stamp+1000, subscribe(fmt.Sprintf("private-%d", i), "", ""))
	}
	if errs, _ := c.errorsOf(4009); errs != 11 {
		t.Errorf("%d errors a second later", errs)
	}
	c.sendsAt(t, stamp+1000, subscribe("orders", "", ""))
	c.recorded(t, "on orders 1795521602000") // valid frames are served all the same
}

// A process remembers a limited number of connections. A connection that it has dropped shows in
// its pings: they are not counted.
func TestTheMemoryOfConnectionsIsBounded(t *testing.T) {
	for others, counted := range map[int]int{100: 2, 5000: 2, 9000: 1} {
		t.Run(fmt.Sprintf("after %d others", others), func(t *testing.T) {
			c := newConversation(limited(100, false))
			c.sends(t, subscribe("orders", "", ""))
			for i := range others {
				c.Message(t.Context(), pusher.ConnectionID(fmt.Sprint(i)), stamp,
					[]byte(`{"event":"pusher:pong"}`))
			}
			c.sends(t, ping)
			if len(c.rates.got) != counted {
				t.Errorf("counted %d frames, want %d", len(c.rates.got), counted)
			}
		})
	}
}

func TestManyConnectionsAtOnce(t *testing.T) {
	c := newConversation(limited(100, false))
	c.Gateway = quiet{}
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			for i := range 20_000 {
				id := pusher.ConnectionID(fmt.Sprint("connection-", worker, "-", i))
				c.Message(t.Context(), id, stamp, []byte(ping))
			}
		})
	}
	all.Wait()
	if got := c.log(); got != "" {
		t.Errorf("log: %.500s", got)
	}
}
