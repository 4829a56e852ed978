package membership_test

import (
	"context"
	"testing"
	"time"

	"hark/shared/dynamo"
	"hark/shared/internal/testkit"
	"hark/shared/pusher"
	"hark/shared/state"
)

// The shortest interleavings of docs/steps.md §2 that break the obvious steps. Each test plays one
// on the corrected steps, which must end right. Then it plays it without the correction, which must
// end wrong, or the test would show nothing.

// The connections of these tests.
const (
	a = pusher.ConnectionID("L0SM9cOFvHcCIhw=")
	b = pusher.ConnectionID("R1kmxc2VNjMCFIA=")
)

// interleaving is a play of processes on a store, how it must end, and the correction that makes it
// end so.
type interleaving struct {
	play       func(t *testing.T, store func() testkit.Store)
	right      func(rows) bool
	correction string
	without    func(*dynamo.State) testkit.Store // the store without the correction
}

func (i interleaving) run(t *testing.T) {
	t.Run("with "+i.correction, func(t *testing.T) {
		table := testkit.Table(t, nil)
		i.play(t, func() testkit.Store { return table })
		sweep(t, table)
		if r := readRows(t, table, a, b); !i.right(r) {
			t.Errorf("ends wrong: %+v", r)
		}
	})
	t.Run("not without "+i.correction, func(t *testing.T) {
		table := testkit.Table(t, nil)
		i.play(t, func() testkit.Store { return i.without(table) })
		sweep(t, table)
		if r := readRows(t, table, a, b); i.right(r) {
			t.Errorf("ends right all the same: %+v", r)
		}
	})
}

// Interleaving 3.
func TestUnsubscribeThatTheNextSubscribeOvertakesLeavesItsRow(t *testing.T) {
	interleaving{
		play: func(t *testing.T, store func() testkit.Store) {
			open(t, store(), a)
			play(t, `sub1 *`, subscribe(t, "sub1", store(), a, at(1)))
			unsub2 := unsubscribe(t, "unsub2", store(), a, at(2))
			sub3 := subscribe(t, "sub3", store(), a, at(3))
			play(t, `unsub2 Connection
				unsub2 TurnOff
				sub3 *
				unsub2 *`, unsub2, sub3)
			if !sub3.succeeded {
				t.Error("the client was not sent the success of its last subscribe")
			}
		},
		right:      func(r rows) bool { return r.subscribed[a] == at(3) && r.listed() },
		correction: "stamps",
		without:    func(s *dynamo.State) testkit.Store { return unstamped{s} },
	}.run(t)
}

// Interleaving 4.
func TestSubscribeThatTheUnsubscribeAfterItOvertakesLeavesNoRow(t *testing.T) {
	interleaving{
		play: func(t *testing.T, store func() testkit.Store) {
			open(t, store(), a)
			sub1 := subscribe(t, "sub1", store(), a, at(1))
			unsub2 := unsubscribe(t, "unsub2", store(), a, at(2))
			play(t, `sub1 Connection
				sub1 TurnOn
				unsub2 *
				sub1 *`, sub1, unsub2)
		},
		right:      func(r rows) bool { return len(r.subscribed) == 0 && !r.marker.Exists },
		correction: "the read of the connection after the put",
		without:    func(s *dynamo.State) testkit.Store { return &unchecked{Store: s} },
	}.run(t)
}

// Interleaving 5.
func TestTwoThatSubscribeAtOnceListTheChannel(t *testing.T) {
	interleaving{
		play: func(t *testing.T, store func() testkit.Store) {
			open(t, store(), a, b)
			play(t, `a Connection
				b Connection
				a TurnOn
				b TurnOn
				a PutSubscription
				b PutSubscription
				a ConnectionAndMarker
				b ConnectionAndMarker
				a *
				b *`, subscribe(t, "a", store(), a, at(1)), subscribe(t, "b", store(), b, at(1)))
		},
		right:      func(r rows) bool { return len(r.subscribed) == 2 && r.listed() },
		correction: "a marker written by every subscriber that misses it",
		without:    func(s *dynamo.State) testkit.Store { return firstOnly{s} },
	}.run(t)
}

// Interleaving 5, its second form.
func TestSubscriberThatComesWhileTheLastOneLeavesKeepsTheChannelListed(t *testing.T) {
	interleaving{
		play: func(t *testing.T, store func() testkit.Store) {
			open(t, store(), a, b)
			play(t, `a *`, subscribe(t, "a", store(), a, at(1)))
			leave := unsubscribe(t, "leave", store(), a, at(2))
			come := subscribe(t, "come", store(), b, at(2))
			play(t, `leave Connection
				leave TurnOff
				leave DropOlderSubscription
				leave Occupied
				come Connection
				come TurnOn
				come PutSubscription
				come ConnectionAndMarker
				come *
				leave *`, leave, come)
		},
		right:      func(r rows) bool { return r.subscribed[b] == at(2) && r.listed() },
		correction: "the second read of the channel",
		without:    func(s *dynamo.State) testkit.Store { return &hasty{Store: s} },
	}.run(t)
}

// Interleaving 6.
func TestMarkerPutAfterTheOnlySubscriberWasForgottenDoesNotStay(t *testing.T) {
	interleaving{
		play: func(t *testing.T, store func() testkit.Store) {
			open(t, store(), a)
			sub, end := subscribe(t, "sub", store(), a, at(1)), forget(t, "forget", store(), a)
			play(t, `sub Connection
				sub TurnOn
				sub PutSubscription
				sub ConnectionAndMarker
				forget *
				sub PutMarker
				sub *`, sub, end)
		},
		right: func(r rows) bool {
			return len(r.subscribed) == 0 && !r.marker.Exists && !r.open[a]
		},
		correction: "the read of the channel after the marker was put",
		without:    func(s *dynamo.State) testkit.Store { return &trusting{Store: s} },
	}.run(t)
}

// Interleaving 7.
func TestSubscribeThatMeetsTheEndOfItsConnectionLeavesNoRow(t *testing.T) {
	interleaving{
		play: func(t *testing.T, store func() testkit.Store) {
			open(t, store(), a)
			sub, end := subscribe(t, "sub", store(), a, at(1)), forget(t, "forget", store(), a)
			play(t, `sub Connection
				forget MarkDead
				sub *
				forget *`, sub, end)
		},
		right: func(r rows) bool {
			return len(r.subscribed) == 0 && !r.marker.Exists && !r.open[a]
		},
		correction: "the dead flag",
		without:    func(s *dynamo.State) testkit.Store { return untombed{s} },
	}.run(t)
}

// Interleaving 8.
func TestSubscribeThatDiesAfterItsConnectionWasForgottenLeavesNoRowForLong(t *testing.T) {
	interleaving{
		play: func(t *testing.T, store func() testkit.Store) {
			open(t, store(), a)
			sub, end := subscribe(t, "sub", store(), a, at(1)), forget(t, "forget", store(), a)
			play(t, `sub Connection
				sub TurnOn
				forget *
				sub PutSubscription`, sub, end)
		},
		right: func(r rows) bool {
			return len(r.subscribed) == 0 && !r.marker.Exists && !r.open[a]
		},
		correction: "the doubt",
		without:    func(s *dynamo.State) testkit.Store { return undoubting{s} },
	}.run(t)
}

// docs/steps.md §3.1 step 2.
func TestSubscribeThatTurnOnRefusesEndsThere(t *testing.T) {
	interleaving{
		play: func(t *testing.T, store func() testkit.Store) {
			open(t, store(), a)
			sub1 := subscribe(t, "sub1", store(), a, at(1))
			unsub2 := unsubscribe(t, "unsub2", store(), a, at(2))
			play(t, `sub1 Connection
				unsub2 *
				sub1 TurnOn`, sub1, unsub2)
			if sub1.Next != "" {
				sub1.Step() // and dies: no later step of it can undo this one
			}
		},
		right:      func(r rows) bool { return len(r.subscribed) == 0 && !r.marker.Exists },
		correction: "the end of a subscribe that was overtaken",
		without:    func(s *dynamo.State) testkit.Store { return neverRefused{s} },
	}.run(t)
}

// At equal stamps the subscribe wins: docs/steps.md §3.3.
func TestUnsubscribeKeepsTheRowOfASubscribeOfTheSameStamp(t *testing.T) {
	interleaving{
		play: func(t *testing.T, store func() testkit.Store) {
			open(t, store(), a)
			unsub := unsubscribe(t, "unsub", store(), a, at(2))
			sub := subscribe(t, "sub", store(), a, at(2))
			play(t, `unsub Connection
				unsub TurnOff
				sub *
				unsub *`, unsub, sub)
		},
		right:      func(r rows) bool { return r.subscribed[a] == at(2) && r.listed() },
		correction: "the removal of older rows only",
		without:    func(s *dynamo.State) testkit.Store { return unstamped{s} },
	}.run(t)
}

// unstamped removes a subscription whatever its stamp.
type unstamped struct{ *dynamo.State }

func (s unstamped) DropOlderSubscription(ctx context.Context, sub state.Subscription) error {
	_, err := s.TakeSubscription(ctx, sub)
	return err
}

// neverRefused reports that TurnOn succeeded though a newer frame overtook the subscribe.
type neverRefused struct{ *dynamo.State }

func (s neverRefused) TurnOn(
	ctx context.Context, c state.Connection, ch pusher.Channel, t, stale state.Stamp,
) (bool, error) {
	_, err := s.State.TurnOn(ctx, c, ch, t, stale)
	return true, err
}

// unchecked believes that the connection is as its own frame left it.
type unchecked struct {
	testkit.Store
	stamp state.Stamp
}

func (s *unchecked) PutSubscription(ctx context.Context, sub state.Subscription) (bool, error) {
	s.stamp = sub.Stamp
	return s.Store.PutSubscription(ctx, sub)
}

func (s *unchecked) ConnectionAndMarker(
	ctx context.Context, c state.Connection, ch pusher.Channel,
) (state.Connection, state.Marker, error) {
	_, k, err := s.Store.ConnectionAndMarker(ctx, c, ch)
	c.On = map[pusher.Channel]state.Stamp{ch: s.stamp}
	return c, k, err
}

// firstOnly leaves the marker to a subscriber that is alone on the channel.
type firstOnly struct{ *dynamo.State }

func (s firstOnly) ConnectionAndMarker(
	ctx context.Context, c state.Connection, ch pusher.Channel,
) (state.Connection, state.Marker, error) {
	now, k, err := s.State.ConnectionAndMarker(ctx, c, ch)
	if err != nil {
		return now, k, err
	}
	n, err := s.Count(ctx, c.App, ch, clock)
	if n > 1 {
		k.Exists = true
	}
	return now, k, err
}

// hasty does not read the channel again after it has flagged the marker.
type hasty struct {
	testkit.Store
	flagged bool
}

func (s *hasty) MarkVacant(
	ctx context.Context, app string, ch pusher.Channel, nonce string,
) (bool, error) {
	s.flagged = true
	return s.Store.MarkVacant(ctx, app, ch, nonce)
}

func (s *hasty) Occupied(ctx context.Context, app string, ch pusher.Channel) (bool, error) {
	if s.flagged {
		return false, nil
	}
	return s.Store.Occupied(ctx, app, ch)
}

// trusting believes that a channel whose marker it has put is still occupied.
type trusting struct {
	testkit.Store
	put bool
}

func (s *trusting) PutMarker(
	ctx context.Context, app string, ch pusher.Channel, now time.Time,
) (bool, error) {
	s.put = true
	return s.Store.PutMarker(ctx, app, ch, now)
}

func (s *trusting) Occupied(ctx context.Context, app string, ch pusher.Channel) (bool, error) {
	if s.put {
		return true, nil
	}
	return s.Store.Occupied(ctx, app, ch)
}

// untombed does not mark the connection that it forgets.
type untombed struct{ *dynamo.State }

func (s untombed) MarkDead(ctx context.Context, id pusher.ConnectionID) (state.Connection, error) {
	return s.Connection(ctx, id)
}

// undoubting forgets a connection for good although a subscription that it expected was missing.
type undoubting struct{ *dynamo.State }

func (s undoubting) TakeSubscription(
	ctx context.Context, sub state.Subscription,
) (state.Stamp, error) {
	if _, err := s.State.TakeSubscription(ctx, sub); err != nil {
		return 0, err
	}
	c, err := s.Connection(ctx, sub.Connection)
	return c.On[sub.Channel], err
}
