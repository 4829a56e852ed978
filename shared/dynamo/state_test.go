package dynamo_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	awsdb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"hark/shared/dynamo"
	"hark/shared/pusher"
)

const (
	app  = "shop"
	id   = pusher.ConnectionID("L0SM9cOFvHcCIhw=")
	news = pusher.Channel("news")
)

func state(t *testing.T, c *awsdb.Client) *dynamo.State {
	return &dynamo.State{Client: c, Table: tableName(t, "state")}
}

// channels maps names to stamps, as a connection's row does.
type channels = map[pusher.Channel]pusher.Stamp

// TestTurn holds the conditions of model.md §3, subscribe 2 and unsubscribe, against every order of two stamps.
func TestTurn(t *testing.T) {
	for _, c := range []struct {
		name   string
		before func(t *testing.T, s *dynamo.State, c pusher.Connection)
		on     bool // turn on at 5, else off
		held   bool
		want   pusher.Connection
	}{
		{name: "on, the first frame", on: true, held: true, want: pusher.Connection{On: channels{news: 5}, Off: channels{}}},
		{name: "on, after an older subscribe", before: turned(true, 4), on: true, held: true, want: pusher.Connection{On: channels{news: 5}, Off: channels{}}},
		{name: "on, the same frame again", before: turned(true, 5), on: true, held: true, want: pusher.Connection{On: channels{news: 5}, Off: channels{}}},
		{name: "on, after a newer subscribe", before: turned(true, 6), on: true, want: pusher.Connection{On: channels{news: 6}, Off: channels{}}},
		{name: "on, after an older unsubscribe", before: turned(false, 4), on: true, held: true, want: pusher.Connection{On: channels{news: 5}, Off: channels{}}},
		{name: "on, beside an unsubscribe of the same ms", before: turned(false, 5), on: true, held: true, want: pusher.Connection{On: channels{news: 5}, Off: channels{}}},
		{name: "on, after a newer unsubscribe", before: turned(false, 6), on: true, want: pusher.Connection{On: channels{}, Off: channels{news: 6}}},
		{name: "on, dead", before: dead, on: true, want: pusher.Connection{On: channels{}, Off: channels{}, Dead: true}},
		{name: "off, never on", held: true, want: pusher.Connection{On: channels{}, Off: channels{news: 5}}},
		{name: "off, after an older subscribe", before: turned(true, 4), held: true, want: pusher.Connection{On: channels{}, Off: channels{news: 5}}},
		{name: "off, beside a subscribe of the same ms", before: turned(true, 5), want: pusher.Connection{On: channels{news: 5}, Off: channels{}}},
		{name: "off, after a newer subscribe", before: turned(true, 6), want: pusher.Connection{On: channels{news: 6}, Off: channels{}}},
		{name: "off, the same frame again", before: turned(false, 5), held: true, want: pusher.Connection{On: channels{}, Off: channels{news: 5}}},
		{name: "off, after a newer unsubscribe", before: turned(false, 6), want: pusher.Connection{On: channels{}, Off: channels{news: 6}}},
		{name: "off, dead", before: dead, want: pusher.Connection{On: channels{}, Off: channels{}, Dead: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			onEngines(t, func(t *testing.T, client *awsdb.Client) {
				s := state(t, client)
				// The row is read before it changes, as by a frame that is overtaken: only the write's own condition can refuse.
				seen := opened(t, s)
				if c.before != nil {
					c.before(t, s, seen)
				}
				turn := s.TurnOff
				if c.on {
					turn = s.TurnOn
				}
				held, err := turn(t.Context(), seen, news, 5, 0)
				if err != nil || held != c.held {
					t.Errorf("held %t, error %v, want %t", held, err, c.held)
				}
				got, err := s.Connection(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				c.want.ID, c.want.App, c.want.ConnectedAt = id, app, now
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func opened(t *testing.T, s *dynamo.State) pusher.Connection {
	t.Helper()
	c := pusher.Connection{ID: id, App: app, ConnectedAt: now}
	if err := s.PutConnection(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return c
}

func turned(on bool, stamp pusher.Stamp) func(*testing.T, *dynamo.State, pusher.Connection) {
	return func(t *testing.T, s *dynamo.State, c pusher.Connection) {
		t.Helper()
		turn := s.TurnOff
		if on {
			turn = s.TurnOn
		}
		if held, err := turn(t.Context(), c, news, stamp, 0); err != nil || !held {
			t.Fatalf("held %t, error %v", held, err)
		}
	}
}

func dead(t *testing.T, s *dynamo.State, c pusher.Connection) {
	t.Helper()
	if _, err := s.MarkDead(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
}

func TestTurnWithoutRow(t *testing.T) {
	onEngines(t, func(t *testing.T, client *awsdb.Client) {
		s := state(t, client)
		if held, err := s.TurnOn(t.Context(), pusher.Connection{ID: id}, news, 5, 0); err != nil || held {
			t.Errorf("held %t, error %v", held, err)
		}
		if _, err := s.Connection(t.Context(), id); !errors.Is(err, pusher.ErrGone) {
			t.Errorf("a row came to be: %v", err)
		}
		if _, err := s.MarkDead(t.Context(), id); !errors.Is(err, pusher.ErrGone) {
			t.Errorf("MarkDead: %v", err)
		}
	})
}

func TestStaleOffs(t *testing.T) {
	onEngines(t, func(t *testing.T, client *awsdb.Client) {
		s := state(t, client)
		c := opened(t, s)
		for ch, stamp := range (channels{"old": 10, "renewed": 10, "young": 60}) {
			if _, err := s.TurnOff(t.Context(), c, ch, stamp, 0); err != nil {
				t.Fatal(err)
			}
		}
		seen, err := s.Connection(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		// Between the read and the write, one of the stale offs is set anew: it must survive the write, and the write must hold.
		if _, err := s.TurnOff(t.Context(), c, "renewed", 70, 0); err != nil {
			t.Fatal(err)
		}
		if held, err := s.TurnOn(t.Context(), seen, news, 80, 50); err != nil || !held {
			t.Fatalf("held %t, error %v", held, err)
		}
		got, err := s.Connection(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(channels{"renewed": 70, "young": 60}, got.Off); diff != "" {
			t.Error(diff)
		}
	})
}

// A page may leave many channels at once: all of them are remembered, none keeps it from the next frame, and they go again.
func TestManyOffs(t *testing.T) {
	onEngines(t, func(t *testing.T, client *awsdb.Client) {
		s := state(t, client)
		c := opened(t, s)
		for i := range 120 {
			ch := pusher.Channel(fmt.Sprintf("c%d", i))
			for _, turn := range []func() (bool, error){
				func() (bool, error) { return s.TurnOn(t.Context(), c, ch, 1, 0) },
				func() (bool, error) { return s.TurnOff(t.Context(), c, ch, 2, 0) },
			} {
				if held, err := turn(); err != nil || !held {
					t.Fatalf("%s: held %t, error %v", ch, held, err)
				}
			}
		}
		for i := range 7 {
			seen, err := s.Connection(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if want := max(120-20*i, 0); len(seen.Off) != want {
				t.Errorf("%d offs are left before frame %d, want %d", len(seen.Off), i, want)
			}
			if held, err := s.TurnOn(t.Context(), seen, news, pusher.Stamp(100+i), 50); err != nil || !held {
				t.Fatalf("held %t, error %v", held, err)
			}
		}
	})
}

func TestChannelLimits(t *testing.T) {
	onEngines(t, func(t *testing.T, client *awsdb.Client) {
		s := state(t, client)
		unread := opened(t, s)
		for i := range 100 {
			ch := pusher.Channel(fmt.Sprintf("c%d", i))
			if held, err := s.TurnOn(t.Context(), unread, ch, 1, 0); err != nil || !held {
				t.Fatalf("%s: held %t, error %v", ch, held, err)
			}
		}
		var no *pusher.Error
		if _, err := s.TurnOn(t.Context(), unread, "one-more", 1, 0); !errors.As(err, &no) || !strings.Contains(no.Message, "100 channels") {
			t.Errorf("the 101st channel: %v", err)
		}
		if held, err := s.TurnOn(t.Context(), unread, "c7", 2, 0); err != nil || !held {
			t.Errorf("one of the 100 again: held %t, error %v", held, err)
		}
		long := pusher.Connection{ID: id, On: channels{}}
		for i := range 90 {
			long.On[pusher.Channel(fmt.Sprintf("%0190d", i))] = 1
		}
		if _, err := s.TurnOn(t.Context(), long, "one-more", 1, 0); !errors.As(err, &no) {
			t.Errorf("more than 16 KB of names: %v", err)
		}
	})
}

func TestSubscriptions(t *testing.T) {
	onEngines(t, func(t *testing.T, client *awsdb.Client) {
		s := state(t, client)
		at := func(stamp pusher.Stamp) pusher.Subscription {
			return pusher.Subscription{Connection: id, App: app, Channel: news, Stamp: stamp, ConnectedAt: now}
		}
		put := func(stamp pusher.Stamp, want bool) {
			t.Helper()
			if held, err := s.PutSubscription(t.Context(), at(stamp)); err != nil || held != want {
				t.Errorf("put %d: held %t, error %v", stamp, held, err)
			}
		}
		there := func(want bool) {
			t.Helper()
			if got, err := s.Occupied(t.Context(), app, news); err != nil || got != want {
				t.Errorf("occupied %t, error %v, want %t", got, err, want)
			}
		}
		do := func(err error) {
			t.Helper()
			if err != nil {
				t.Error(err)
			}
		}
		there(false)
		put(5, true)
		put(5, true)
		put(4, false)
		put(6, true)
		do(s.DropSubscription(t.Context(), at(5)))
		there(true)
		do(s.DropOlderSubscription(t.Context(), at(6)))
		there(true)
		do(s.DropOlderSubscription(t.Context(), at(7)))
		there(false)
		put(8, true)
		do(s.DropSubscription(t.Context(), at(8)))
		there(false)
		put(9, true)
		if was, err := s.TakeSubscription(t.Context(), at(0)); err != nil || was != 9 {
			t.Errorf("took %d, error %v", was, err)
		}
		if was, err := s.TakeSubscription(t.Context(), at(0)); err != nil || was != 0 {
			t.Errorf("took %d again, error %v", was, err)
		}
	})
}

func TestSubscribers(t *testing.T) {
	onEngines(t, func(t *testing.T, client *awsdb.Client) {
		s := state(t, client)
		var want []pusher.ConnectionID
		for i := range 30 {
			sub := pusher.Subscription{Connection: pusher.ConnectionID(fmt.Sprintf("c%02d", i)), App: app, Channel: news, Stamp: 7, ConnectedAt: now}
			if i%3 == 0 {
				sub.ConnectedAt = now.Add(-3 * time.Hour)
			} else {
				want = append(want, sub.Connection)
			}
			if _, err := s.PutSubscription(t.Context(), sub); err != nil {
				t.Fatal(err)
			}
		}
		// Another app's channel of the same name, and another channel whose name begins with this one's.
		for _, sub := range []pusher.Subscription{{App: "other", Channel: news}, {App: app, Channel: news + "-2"}} {
			sub.Connection, sub.ConnectedAt = "stranger", now
			if _, err := s.PutSubscription(t.Context(), sub); err != nil {
				t.Fatal(err)
			}
		}
		var got []pusher.ConnectionID
		err := s.Subscribers(t.Context(), app, news, now, func(page []pusher.Subscription) error {
			for _, sub := range page {
				got = append(got, sub.Connection)
				if sub.Stamp != 7 || !sub.ConnectedAt.Equal(now) || sub.App != app || sub.Channel != news {
					t.Errorf("read back %+v", sub)
				}
			}
			return nil
		})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("subscribers %v, error %v, want %v", got, err, want)
		}
		if n, err := s.Count(t.Context(), app, news, now); err != nil || n != len(want) {
			t.Errorf("count %d, error %v, want %d", n, err, len(want))
		}
		stop := errors.New("stop")
		if err := s.Subscribers(t.Context(), app, news, now, func([]pusher.Subscription) error { return stop }); !errors.Is(err, stop) {
			t.Errorf("the page's error is lost: %v", err)
		}
	})
}

func TestMarkers(t *testing.T) {
	onEngines(t, func(t *testing.T, client *awsdb.Client) {
		s := state(t, client)
		step := func(name string, want bool, f func() (bool, error)) {
			t.Helper()
			if held, err := f(); err != nil || held != want {
				t.Errorf("%s: held %t, error %v, want %t", name, held, err, want)
			}
		}
		is := func(want pusher.Marker) {
			t.Helper()
			_, got, err := s.ConnectionAndMarker(t.Context(), pusher.Connection{ID: id, App: app}, news)
			if err != nil || got != want {
				t.Errorf("marker %+v, error %v, want %+v", got, err, want)
			}
			if alone, err := s.Marker(t.Context(), app, news); err != nil || alone != want {
				t.Errorf("marker read alone %+v, error %v, want %+v", alone, err, want)
			}
		}
		put := func() (bool, error) { return s.PutMarker(t.Context(), app, news) }
		vacant := func(n string) func() (bool, error) {
			return func() (bool, error) { return s.MarkVacant(t.Context(), app, news, n) }
		}
		reopen := func(n string) func() (bool, error) {
			return func() (bool, error) { return s.Reopen(t.Context(), app, news, n) }
		}
		is(pusher.Marker{})
		step("vacant, no row", false, vacant("a"))
		step("reopen, no row", false, reopen("a"))
		step("put", true, put)
		step("put again", false, put)
		is(pusher.Marker{Exists: true})
		step("reopen one that is not vacant", false, reopen("a"))
		step("vacant", true, vacant("a"))
		step("vacant by another", false, vacant("b"))
		is(pusher.Marker{Exists: true, Vacant: "a"})
		step("reopen another's", false, reopen("b"))
		step("reopen", true, reopen("a"))
		is(pusher.Marker{Exists: true})
		step("vacant once more", true, vacant("c"))
		if err := s.DeleteMarker(t.Context(), app, news, "a"); err != nil {
			t.Error(err)
		}
		is(pusher.Marker{Exists: true, Vacant: "c"})
		if err := s.DeleteMarker(t.Context(), app, news, "c"); err != nil {
			t.Error(err)
		}
		is(pusher.Marker{})
	})
}

func TestConnectionAndMarker(t *testing.T) {
	onEngines(t, func(t *testing.T, client *awsdb.Client) {
		s := state(t, client)
		c := pusher.Connection{ID: id, App: app}
		if got, _, err := s.ConnectionAndMarker(t.Context(), c, news); err != nil || !got.Dead {
			t.Errorf("a missing connection is %+v, error %v", got, err)
		}
		opened(t, s)
		if got, _, err := s.ConnectionAndMarker(t.Context(), c, news); err != nil || got.Dead || got.App != app {
			t.Errorf("the connection is %+v, error %v", got, err)
		}
	})
}

func TestLeases(t *testing.T) {
	onEngines(t, func(t *testing.T, client *awsdb.Client) {
		s := state(t, client)
		due := now.Truncate(time.Minute)
		var want []pusher.Lease
		for i := range 20 {
			minute := due.Add(time.Duration(i%2) * time.Minute)
			id, ch := pusher.ConnectionID(fmt.Sprintf("c%02d", i)), pusher.Channel(fmt.Sprintf("news-%02d", i))
			if err := errors.Join(s.PutLease(t.Context(), id, minute), s.PutCountLease(t.Context(), app, ch, minute)); err != nil {
				t.Fatal(err)
			}
			if minute.Equal(due) {
				want = append(want, pusher.Lease{Minute: due, Connection: id}, pusher.Lease{Minute: due, App: app, Channel: ch})
			}
		}
		is := func(want []pusher.Lease) {
			t.Helper()
			got, err := s.Due(t.Context(), due)
			sorted := cmpopts.SortSlices(func(a, b pusher.Lease) bool {
				return a.Connection+pusher.ConnectionID(a.Channel) < b.Connection+pusher.ConnectionID(b.Channel)
			})
			if diff := cmp.Diff(want, got, sorted); err != nil || diff != "" {
				t.Errorf("due, error %v:\n%s", err, diff)
			}
		}
		is(want)
		for _, l := range want[:2] {
			for range 2 { // the second time there is nothing to delete
				if err := s.DeleteLease(t.Context(), l); err != nil {
					t.Error(err)
				}
			}
		}
		is(want[2:])
		if swept, err := s.Swept(t.Context()); err != nil || !swept.IsZero() {
			t.Errorf("swept %v, error %v", swept, err)
		}
		if err := s.SetSwept(t.Context(), due); err != nil {
			t.Error(err)
		}
		if swept, err := s.Swept(t.Context()); err != nil || !swept.Equal(due) {
			t.Errorf("swept %v, error %v", swept, err)
		}
	})
}
