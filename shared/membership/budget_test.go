package membership_test

import (
	"fmt"
	"testing"

	"hark/localstack/cloud/meter"
	"hark/shared/internal/testkit"
	"hark/shared/pusher"
	"hark/shared/state"
)

// TestBudget asserts the read and write units of docs/decisions/0022-cost-budgets.md, exactly. They
// do not depend on the machine.
func TestBudget(t *testing.T) {
	const a, b = pusher.ConnectionID("L0SM9cOFvHcCIhw="), pusher.ConnectionID("R1kmxc2VNjMCFIA=")
	bill := &meter.Meter{}
	store := testkit.Table(t, bill)
	all := newClients()
	m := newMembers(store, all)
	costs := func(what string, writes, reads float64, f func() error) {
		t.Helper()
		wantCosts(t, bill, what, writes, reads, func() {
			if err := f(); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
		})
	}
	connect := func(id pusher.ConnectionID) func() error {
		c := state.Connection{ID: id, App: app, ConnectedAt: clock}
		return func() error { return m.Open(t.Context(), tenant(), c) }
	}
	disconnect := func(id pusher.ConnectionID) func() error {
		return func() error { return m.Disconnected(t.Context(), id) }
	}
	frame := func(
		id pusher.ConnectionID, ch pusher.Channel, stamp state.Stamp, on bool,
	) func() error {
		return func() error {
			c, err := m.Connection(t.Context(), id)
			if err != nil {
				return err
			}
			if !on {
				return m.Unsubscribe(t.Context(), tenant(), c, ch, stamp)
			}
			before := len(all.events(id))
			err = m.Subscribe(t.Context(), tenant(), c, ch, stamp)
			if err == nil && len(all.events(id)) == before {
				err = fmt.Errorf("not subscribed to %s", ch)
			}
			return err
		}
	}
	costs("connect", 1, 0, connect(a))
	costs("disconnect without a channel", 2, 0, disconnect(a))
	costs("connect again", 1, 0, connect(a))
	costs("connect of another", 1, 0, connect(b))
	costs("the first subscribe of a channel: C, S, K, S settled", 4, 4, frame(a, news, at(1), true))
	costs("a subscribe to an occupied channel: C, S, S settled", 3, 3, frame(b, news, at(1), true))
	costs("an unsubscribe that is overtaken", 0, 1, frame(b, news, at(0), false))
	costs("an unsubscribe from an occupied channel: C, S", 2, 2, frame(b, news, at(2), false))
	costs("the last unsubscribe: C, S, K flagged and deleted", 4, 3, frame(a, news, at(2), false))
	costs("a subscribe once more", 4, 4, frame(a, news, at(3), true))
	// C dead, S, K flagged and deleted, C deleted.
	costs("disconnect of the last subscriber", 5, 2, disconnect(a))
}

// wantCosts asserts the write and read units that f costs.
func wantCosts(
	t *testing.T, bill *meter.Meter, what string, writes, reads float64, f func(),
) {
	t.Helper()
	before := bill.Snapshot()
	f()
	after := bill.Snapshot()
	w := after[meter.WriteUnits] - before[meter.WriteUnits]
	r := after[meter.ReadUnits] - before[meter.ReadUnits]
	if w != writes || r != reads {
		t.Errorf("%s costs %v write and %v read units, want %v and %v", what, w, r, writes, reads)
	}
}

// TestBudgetOfManyChannels asserts what the row that holds a connection's channels costs. A write
// bills the whole item, so a subscribe costs 2 write units in all (this one and S) up to some 20
// names of 30 letters, and 5 at 100.
func TestBudgetOfManyChannels(t *testing.T) {
	const id = pusher.ConnectionID("L0SM9cOFvHcCIhw=")
	bill := &meter.Meter{}
	store := testkit.Table(t, bill)
	open(t, store, id)
	var curve []float64 // write units of C alone
	for i := range 100 {
		c, err := store.Connection(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		before := bill.Snapshot()[meter.WriteUnits]
		ch := pusher.Channel(fmt.Sprintf("private-App.Models.Order.%05d", i))
		if _, err := store.TurnOn(t.Context(), c, ch, at(i), 0); err != nil {
			t.Fatal(err)
		}
		curve = append(curve, bill.Snapshot()[meter.WriteUnits]-before)
	}
	for i, want := range map[int]float64{1: 1, 20: 1, 50: 2, 100: 4} {
		if got := curve[i-1]; got != want {
			t.Errorf("channel %d costs %v write units, want %v", i, got, want)
		}
	}
}
