package e2e_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"hark/localstack/e2e/target"
	"hark/localstack/e2e/wire"
)

// crowdPatience is how long a thousand of anything may take on a small machine.
const crowdPatience = 2 * time.Minute

// atOnce is how many connections are opened or closed concurrently. perSecond is how many are
// opened in a second: the stack admits at most 200 (docs/decisions/0020-limits.md).
const (
	atOnce    = 20
	perSecond = 180
)

// crowd opens n connections and subscribes the i-th to channels(i).
func crowd(t *testing.T, n int, channels func(i int) string) []*wire.Conn {
	t.Helper()
	all := make([]*wire.Conn, n)
	t.Cleanup(func() {
		for _, c := range all {
			if c != nil {
				_ = c.Close() // most tests have closed it
			}
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), crowdPatience)
	defer cancel()
	var g errgroup.Group
	g.SetLimit(atOnce)
	pace := time.NewTicker(time.Second / perSecond)
	defer pace.Stop()
	for i := range all {
		<-pace.C
		g.Go(func() (err error) {
			all[i], err = enter(ctx, channels(i))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	return all
}

func enter(ctx context.Context, channel string) (*wire.Conn, error) {
	c, err := wire.Dial(ctx, hark.URL, "/app/"+hark.App.Key+"?protocol=7")
	if err != nil {
		return nil, err
	}
	if _, err := c.Greeting(patience); err != nil {
		return c, err
	}
	if err := c.Subscribe(channel, ""); err != nil {
		return c, err
	}
	f, err := c.Next(patience)
	if err == nil && f.Event != wire.SubscriptionSucceeded {
		err = fmt.Errorf("got %s, want a success", f.Raw)
	}
	return c, err
}

// A thousand connections, each with a subscription: one event reaches each of them once, whether or
// not they share a channel. When they are closed, no row of theirs is left.
func TestThousandConnections(t *testing.T) {
	const n = 1000
	for _, tc := range []struct {
		name     string
		channels int
	}{
		{"on one channel", 1},
		{"on a hundred channels", 100},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var names []string
			for range tc.channels {
				names = append(names, unique("crowd-"))
			}
			all := crowd(t, n, func(i int) string { return names[i%len(names)] })
			publish(t, wire.Event{Name: "all", Channels: names, Data: `"once"`})
			for i, c := range all {
				f, err := c.Next(crowdPatience)
				if err != nil || f.Event != "all" || f.Channel != names[i%len(names)] ||
					f.Data != `"once"` {
					t.Fatalf("connection %d: got %s (%v)", i, f.Raw, err)
				}
			}
			once(t, all)
			if hark.Local() {
				if n := len(rowsOfCrowd(t, names, all)); n < 2*len(all) {
					t.Errorf("%d rows, want at least two of each connection", n)
				}
			}
			var g errgroup.Group
			g.SetLimit(atOnce)
			for _, c := range all {
				g.Go(c.Close)
			}
			if err := g.Wait(); err != nil {
				t.Fatal(err)
			}
			if hark.Local() {
				eventually(t, func() bool { return len(rowsOfCrowd(t, names, all)) == 0 },
					"no row of theirs to be left")
			}
		})
	}
}

// once fails if any of the connections receives another frame within a second.
func once(t *testing.T, all []*wire.Conn) {
	t.Helper()
	var g errgroup.Group
	for i, c := range all {
		g.Go(func() error {
			f, err := c.Next(time.Second)
			if errors.Is(err, wire.ErrQuiet) {
				return nil
			}
			return fmt.Errorf("connection %d: got %s, want nothing more", i,
				cmp.Or(string(f.Raw), fmt.Sprint(err)))
		})
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}

// rowsOfCrowd returns the keys of these channels' and connections' rows in the state table. Other
// rows may exist: those of earlier tests are still being removed.
func rowsOfCrowd(t *testing.T, channels []string, all []*wire.Conn) []string {
	t.Helper()
	own := slices.Clone(channels)
	for _, c := range all {
		own = append(own, client{t: t, Conn: c}.connectionID())
	}
	return slices.DeleteFunc(rows(t), func(key string) bool {
		return !slices.ContainsFunc(own,
			func(name string) bool { return strings.Contains(key, name) })
	})
}

// A broadcast process that is killed during a fan-out has delivered the event to some subscribers.
// The queue redelivers the message, so the event reaches all of them, after the events that were
// published before it and before those that were published after it. Those that had the event may
// get it twice (docs/decisions/0010-order-loss-duplicates.md). A duplicate also shows that the kill
// fell into a fan-out; rarely it falls between two batches.
func TestAKilledBroadcastLosesNothing(t *testing.T) {
	local(t)
	const tries = 3
	for range tries {
		if repeated := killInFanOut(t, 400, 30); repeated > 0 {
			t.Logf("%d deliveries came twice", repeated)
			return
		}
	}
	t.Errorf("none of %d kills hit a fan-out: nothing was delivered twice", tries)
}

// killInFanOut publishes events to n connections, faster than they can be delivered, and kills the
// broadcast function when the first connection has half of them. All events must arrive at every
// connection, in order. It returns how many arrived twice.
func killInFanOut(t *testing.T, n, events int) (repeated int) {
	t.Helper()
	ch := unique("kill-")
	all := crowd(t, n, func(int) string { return ch })
	var publisher, readers errgroup.Group
	publisher.Go(func() error {
		for i := range events {
			a, err := api().Publish(t.Context(),
				wire.Event{Name: "tick", Channel: ch, Data: strconv.Itoa(i)})
			if err != nil {
				return err
			}
			if a.Status != 200 {
				return fmt.Errorf("publish %d: %d %s", i, a.Status, a.Body)
			}
		}
		return nil
	})
	if _, err := inOrder(all[0], 0, events/2); err != nil {
		t.Fatal(err)
	}
	killBroadcast(t)
	if err := publisher.Wait(); err != nil {
		t.Fatal(err)
	}
	counts := make([]int, n)
	for i, c := range all {
		readers.Go(func() (err error) {
			next := 0
			if i == 0 {
				next = events / 2 // read above
			}
			if counts[i], err = inOrder(c, next, events); err != nil {
				return fmt.Errorf("connection %d: %w", i, err)
			}
			return nil
		})
	}
	if err := readers.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, count := range counts {
		repeated += count
	}
	return repeated
}

// inOrder reads events until the last one has come. A redelivery may repeat earlier events; new
// ones must come in sequence.
func inOrder(c *wire.Conn, next, end int) (repeated int, err error) {
	for next < end {
		f, err := c.Next(crowdPatience)
		if err != nil {
			return repeated, fmt.Errorf("waiting for %d of %d: %w", next, end, err)
		}
		got, err := strconv.Atoi(f.Data)
		if err != nil || got > next {
			return repeated, fmt.Errorf("got %s, want number %d", f.Raw, next)
		}
		if got < next {
			repeated++
			continue
		}
		next++
	}
	return repeated, nil
}

// killBroadcast ends every process of the broadcast function with SIGKILL.
func killBroadcast(t *testing.T) {
	t.Helper()
	all, err := target.Descendants(hark.PID)
	if err != nil {
		t.Fatal(err)
	}
	isBroadcast := func(p target.Process) bool {
		return slices.Contains(strings.Split(filepath.ToSlash(p.Path), "/"), "broadcast")
	}
	killed := 0
	for _, p := range all {
		if isBroadcast(p) {
			err := p.Kill()
			if errors.Is(err, syscall.ESRCH) {
				continue // it has ended meanwhile
			}
			if err != nil {
				t.Fatal(err)
			}
			killed++
		}
	}
	if killed == 0 {
		t.Fatalf("no process of the broadcast function among %v", all)
	}
}
