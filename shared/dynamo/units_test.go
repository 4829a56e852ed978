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

// TestUnits holds what each step costs (docs/decisions/0022-cost-budgets.md), which the budgets of whole operations are made of.
func TestUnits(t *testing.T) {
	var bill meter.Meter
	server := httptest.NewServer(metered(t, &bill))
	t.Cleanup(server.Close)
	s := &dynamo.State{Client: client(server.URL), Table: "state"}
	costs := func(step string, writes, reads float64, f func() error) {
		t.Helper()
		before := bill.Snapshot()
		do(t, f())
		after := bill.Snapshot()
		gotW, gotR := after[meter.WriteUnits]-before[meter.WriteUnits], after[meter.ReadUnits]-before[meter.ReadUnits]
		if gotW != writes || gotR != reads {
			t.Errorf("%s: %g write and %g read units, want %g and %g", step, gotW, gotR, writes, reads)
		}
	}
	ctx := t.Context()
	c := state.Connection{ID: id, App: app, ConnectedAt: now, User: "ann"}
	counted := state.Connection{ID: "counted", App: app, ConnectedAt: now, Counted: true}
	costs("connect", 1, 0, func() error { return s.PutConnection(ctx, c) })
	costs("connect, counted", 4, 0, func() error { return s.PutConnection(ctx, counted) })
	costs("look at the count", 0, 1, func() error { _, err := s.OpenConnections(ctx, app); return err })

	room := state.Subscription{
		Connection: id, App: app, Channel: "presence-room", Stamp: 5, ConnectedAt: now, Pending: true,
		Member: pusher.Member{UserID: "ann", Info: json.RawMessage(`{"name":"Ann"}`)},
	}
	costs("look at the connection", 0, 1, func() error { _, err := s.Connection(ctx, id); return err })
	costs("note the channel", 1, 0, func() error { _, err := s.TurnOn(ctx, c, room.Channel, 5, 0); return err })
	costs("put the lease", 1, 0, func() error { return s.PutLease(ctx, id, now) })
	costs("look at the members", 0, 1, func() error { _, err := s.Members(ctx, app, room.Channel); return err })
	costs("put the subscription", 1, 0, func() error { _, err := s.PutSubscription(ctx, room); return err })
	costs("put it again, newer than it is", 1, 0, func() error { _, err := s.PutSubscription(ctx, room); return err })
	costs("look at the marker", 0, 1, func() error { _, err := s.Marker(ctx, app, room.Channel); return err })
	costs("look at both", 0, 2, func() error { _, _, err := s.ConnectionAndMarker(ctx, c, room.Channel); return err })
	costs("settle", 1, 0, func() error { _, err := s.Settle(ctx, room); return err })
	costs("take it back", 1, 0, func() error { return s.TurnBack(ctx, id, room.Channel, 5) })

	costs("sign in", 1, 0, func() error { _, err := s.SignIn(ctx, id, pusher.User{ID: "ann"}); return err })
	costs("put the user", 1, 0, func() error { return s.PutUser(ctx, c, []string{"bob", "cy"}) })
	costs("watch two", 2, 0, func() error { return s.Watch(ctx, c, []string{"bob", "cy"}) })
	costs("look whether somebody watches", 0, 1, func() error { _, err := s.Watchers(ctx, app, "ann", now, 1); return err })
	costs("look whether one is there", 0, 1, func() error { _, _, err := s.User(ctx, app, "bob"); return err })
	costs("sign out", 1, 0, func() error { _, err := s.TakeUser(ctx, app, "ann", id); return err })
	costs("unwatch two", 2, 0, func() error { return s.Unwatch(ctx, app, id, []string{"bob", "cy"}) })

	costs("count a frame", 1, 0, func() error { _, err := s.CountFrame(ctx, id, "client", 1e9, 5); return err })
	costs("keep an event of up to 1 KB", 1, 0, func() error { return s.PutCached(ctx, app, news, make([]byte, 900), "1", now) })
	costs("look for it", 0, 1, func() error { _, err := s.Cached(ctx, app, news, now); return err })
	costs("keep one of 10 KB", 11, 0, func() error { return s.PutCached(ctx, app, news, make([]byte, 10<<10), "2", now) })
	costs("look for it", 0, 3, func() error { _, err := s.Cached(ctx, app, news, now); return err })
	costs("list the channels", 0, 8, func() error { _, err := s.Channels(ctx, app, ""); return err })

	costs("ban", 1, 0, func() error { return s.Ban(ctx, app, "ann", now) })
	costs("look for a ban", 0, 1, func() error { _, err := s.Banned(ctx, app, "ann"); return err })

	once := state.KeyedPublish{App: app, Key: "order-7", Request: "digest", Answer: "{}"}
	costs("keep a publish", 1, 0, func() error { _, err := s.KeepPublish(ctx, once, now); return err })
	costs("keep it again", 1, 0, func() error { _, err := s.KeepPublish(ctx, once, now); return err })

	costs("forget, counted", 4, 0, func() error { return s.DeleteConnection(ctx, counted) })
	costs("forget, counted, once more", 4, 0, func() error { return s.DeleteConnection(ctx, counted) })
	costs("forget", 1, 0, func() error { return s.DeleteConnection(ctx, c) })

	const many = 100
	for i := range many {
		sub := state.Subscription{Connection: pusher.ConnectionID(fmt.Sprintf("L0SM9cOFvHcCI%03d", i)), App: app, Channel: news, Stamp: 5, ConnectedAt: now}
		_, err := s.PutSubscription(ctx, sub)
		do(t, err)
	}
	costs("find a hundred subscribers", 0, 2, func() error {
		return s.Subscribers(ctx, app, news, now, func([]state.Subscription) error { return nil })
	})
	costs("count them", 0, 2, func() error { _, err := s.Count(ctx, app, news, now); return err })
	costs("look whether there is one", 0, 1, func() error { _, err := s.Occupied(ctx, app, news); return err })
}
