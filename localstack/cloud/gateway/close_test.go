package gateway_test

import (
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"hark/localstack/cloud/faults"
	"hark/localstack/cloud/gateway"
)

const kb = 1 << 10

// fragments returns a text message in frames of the given sizes.
func fragments(sizes ...int) []ws.Frame {
	frames := make([]ws.Frame, len(sizes))
	for i, n := range sizes {
		op := ws.OpContinuation
		if i == 0 {
			op = ws.OpText
		}
		frames[i] = ws.NewFrame(op, i == len(sizes)-1, []byte(strings.Repeat("x", n)))
	}
	return frames
}

// messages are the frames of messages, valid and not.
var messages = []struct {
	name   string
	frames []ws.Frame
	want   ws.StatusCode // 0: the message arrives
}{
	{"a frame of 32 KB passes", fragments(32 * kb), 0},
	{"a longer frame", fragments(32*kb + 1), ws.StatusMessageTooBig},
	{"a message of 128 KB passes", fragments(32*kb, 32*kb, 32*kb, 32*kb), 0},
	{"a longer message", fragments(32*kb, 32*kb, 32*kb, 32*kb, 1), ws.StatusMessageTooBig},
	{"a binary frame", []ws.Frame{ws.NewBinaryFrame([]byte("x"))}, ws.StatusUnsupportedData},
	{
		"text that is not UTF-8",
		[]ws.Frame{ws.NewTextFrame([]byte("\xff"))},
		ws.StatusInvalidFramePayloadData,
	},
	{
		"a continuation of nothing",
		[]ws.Frame{ws.NewFrame(ws.OpContinuation, true, nil)},
		ws.StatusProtocolError,
	},
	{"a reserved opcode", []ws.Frame{ws.NewFrame(3, true, nil)}, ws.StatusProtocolError},
	{
		"a close code that may not be sent",
		[]ws.Frame{ws.NewCloseFrame(ws.NewCloseFrameBody(1006, ""))},
		ws.StatusProtocolError,
	},
	{
		"UTF-8 cut between frames passes",
		[]ws.Frame{
			ws.NewFrame(ws.OpText, false, []byte("\xc3")),
			ws.NewFrame(ws.OpContinuation, true, []byte("\xa9")),
		},
		0,
	},
}

func TestInvalidFramesCloseTheConnection(t *testing.T) {
	t.Parallel()
	for _, tt := range messages {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			arrived := make(chan int, 1)
			count := func(e request) (any, error) {
				arrived <- len(e.Body)
				return ok, nil
			}
			c := start(t, gateway.Options{}, map[string]function{"$default": count})
			s, id := c.connect()
			sent := 0
			for _, f := range tt.frames {
				sent += len(f.Payload)
				s.frame(f)
			}
			if tt.want == 0 {
				if got := receive(t, arrived); got != sent {
					t.Errorf("a message of %d arrived, want %d", got, sent)
				}
				return
			}
			if code := s.closed(); code != tt.want {
				t.Errorf("closed with %d, want %d", code, tt.want)
			}
			if e := receive(t, c.ended); e.RequestContext.DisconnectStatusCode != int64(tt.want) {
				t.Errorf(
					"$disconnect got %d, want %d", e.RequestContext.DisconnectStatusCode, tt.want,
				)
			}
			if status := c.post(id, "x"); status != http.StatusGone {
				t.Errorf("post afterwards: %d, want 410", status)
			}
		})
	}
}

func TestAnUnmaskedFrameClosesTheConnection(t *testing.T) {
	t.Parallel()
	c := start(t, gateway.Options{}, nil)
	s, _ := c.connect()
	if err := ws.WriteFrame(s, ws.NewTextFrame([]byte("x"))); err != nil {
		t.Fatal(err)
	}
	if code := s.closed(); code != ws.StatusProtocolError {
		t.Errorf("closed with %d, want 1002", code)
	}
}

func TestDisconnectSaysHowTheClientLeft(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		leave  func(*client)
		code   int64
		reason string
	}{
		{"with a code and a reason", func(s *client) {
			s.send(ws.OpClose, ws.NewCloseFrameBody(ws.StatusGoingAway, "bye"))
		}, 1001, "bye"},
		{
			"with an application's code",
			func(s *client) { s.send(ws.OpClose, ws.NewCloseFrameBody(4200, "")) }, 4200, "",
		},
		{
			"without a code", func(s *client) { s.send(ws.OpClose, nil) }, 1005,
			"Client-side close frame status not set",
		},
		{"without a close frame", func(s *client) { s.Close() }, 1006, ""},
		{"in the middle of a frame", func(s *client) {
			_, _ = s.Write([]byte{0x81, 0x85, 1, 2})
			s.Close()
		}, 1006, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := start(t, gateway.Options{}, nil)
			s, id := c.connect()
			tt.leave(s)
			e := receive(t, c.ended).RequestContext
			if e.DisconnectStatusCode != tt.code || e.DisconnectReason == nil ||
				*e.DisconnectReason != tt.reason {
				t.Errorf("$disconnect got %+v, want %d %q", e, tt.code, tt.reason)
			}
			if e.ConnectionID != id || e.EventType != "DISCONNECT" || e.RouteKey != "$disconnect" {
				t.Errorf("$disconnect got %+v", e)
			}
			if status := c.post(id, "x"); status != http.StatusGone {
				t.Errorf("post when $disconnect runs: %d, want 410", status)
			}
			c.Close()
			if len(c.ended) > 0 {
				t.Error("$disconnect was invoked twice")
			}
		})
	}
}

func TestClosesAreEchoed(t *testing.T) {
	t.Parallel()
	c := start(t, gateway.Options{}, nil)
	s, _ := c.connect()
	s.send(ws.OpClose, ws.NewCloseFrameBody(4200, "bye"))
	if code := s.closed(); code != 4200 {
		t.Errorf("echo has code %d, want 4200", code)
	}
	if _, ok := s.next(); ok {
		t.Error("the stream goes on after both close frames")
	}
}

func TestDisconnectCanBeLost(t *testing.T) {
	t.Parallel()
	c := start(t, gateway.Options{Faults: set(faults.Fault{Do: faults.LoseDisconnect})}, nil)
	s, id := c.connect()
	s.Close()
	for deadline := time.Now().Add(patience); c.post(id, "x") != http.StatusGone; {
		if time.Now().After(deadline) {
			t.Fatal("the connection never ended")
		}
	}
	c.Close()
	if len(c.ended) > 0 {
		t.Error("$disconnect was invoked")
	}
}

func TestIdleAndOldConnectionsAreClosed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		opts gateway.Options
	}{
		{"idle", gateway.Options{Idle: 50 * time.Millisecond}},
		{"old", gateway.Options{Life: 50 * time.Millisecond}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := start(t, tt.opts, nil)
			s, _ := c.connect()
			if code := s.closed(); code != ws.StatusGoingAway {
				t.Errorf("closed with %d, want 1001", code)
			}
			e := receive(t, c.ended).RequestContext
			if e.DisconnectStatusCode != 1001 || *e.DisconnectReason != "Going away" {
				t.Errorf("$disconnect got %d %q", e.DisconnectStatusCode, *e.DisconnectReason)
			}
		})
	}
	t.Run("not one that is posted to, nor one that sends", func(t *testing.T) {
		t.Parallel()
		clock, arrived := newClock(), make(chan struct{}, 1)
		opts := gateway.Options{Now: clock.now, Idle: 50 * time.Millisecond, Life: time.Hour}
		c := start(
			t, opts,
			map[string]function{
				"$default": func(request) (any, error) { arrived <- struct{}{}; return ok, nil },
			},
		)
		posted, postedID := c.connect()
		sender, senderID := c.connect()
		clock.advance(40 * time.Millisecond)
		sender.send(ws.OpText, []byte("x"))
		receive(t, arrived)
		if status := c.post(postedID, "x"); status != http.StatusOK || posted.text() != "x" {
			t.Fatalf("post: %d", status)
		}
		clock.advance(40 * time.Millisecond)
		time.Sleep(100 * time.Millisecond) // for the timers to run
		for _, id := range []string{postedID, senderID} {
			if resp, _ := c.call(http.MethodGet, id, ""); resp.StatusCode != http.StatusOK {
				t.Errorf("GET: %d, want 200", resp.StatusCode)
			}
		}
		clock.advance(10 * time.Millisecond)
		for _, s := range []*client{posted, sender} {
			if code := s.closed(); code != ws.StatusGoingAway {
				t.Errorf("closed with %d, want 1001", code)
			}
		}
	})
}

// Not parallel: it looks at the goroutines of the whole process.
func TestCloseLeavesNothingBehind(t *testing.T) {
	hang := func(request) (any, error) { select {} }
	c := start(t, gateway.Options{}, map[string]function{"$default": hang})
	var clients []*client
	for range 20 {
		s, _ := c.connect()
		s.send(ws.OpText, []byte("x"))
		clients = append(clients, s)
	}
	var closing sync.WaitGroup
	for _, s := range clients {
		closing.Go(func() {
			if code := s.closed(); code != ws.StatusGoingAway {
				t.Errorf("closed with %d, want 1001", code)
			}
			s.send(ws.OpClose, nil)
		})
	}
	c.Close()
	closing.Wait()
	if _, err := c.dial("/" + stage); err == nil {
		t.Error("a closed service accepts a socket")
	}
	left := goroutines("gateway.(*conn)")
	for end := time.Now().Add(patience); len(left) > 0 &&
		time.Now().Before(end); left = goroutines("gateway.(*conn)") {
		time.Sleep(time.Millisecond) // goroutines that are done may still have to return
	}
	if len(left) > 0 {
		t.Errorf("left behind:\n%s", strings.Join(left, "\n\n"))
	}
}

// goroutines returns the stacks of the goroutines that are in a function.
func goroutines(function string) (stacks []string) {
	all := make([]byte, 1<<20)
	all = all[:runtime.Stack(all, true)]
	for stack := range strings.SplitSeq(string(all), "\n\n") {
		if strings.Contains(stack, function) {
			stacks = append(stacks, stack)
		}
	}
	return stacks
}
