package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"hark/localstack/e2e/wire"
)

// Line 49 of the checklist (docs/protocol.md §9): no client sees a subscribe half done.

// 49. No channel frame may precede that channel's `subscription_succeeded` on the same connection.
//
// Many clients subscribe beside a publisher that never pauses. None may receive a frame of the
// channel before its success, and none may miss an event that was published after it received its
// success. Events are numbered, so that a gap shows.
func TestLine49_SuccessComesFirst(t *testing.T) {
	for _, tc := range []struct {
		prefix  string
		clients int
	}{
		{"busy-", 50},
		{"private-busy-", 20},
		{"presence-busy-", 50},
		{"private-cache-busy-", 20},
		{"presence-cache-busy-", 20},
	} {
		t.Run(fmt.Sprintf("%d clients on %s", tc.clients, tc.prefix), func(t *testing.T) {
			busy := startTicks(t, unique(tc.prefix))
			var g errgroup.Group
			g.SetLimit(10)
			for i := range tc.clients {
				g.Go(func() error {
					if err := busy.visit(t.Context(), i); err != nil {
						return fmt.Errorf("client %d: %w", i, err)
					}
					return nil
				})
			}
			if err := g.Wait(); err != nil {
				t.Error(err)
			}
			busy.stop(t)
		})
	}
}

// ticks is a publisher that never pauses. It publishes the numbers from 1 on to a channel, each
// after the one before it was accepted.
type ticks struct {
	channel string
	begun   atomic.Int64 // the last number whose publish has begun
	quit    chan struct{}
	ended   chan error
}

func startTicks(t *testing.T, channel string) *ticks {
	t.Helper()
	b := &ticks{channel: channel, quit: make(chan struct{}), ended: make(chan error, 1)}
	go func() { b.ended <- b.run(t.Context()) }()
	return b
}

func (b *ticks) run(ctx context.Context) error {
	for {
		select {
		case <-b.quit:
			return nil
		default:
		}
		n := b.begun.Add(1)
		a, err := api().Publish(ctx,
			wire.Event{Name: "tick", Channel: b.channel, Data: strconv.FormatInt(n, 10)})
		if err != nil {
			return err
		}
		if a.Status != 200 {
			return fmt.Errorf("event %d: %d %s", n, a.Status, a.Body)
		}
	}
}

func (b *ticks) stop(t *testing.T) {
	t.Helper()
	close(b.quit)
	if err := <-b.ended; err != nil {
		t.Error(err)
	}
}

// visit subscribes, reads twenty events that were published after the success, and closes.
func (b *ticks) visit(ctx context.Context, i int) (err error) {
	c, err := wire.Dial(ctx, hark.URL, "/app/"+hark.App.Key+"?protocol=7")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if _, err := c.Greeting(patience); err != nil {
		return err
	}
	data := channelData(strconv.Itoa(i), "")
	if !strings.HasPrefix(b.channel, "presence-") {
		data = ""
	}
	err = c.SendEvent("pusher:subscribe", map[string]string{
		"channel": b.channel, "channel_data": data,
		"auth": hark.App.Auth(c.SocketID, b.channel, data),
	})
	if err != nil {
		return err
	}
	f, err := c.Next(patience)
	if err != nil || f.Event != wire.SubscriptionSucceeded {
		return fmt.Errorf("got %s (%w) before the success", f.Raw, err)
	}
	return b.listen(c, b.begun.Load())
}

// listen reads until twenty events have come that were begun after the event seen. The first event
// may be any up to the next one; each later one must follow the one before it. On a cache channel
// the first is the newest at the success, and may come twice.
func (b *ticks) listen(c *wire.Conn, seen int64) error {
	repeats := strings.Contains(b.channel, "cache-")
	for last := int64(0); last < seen+20; {
		f, err := c.Next(patience)
		if err != nil {
			return fmt.Errorf("after event %d, with %d begun before the success was seen: %w", last,
				seen, err)
		}
		if f.Event == wire.MemberAdded || f.Event == wire.MemberRemoved ||
			f.Event == wire.CacheMiss {
			continue // other clients join and leave; nothing may be cached yet
		}
		n, err := strconv.ParseInt(f.Data, 10, 64)
		switch {
		case err != nil || f.Event != "tick" || f.Channel != b.channel:
			return fmt.Errorf("got %s (%w) after event %d", f.Raw, err, last)
		case last == 0 && n > seen+1:
			return fmt.Errorf(
				"the first event is %d, but only %d had begun when the success was seen", n, seen,
			)
		case last != 0 && n != last+1 && (n != last || !repeats):
			return fmt.Errorf("event %d came after %d", n, last)
		}
		repeats = repeats && n != last
		last = n
	}
	return nil
}
