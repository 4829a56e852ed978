package membership_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"hark/shared/dynamo"
	"hark/shared/internal/testkit"
	"hark/shared/membership"
	"hark/shared/pusher"
	"hark/shared/state"
)

// hours is a stack on which time passes as the test says.
type hours struct {
	*testing.T
	*clients
	store   *dynamo.State
	rows    testkit.Store // the store, or what a test puts before it
	now     time.Time
	tenants []string // apps whose channels are audited

	asking sync.Mutex
	asked  map[pusher.ConnectionID]int // how often the gateway was asked whether it exists
}

func newHours(t *testing.T) *hours {
	t.Helper()
	store := testkit.Table(t, nil)
	return &hours{
		T: t, clients: newClients(), store: store, rows: store, now: clock, tenants: []string{app},
		asked: map[pusher.ConnectionID]int{},
	}
}

// Alive counts the calls.
func (h *hours) Alive(ctx context.Context, id pusher.ConnectionID) (bool, error) {
	h.asking.Lock()
	h.asked[id]++
	h.asking.Unlock()
	return h.clients.Alive(ctx, id)
}

// IDs returns those of all apps.
func (h *hours) IDs(context.Context) ([]string, error) { return h.tenants, nil }

func (h *hours) members() *membership.Membership {
	m := newMembers(h.rows, h.clients)
	m.Gateway, m.Now = h, func() time.Time { return h.now }
	return m
}

func (h *hours) pass(d time.Duration) { h.now = h.now.Add(d) }

// stamp is the stamp of a frame that comes now.
func (h *hours) stamp() state.Stamp { return state.Stamp(h.now.UnixMilli()) }

func (h *hours) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// connects opens a connection and subscribes it to the channels.
func (h *hours) connects(id pusher.ConnectionID, channels ...pusher.Channel) {
	h.Helper()
	c := state.Connection{ID: id, App: h.app.ID, ConnectedAt: h.now}
	h.must(h.members().Open(h.Context(), h.app, c))
	h.subscribes(id, channels...)
}

func (h *hours) subscribes(id pusher.ConnectionID, channels ...pusher.Channel) {
	h.Helper()
	m := h.members()
	for _, ch := range channels {
		c, err := m.Connection(h.Context(), id)
		h.must(err)
		if ch.Presence() {
			member := pusher.Member{UserID: userOf(id)}
			h.must(m.SubscribePresence(h.Context(), c, ch, member, h.stamp()))
		} else {
			h.must(m.Subscribe(h.Context(), h.app, c, ch, h.stamp()))
		}
	}
	h.consumes()
}

// vanishes ends a connection without a $disconnect.
func (h *hours) vanishes(id pusher.ConnectionID) { h.must(h.Close(h.Context(), id)) }

// consumes handles the queued messages and returns them.
func (h *hours) consumes() []state.Broadcast {
	h.Helper()
	queued := h.take()
	for _, b := range queued {
		h.must(work(h.Context(), h.members(), inTurn{h}, b))
	}
	return queued
}

func (h *hours) sweeps() membership.Swept {
	h.Helper()
	swept, err := h.members().Sweep(h.Context())
	h.must(err)
	return swept
}

func (h *hours) audit() *membership.Audit {
	return &membership.Audit{Members: h.members(), List: h.store, Apps: h}
}

func (h *hours) audits() membership.Audited {
	h.Helper()
	audited, err := h.audit().Run(h.Context())
	h.must(err)
	return audited
}

// runs calls sweep, the audit and the consumer once a minute, for so long.
func (h *hours) runs(d time.Duration) {
	h.Helper()
	for end := h.now.Add(d); h.now.Before(end); h.pass(time.Minute) {
		h.sweeps()
		h.audits()
		h.consumes()
	}
}

// swept has Sweep begin with this minute.
func (h *hours) swept() {
	h.Helper()
	h.must(h.store.SetSwept(h.Context(), h.now.Add(-time.Minute)))
}

// counted returns how many subscribers the HTTP API says that the channel has, and whether it lists
// the channel.
func (h *hours) counted(ch pusher.Channel) (n int, listed bool) {
	h.Helper()
	n, err := h.store.Count(h.Context(), h.app.ID, ch, h.now)
	h.must(err)
	k, err := h.store.Marker(h.Context(), h.app.ID, ch)
	h.must(err)
	return n, k.Exists && k.Vacant == ""
}

// traces are what is left of a connection on the channels.
func (h *hours) traces(id pusher.ConnectionID, channels ...pusher.Channel) (left []string) {
	h.Helper()
	c, err := h.store.Connection(h.Context(), id)
	switch {
	case err == nil:
		left = append(left, fmt.Sprintf("the connection, dead: %t", c.Dead))
	case !errors.Is(err, state.ErrGone):
		h.Fatal(err)
	}
	for _, ch := range channels {
		_, found, err := h.store.Subscription(h.Context(), h.app.ID, ch, id)
		h.must(err)
		if found {
			left = append(left, "a subscription to "+string(ch))
		}
	}
	return left
}
