package membership_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"hark/shared/internal/testkit"
	"hark/shared/membership"
	"hark/shared/pusher"
	"hark/shared/state"
)

// fussy is a store that fails on some connections.
type fussy struct {
	testkit.Store
	mu     sync.Mutex
	reads  map[pusher.ConnectionID]bool // connections that cannot be read
	leases map[pusher.ConnectionID]bool // connections that cannot be given a lease
}

var errThrottled = errors.New("throttled")

func (f *fussy) Connection(ctx context.Context, id pusher.ConnectionID) (state.Connection, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.reads[id] {
		return state.Connection{}, errThrottled
	}
	return f.Store.Connection(ctx, id)
}

func (f *fussy) PutLease(ctx context.Context, id pusher.ConnectionID, due time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.leases[id] {
		return errThrottled
	}
	return f.Store.PutLease(ctx, id, due)
}

func TestLeaseThatFails(t *testing.T) {
	set := func(t *testing.T) (*hours, *fussy) {
		h := newHours(t)
		h.swept()
		h.connects(first, news, lobby)
		h.connects(second, news, lobby)
		for _, id := range []pusher.ConnectionID{first, second} {
			h.vanishes(id)
			h.must(h.store.PutLease(t.Context(), id, h.now))
		}
		h.pass(10 * time.Second)
		f := &fussy{
			Store: h.store, reads: map[pusher.ConnectionID]bool{first: true},
			leases: map[pusher.ConnectionID]bool{},
		}
		h.rows = f
		return h, f
	}
	t.Run("is put off by two minutes and holds up no other", func(t *testing.T) {
		h, f := set(t)
		swept, err := h.members().Sweep(t.Context())
		if !errors.Is(err, errThrottled) || swept != (membership.Swept{Looked: 2, Forgotten: 1}) {
			t.Errorf("swept %+v, %v", swept, err)
		}
		h.consumes()
		if left := h.traces(second, news, lobby); len(left) > 0 {
			t.Errorf("of the other there is left: %v", left)
		}
		f.reads[first] = false
		h.runs(3 * time.Minute)
		if err := h.nothing(first, news, lobby); err != nil {
			t.Error(err)
		}
	})
	t.Run("stays due if it cannot be put off", func(t *testing.T) {
		h, f := set(t)
		f.leases[first] = true
		swept, err := h.members().Sweep(t.Context())
		if !errors.Is(err, errThrottled) || !swept.Behind {
			t.Errorf("swept %+v, %v", swept, err)
		}
		due, err := h.store.Due(t.Context(), h.now)
		if err != nil || len(due) != 1 || due[0].Connection != first {
			t.Errorf("due is %v (%v)", due, err)
		}
		h.rows = h.store
		h.sweeps()
		h.consumes()
		if err := h.nothing(first, news, lobby); err != nil {
			t.Error(err)
		}
	})
}

// unsure is a gateway that cannot answer whether a connection exists.
type unsure struct{ membership.Gateway }

func (unsure) Alive(context.Context, pusher.ConnectionID) (bool, error) {
	return false, errThrottled
}

// Only a clear answer ends a connection.
func TestConnectionThatCannotBeAskedForIsNotForgotten(t *testing.T) {
	h := newHours(t)
	h.swept()
	h.connects(first, news, lobby)
	h.must(h.store.PutLease(t.Context(), first, h.now))
	h.pass(10 * time.Second)
	m := h.members()
	m.Gateway = unsure{h}
	swept, err := m.Sweep(t.Context())
	if !errors.Is(err, errThrottled) || swept != (membership.Swept{Looked: 1}) {
		t.Errorf("swept %+v, %v", swept, err)
	}
	h.consumes()
	if err := errors.Join(h.there(first, news, lobby), h.again(first, true)); err != nil {
		t.Error(err)
	}
}

// hurried is a context whose deadline is near as soon as the test says so.
type hurried struct {
	context.Context
	near func() bool
}

func (c hurried) Deadline() (time.Time, bool) {
	if c.near() {
		return time.Now().Add(2 * time.Second), true // enough for the work that has begun
	}
	return time.Now().Add(time.Minute), true
}

// More may be due than a run gets through. The next runs go on.
func TestSweepThatRunsOutOfTimeGoesOnInTheNextRun(t *testing.T) {
	h := newHours(t)
	h.swept()
	const crowd = 100
	for i := range crowd {
		id := pusher.ConnectionID(fmt.Sprintf("connection-%d", i))
		h.connects(id, lobby)
		h.must(h.store.PutLease(t.Context(), id, h.now))
	}
	h.pass(10 * time.Second)
	asked := func() (n int) {
		h.asking.Lock()
		defer h.asking.Unlock()
		for _, times := range h.asked {
			n += times
		}
		return n
	}
	runs := 0
	for behind := true; behind; runs++ {
		end := asked() + 30
		ctx := hurried{t.Context(), func() bool { return asked() >= end }}
		swept, err := h.members().Sweep(ctx)
		if err != nil || swept.Looked == 0 {
			t.Fatalf("swept %+v, %v", swept, err)
		}
		behind = swept.Behind
	}
	if n := asked(); n != crowd || runs < 3 {
		t.Errorf("%d runs asked %d times for %d connections", runs, n, crowd)
	}
	last, err := h.store.Swept(t.Context())
	if err != nil || !last.Equal(h.now.Truncate(time.Minute)) {
		t.Errorf("swept %s (%v)", last.Format(time.TimeOnly), err)
	}
}

// A $disconnect may fail at each of its steps and come no second time. Sweep finds what it leaves.
func TestForgetThatFailsIsFinishedBySweep(t *testing.T) {
	for step, more := 1, true; more; step++ {
		h := newHours(t)
		h.swept()
		h.connects(first, news, lobby)
		h.vanishes(first)
		n, failed := 0, ""
		var mu sync.Mutex // several channels are left at once
		ask := func(what string) error {
			mu.Lock()
			defer mu.Unlock()
			if n++; n == step {
				failed = what
				return errThrottled
			}
			return nil
		}
		m, succeeded := h.members(), false
		m.Rows = testkit.Rows(gated{h.store, ask})
		m.Queue = gatedClients{clients: h.clients, ask: ask, succeeded: &succeeded}
		err := m.Disconnected(t.Context(), first)
		if more = failed != ""; more != (err != nil) {
			t.Fatalf("step %s: %v", failed, err)
		}
		h.consumes()
		h.runs(11 * time.Minute)
		if err := h.nothing(first, news, lobby); err != nil {
			t.Errorf("%s failed: %v", failed, err)
		}
	}
}
