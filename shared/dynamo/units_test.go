package dynamo_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"testing"

	"hark/localstack/cloud/meter"
	"hark/shared/dynamo"
	"hark/shared/pusher"
	"hark/shared/state"
)

// budget checks what each step costs.
type budget struct {
	*testing.T
	*dynamo.State
	bill *meter.Meter
}

func newBudget(t *testing.T) *budget {
	t.Helper()
	bill := new(meter.Meter)
	server := httptest.NewServer(metered(t, bill))
	t.Cleanup(server.Close)
	return &budget{t, &dynamo.State{Client: client(server.URL), Table: "state"}, bill}
}

// costs runs a step and compares the units that it used.
func (b *budget) costs(step string, writes, reads float64, f func() error) {
	b.Helper()
	before := b.bill.Snapshot()
	must(b.T, f())
	after := b.bill.Snapshot()
	gotWrites := after[meter.WriteUnits] - before[meter.WriteUnits]
	gotReads := after[meter.ReadUnits] - before[meter.ReadUnits]
	if gotWrites != writes || gotReads != reads {
		b.Errorf("%s: %g write and %g read units, want %g and %g",
			step, gotWrites, gotReads, writes, reads)
	}
}

// TestUnits has what each step costs (docs/decisions/0022-cost-budgets.md). The budgets of whole
// operations are sums of these.
func TestUnits(t *testing.T) {
	b := newBudget(t)
	c := state.Connection{ID: id, App: app, ConnectedAt: now, User: "ann"}
	counted := state.Connection{ID: "counted", App: app, ConnectedAt: now, Counted: true}
	b.connect(c, counted)
	b.subscribe(c)
	b.signIn(c)
	b.frames()
	b.publish()
	b.forget(c, counted)
	b.subscribers()
}

func (b *budget) connect(c, counted state.Connection) {
	ctx := b.Context()
	b.costs("connect", 1, 0, func() error { return b.PutConnection(ctx, c) })
	b.costs("connect, counted", 4, 0, func() error { return b.PutConnection(ctx, counted) })
	b.costs("read the number of open connections", 0, 1, func() error {
		_, err := b.OpenConnections(ctx, app)
		return err
	})
}

func (b *budget) subscribe(c state.Connection) {
	ctx := b.Context()
	room := state.Subscription{
		Connection: id, App: app, Channel: "presence-room",
		Stamp: 5, ConnectedAt: now, Pending: true,
		Member: pusher.Member{UserID: "ann", Info: json.RawMessage(`{"name":"Ann"}`)},
	}
	b.costs("read the connection", 0, 1, func() error {
		_, err := b.Connection(ctx, id)
		return err
	})
	b.costs("add the channel to it", 1, 0, func() error {
		_, err := b.TurnOn(ctx, c, room.Channel, 5, 0)
		return err
	})
	b.costs("put the lease", 1, 0, func() error { return b.PutLease(ctx, id, now) })
	b.costs("read the members", 0, 1, func() error {
		_, err := b.Members(ctx, app, room.Channel)
		return err
	})
	for _, step := range []string{"put the subscription", "put it again, newer than it is"} {
		b.costs(step, 1, 0, func() error { _, err := b.PutSubscription(ctx, room); return err })
	}
	b.costs("read the marker", 0, 1, func() error {
		_, err := b.Marker(ctx, app, room.Channel)
		return err
	})
	b.costs("read connection and marker", 0, 2, func() error {
		_, _, err := b.ConnectionAndMarker(ctx, c, room.Channel)
		return err
	})
	b.costs("settle", 1, 0, func() error { _, err := b.Settle(ctx, room); return err })
	b.costs("undo the subscribe", 1, 0, func() error {
		return b.TurnBack(ctx, id, room.Channel, 5)
	})
}

func (b *budget) signIn(c state.Connection) {
	ctx, watched := b.Context(), []string{"bob", "cy"}
	b.costs("sign in", 1, 0, func() error {
		_, err := b.SignIn(ctx, id, pusher.User{ID: "ann"})
		return err
	})
	b.costs("put the user", 1, 0, func() error { return b.PutUser(ctx, c, watched) })
	b.costs("watch two", 2, 0, func() error { return b.Watch(ctx, c, watched) })
	b.costs("look for a watcher", 0, 1, func() error {
		_, err := b.Watchers(ctx, app, "ann", now, 1)
		return err
	})
	b.costs("read a user's status", 0, 1, func() error {
		_, _, err := b.User(ctx, app, "bob")
		return err
	})
	b.costs("sign out", 1, 0, func() error {
		_, err := b.TakeUser(ctx, app, "ann", id)
		return err
	})
	b.costs("unwatch two", 2, 0, func() error { return b.Unwatch(ctx, app, id, watched) })
}

func (b *budget) frames() {
	ctx := b.Context()
	put := func(size int, version string) func() error {
		return func() error { return b.PutCached(ctx, app, news, make([]byte, size), version, now) }
	}
	read := func() error { _, err := b.Cached(ctx, app, news, now); return err }
	b.costs("count a frame", 1, 0, func() error {
		_, err := b.CountFrame(ctx, id, "client", 1e9, 5)
		return err
	})
	b.costs("cache an event of up to 1 KB", 1, 0, put(900, "1"))
	b.costs("read it", 0, 1, read)
	b.costs("cache one of 10 KB", 11, 0, put(10<<10, "2"))
	b.costs("read it", 0, 3, read)
	b.costs("list the channels", 0, 8, func() error {
		_, err := b.Channels(ctx, app, "")
		return err
	})
	b.costs("ban", 1, 0, func() error { return b.Ban(ctx, app, "ann", now) })
	b.costs("read a ban", 0, 1, func() error { _, err := b.Banned(ctx, app, "ann"); return err })
}

func (b *budget) publish() {
	p := state.KeyedPublish{App: app, Key: "order-7", Request: "digest", Answer: "{}"}
	for _, step := range []string{"keep a publish", "keep it again"} {
		b.costs(step, 1, 0, func() error {
			_, err := b.KeepPublish(b.Context(), p, now)
			return err
		})
	}
}

func (b *budget) forget(c, counted state.Connection) {
	for _, step := range []string{"forget, counted", "forget, counted, once more"} {
		b.costs(step, 4, 0, func() error { return b.DeleteConnection(b.Context(), counted) })
	}
	b.costs("forget", 1, 0, func() error { return b.DeleteConnection(b.Context(), c) })
}

func (b *budget) subscribers() {
	ctx := b.Context()
	for i := range 100 {
		_, err := b.PutSubscription(ctx, state.Subscription{
			Connection: pusher.ConnectionID(fmt.Sprintf("L0SM9cOFvHcCI%03d", i)),
			App:        app, Channel: news, Stamp: 5, ConnectedAt: now,
		})
		must(b.T, err)
	}
	b.costs("read a hundred subscribers", 0, 2, func() error {
		return b.Subscribers(ctx, app, news, now, func([]state.Subscription) error { return nil })
	})
	b.costs("count them", 0, 2, func() error { _, err := b.Count(ctx, app, news, now); return err })
	b.costs("look for one", 0, 1, func() error { _, err := b.Occupied(ctx, app, news); return err })
}
