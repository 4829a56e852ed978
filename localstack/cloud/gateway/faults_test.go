package gateway_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"hark/localstack/cloud/faults"
	"hark/localstack/cloud/gateway"
)

// set returns the faults, set with a seed.
func set(all ...faults.Fault) *faults.Set {
	seed := uint64(7)
	s := new(faults.Set)
	s.Add(faults.Order{Seed: &seed, Faults: all})
	return s
}

func TestALivingConnectionCanBeGone(t *testing.T) {
	t.Parallel()
	f := new(faults.Set)
	c := start(t, gateway.Options{Faults: f}, nil)
	s, id := c.connect()
	_, other := c.connect()
	f.Add(faults.Order{Faults: []faults.Fault{
		{Do: faults.Gone, Connection: id, Operation: faults.PostToConnection, Count: 2},
	}})
	for i, want := range []int{http.StatusGone, http.StatusGone, http.StatusOK} {
		if got := c.post(other, "x"); got != http.StatusOK {
			t.Errorf("post %d to the other connection: %d", i, got)
		}
		if resp, body := c.call(http.MethodGet, id, ""); resp.StatusCode != http.StatusOK {
			t.Errorf("GET %d: %d %s", i, resp.StatusCode, body)
		}
		if got := c.post(id, fmt.Sprint(i)); got != want {
			t.Errorf("post %d: %d, want %d", i, got, want)
		}
	}
	if got := s.text(); got != "2" {
		t.Errorf("the client got %q, want what was accepted only", got)
	}
}

func TestAGoneFaultIsKeptForLivingConnections(t *testing.T) {
	t.Parallel()
	c := start(t, gateway.Options{Faults: set(faults.Fault{Do: faults.Gone, Count: 1})}, nil)
	_, id := c.connect()
	if got := c.post("AAAAAAAAAAAAAAA=", "x"); got != http.StatusGone {
		t.Errorf("post to an unknown ID: %d", got)
	}
	for _, want := range []int{http.StatusGone, http.StatusOK} {
		if resp, _ := c.call(http.MethodGet, id, ""); resp.StatusCode != want {
			t.Errorf("GET: %d, want %d", resp.StatusCode, want)
		}
	}
}

func TestCallsCanBeRefused(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		429: "LimitExceededException",
		500: "InternalServerErrorException",
		503: "InternalServerErrorException",
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			c := start(
				t,
				gateway.Options{
					Faults: set(faults.Fault{
						Do: faults.Answer, Service: faults.Connections, Status: status,
					}),
				},
				nil,
			)
			_, id := c.connect()
			resp, body := c.call(http.MethodPost, id, "x")
			if resp.StatusCode != status || resp.Header.Get("X-Amzn-Errortype") != want ||
				!strings.Contains(body, `{"message": `) {
				t.Errorf("%d %s %s", resp.StatusCode, resp.Header, body)
			}
		})
	}
}

// All connections are cut at once, including busy ones.
func TestConnectionsCanBeCut(t *testing.T) {
	t.Parallel()
	f := new(faults.Set)
	c := start(t, gateway.Options{Faults: f}, nil)
	a, _ := c.connect()
	b, spared := c.connect()
	f.Add(faults.Order{Faults: []faults.Fault{{Do: faults.Cut, Count: 1}}})
	if code := a.closed(); code != ws.StatusGoingAway {
		t.Errorf("the oldest was closed with %d, want 1001", code)
	}
	if e := receive(t, c.ended).RequestContext; e.DisconnectStatusCode != 1001 ||
		*e.DisconnectReason != "Going away" {
		t.Errorf("$disconnect got %+v", e)
	}
	if got := c.post(spared, "still here"); got != http.StatusOK || b.text() != "still here" {
		t.Errorf("the other one: %d", got)
	}
	f.Add(faults.Order{Faults: []faults.Fault{{Do: faults.Cut, Connection: spared}}})
	if code := b.closed(); code != ws.StatusGoingAway {
		t.Errorf("the other one was closed with %d, want 1001", code)
	}
}

// Frames reach the function in another order, with the times at which they arrived.
func TestFramesCanBeReordered(t *testing.T) {
	t.Parallel()
	const frames = 20
	clock := newClock()
	got := make(chan request, frames)
	c := start(t, gateway.Options{
		Faults: set(faults.Fault{
			Do: faults.Reorder, Delay: faults.Duration(200 * time.Millisecond),
		}),
		Now: func() time.Time { clock.advance(time.Millisecond); return clock.now() },
	}, map[string]function{"$default": func(e request) (any, error) { got <- e; return ok, nil }})
	s, _ := c.connect()
	for i := range frames {
		s.send(ws.OpText, fmt.Appendf(nil, "%02d", i))
	}
	stamps := make(map[string]int64, frames)
	var order []string
	for range frames {
		e := receive(t, got)
		order = append(order, e.Body)
		stamps[e.Body] = e.RequestContext.RequestTimeEpoch
	}
	inOrder := true
	for i := 1; i < frames; i++ {
		inOrder = inOrder && order[i-1] < order[i]
		before, after := stamps[fmt.Sprintf("%02d", i-1)], stamps[fmt.Sprintf("%02d", i)]
		if before >= after {
			t.Errorf("frame %d is stamped %d, the one before %d", i, after, before)
		}
	}
	if inOrder {
		t.Errorf("frames came in order: %v", order)
	}
}
