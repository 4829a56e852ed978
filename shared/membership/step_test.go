package membership_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"hark/shared/membership"
	"hark/shared/pusher"
	"hark/shared/state"
)

// process is one invocation that stops before each of its reads and writes until it is told to go
// on. So a test forces any interleaving of the real code on the real engine, one step at a time.
type process struct {
	name  string
	next  string // the step it stands before; empty when it has ended
	told  bool   // it has told a client that it is subscribed
	err   error
	after *process // the one before it in the queue, if the consumer takes one at a time
	at    chan string
	run   chan struct{}
	ended chan struct{}
}

// start runs f up to its first step. What is left of it when the test ends has died there.
func start(t *testing.T, name string, store Store, f func(ctx context.Context, m *membership.ConsumerSteps) error) *process {
	t.Helper()
	return startAmong(t, name, newClients(), store, f)
}

// startAmong is start with clients that note what they are sent, and a queue that notes what is
// queued.
func startAmong(
	t *testing.T, name string, all *clients, store Store, f func(ctx context.Context, m *membership.ConsumerSteps) error,
) *process {
	t.Helper()
	p := &process{name: name, at: make(chan string), run: make(chan struct{}), ended: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	ask := func(step string) error {
		select {
		case p.at <- step:
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case <-p.run:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	posts := gatedClients{clients: all, ask: ask, told: &p.told}
	m := &membership.Membership{
		Rows: allRows(gated{store, ask}), Gateway: posts, Queue: posts, Apps: all,
		Timeout: timeout, Now: func() time.Time { return clock },
	}
	go func() {
		defer close(p.ended)
		p.err = f(ctx, &membership.ConsumerSteps{Membership: m, Fanout: gatedFanout{posts}})
	}()
	t.Cleanup(func() { cancel(); <-p.ended })
	p.arrive()
	return p
}

// arrive waits until the process stands before its next step, or has ended.
func (p *process) arrive() {
	select {
	case p.next = <-p.at:
	case <-p.ended:
		p.next = ""
	}
}

// step lets the process take one step, when the one before it in the queue is through.
func (p *process) step() {
	if p.after != nil {
		p.after.finish()
	}
	p.run <- struct{}{}
	p.arrive()
}

// finish lets it run to its end.
func (p *process) finish() {
	for p.next != "" {
		p.step()
	}
}

// play takes steps in the order of the script: "name Step" takes one, which must be that one; "name
// *" runs to the end. What is left unfinished has died there.
func play(t *testing.T, script string, processes ...*process) {
	t.Helper()
	for line := range strings.Lines(script) {
		name, step, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok {
			continue
		}
		for _, p := range processes {
			switch {
			case p.name != name:
			case step == "*":
				p.finish()
				if p.err != nil {
					t.Fatalf("%s: %v", name, p.err)
				}
			case p.next != step:
				t.Fatalf("%s stands before %q, the script says %s", name, p.next, step)
			default:
				p.step()
			}
		}
	}
}

// gated asks before every step.
type gated struct {
	Store
	ask func(step string) error
}

func (g gated) Connection(ctx context.Context, id pusher.ConnectionID) (state.Connection, error) {
	if err := g.ask("Connection"); err != nil {
		return state.Connection{}, err
	}
	return g.Store.Connection(ctx, id)
}

func (g gated) TurnOn(ctx context.Context, c state.Connection, ch pusher.Channel, t, stale state.Stamp) (bool, error) {
	if err := g.ask("TurnOn"); err != nil {
		return false, err
	}
	return g.Store.TurnOn(ctx, c, ch, t, stale)
}

func (g gated) TurnOff(ctx context.Context, c state.Connection, ch pusher.Channel, t, stale state.Stamp) (bool, error) {
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

func (g gated) PutMarker(ctx context.Context, app string, ch pusher.Channel, now time.Time) (bool, error) {
	if err := g.ask("PutMarker"); err != nil {
		return false, err
	}
	return g.Store.PutMarker(ctx, app, ch, now)
}

func (g gated) MarkVacant(ctx context.Context, app string, ch pusher.Channel, nonce string) (bool, error) {
	if err := g.ask("MarkVacant"); err != nil {
		return false, err
	}
	return g.Store.MarkVacant(ctx, app, ch, nonce)
}

func (g gated) Reopen(ctx context.Context, app string, ch pusher.Channel, nonce string) (bool, error) {
	if err := g.ask("Reopen"); err != nil {
		return false, err
	}
	return g.Store.Reopen(ctx, app, ch, nonce)
}

func (g gated) DeleteMarker(ctx context.Context, app string, ch pusher.Channel, nonce string) error {
	if err := g.ask("DeleteMarker"); err != nil {
		return err
	}
	return g.Store.DeleteMarker(ctx, app, ch, nonce)
}

func (g gated) Members(ctx context.Context, app string, ch pusher.Channel) ([]state.Subscription, error) {
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

func (g gated) TurnBack(ctx context.Context, id pusher.ConnectionID, ch pusher.Channel, t state.Stamp) error {
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
