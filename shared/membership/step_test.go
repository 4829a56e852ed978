package membership_test

import (
	"context"
	"testing"
	"time"

	"hark/shared/internal/testkit"
	"hark/shared/membership"
	"hark/shared/pusher"
	"hark/shared/state"
)

// process is an invocation that a test steps through, with the clients that it posts to.
type process struct {
	*testkit.Process
	succeeded bool // it has sent a client that it is subscribed
}

// start runs f up to its first step.
func start(
	t *testing.T, name string, store testkit.Store,
	f func(ctx context.Context, m *membership.ConsumerSteps) error,
) *process {
	t.Helper()
	return startAmong(t, name, newClients(), store, f)
}

// startAmong is start with clients that keep what they are sent, and a queue that keeps what is
// queued.
func startAmong(
	t *testing.T, name string, all *clients, store testkit.Store,
	f func(ctx context.Context, m *membership.ConsumerSteps) error,
) *process {
	t.Helper()
	p := &process{}
	p.Process = testkit.Start(t, name, func(ctx context.Context, ask testkit.Ask) error {
		posts := gatedClients{clients: all, ask: ask, succeeded: &p.succeeded}
		m := &membership.Membership{
			Rows: testkit.Rows(gated{store, ask}), Gateway: posts, Queue: posts, Apps: all,
			Timeout: timeout, Now: now,
		}
		return f(ctx, &membership.ConsumerSteps{Membership: m, Fanout: gatedFanout{posts}})
	})
	return p
}

// play takes the steps of a script; see testkit.Play.
func play(t *testing.T, script string, processes ...*process) {
	t.Helper()
	all := make([]*testkit.Process, len(processes))
	for i, p := range processes {
		all[i] = p.Process
	}
	testkit.Play(t, script, all...)
}

// gated asks before every step.
type gated struct {
	testkit.Store
	ask func(step string) error
}

func (g gated) Connection(ctx context.Context, id pusher.ConnectionID) (state.Connection, error) {
	if err := g.ask("Connection"); err != nil {
		return state.Connection{}, err
	}
	return g.Store.Connection(ctx, id)
}

func (g gated) TurnOn(
	ctx context.Context, c state.Connection, ch pusher.Channel, t, stale state.Stamp,
) (bool, error) {
	if err := g.ask("TurnOn"); err != nil {
		return false, err
	}
	return g.Store.TurnOn(ctx, c, ch, t, stale)
}

func (g gated) TurnOff(
	ctx context.Context, c state.Connection, ch pusher.Channel, t, stale state.Stamp,
) (bool, error) {
	if err := g.ask("TurnOff"); err != nil {
		return false, err
	}
	return g.Store.TurnOff(ctx, c, ch, t, stale)
}

func (g gated) MarkDead(ctx context.Context, id pusher.ConnectionID) (state.Connection, error) {
	if err := g.ask("MarkDead"); err != nil {
		return state.Connection{}, err
	}
	return g.Store.MarkDead(ctx, id)
}

func (g gated) DeleteConnection(ctx context.Context, c state.Connection) error {
	if err := g.ask("DeleteConnection"); err != nil {
		return err
	}
	return g.Store.DeleteConnection(ctx, c)
}

func (g gated) PutSubscription(ctx context.Context, s state.Subscription) (bool, error) {
	if err := g.ask("PutSubscription"); err != nil {
		return false, err
	}
	return g.Store.PutSubscription(ctx, s)
}

func (g gated) DropSubscription(ctx context.Context, s state.Subscription) error {
	if err := g.ask("DropSubscription"); err != nil {
		return err
	}
	return g.Store.DropSubscription(ctx, s)
}

func (g gated) DropOlderSubscription(ctx context.Context, s state.Subscription) error {
	if err := g.ask("DropOlderSubscription"); err != nil {
		return err
	}
	return g.Store.DropOlderSubscription(ctx, s)
}

func (g gated) TakeSubscription(ctx context.Context, s state.Subscription) (state.Stamp, error) {
	if err := g.ask("TakeSubscription"); err != nil {
		return 0, err
	}
	return g.Store.TakeSubscription(ctx, s)
}

func (g gated) Occupied(ctx context.Context, app string, ch pusher.Channel) (bool, error) {
	if err := g.ask("Occupied"); err != nil {
		return false, err
	}
	return g.Store.Occupied(ctx, app, ch)
}

func (g gated) ConnectionAndMarker(
	ctx context.Context, c state.Connection, ch pusher.Channel,
) (state.Connection, state.Marker, error) {
	if err := g.ask("ConnectionAndMarker"); err != nil {
		return state.Connection{}, state.Marker{}, err
	}
	return g.Store.ConnectionAndMarker(ctx, c, ch)
}

func (g gated) Marker(ctx context.Context, app string, ch pusher.Channel) (state.Marker, error) {
	if err := g.ask("Marker"); err != nil {
		return state.Marker{}, err
	}
	return g.Store.Marker(ctx, app, ch)
}

func (g gated) PutMarker(
	ctx context.Context, app string, ch pusher.Channel, now time.Time,
) (bool, error) {
	if err := g.ask("PutMarker"); err != nil {
		return false, err
	}
	return g.Store.PutMarker(ctx, app, ch, now)
}

func (g gated) MarkVacant(
	ctx context.Context, app string, ch pusher.Channel, nonce string,
) (bool, error) {
	if err := g.ask("MarkVacant"); err != nil {
		return false, err
	}
	return g.Store.MarkVacant(ctx, app, ch, nonce)
}

func (g gated) Reopen(
	ctx context.Context, app string, ch pusher.Channel, nonce string,
) (bool, error) {
	if err := g.ask("Reopen"); err != nil {
		return false, err
	}
	return g.Store.Reopen(ctx, app, ch, nonce)
}

func (g gated) DeleteMarker(
	ctx context.Context, app string, ch pusher.Channel, nonce string,
) error {
	if err := g.ask("DeleteMarker"); err != nil {
		return err
	}
	return g.Store.DeleteMarker(ctx, app, ch, nonce)
}

func (g gated) Members(
	ctx context.Context, app string, ch pusher.Channel,
) ([]state.Subscription, error) {
	if err := g.ask("Members"); err != nil {
		return nil, err
	}
	return g.Store.Members(ctx, app, ch)
}

func (g gated) Settle(ctx context.Context, s state.Subscription) (bool, error) {
	if err := g.ask("Settle"); err != nil {
		return false, err
	}
	return g.Store.Settle(ctx, s)
}

func (g gated) TurnBack(
	ctx context.Context, id pusher.ConnectionID, ch pusher.Channel, t state.Stamp,
) error {
	if err := g.ask("TurnBack"); err != nil {
		return err
	}
	return g.Store.TurnBack(ctx, id, ch, t)
}

func (g gated) PutLease(ctx context.Context, id pusher.ConnectionID, due time.Time) error {
	if err := g.ask("PutLease"); err != nil {
		return err
	}
	return g.Store.PutLease(ctx, id, due)
}
