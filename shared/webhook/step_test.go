package webhook_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"hark/shared/pusher"
	"hark/shared/state"
	"hark/shared/webhook"
)

// process is one invocation of the checker that stops before each of its reads, writes and announcements until step is called. So a
// test forces any interleaving of the real code on the real engine. One that has not ended when the test ends died there.
type process struct {
	name  string
	next  string // the step it stands before; empty when it has ended
	err   error
	at    chan string
	run   chan struct{}
	ended chan struct{}
}

// start has a checker look, up to its first step.
func start(t *testing.T, name string, rows rows, announced *announcements, k state.Check) *process {
	t.Helper()
	p := &process{name: name, at: make(chan string), run: make(chan struct{}), ended: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	gate := gated{rows: rows, announced: announced, ask: func(step string) error {
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
	}}
	checker := &webhook.Checker{Markers: gate, Members: gate, Misses: gate, Apps: apps{tenant()}, Notifier: gate}
	go func() {
		defer close(p.ended)
		p.err = checker.Check(ctx, k)
	}()
	t.Cleanup(func() { cancel(); <-p.ended })
	p.arrive()
	return p
}

func (p *process) arrive() {
	select {
	case p.next = <-p.at:
	case <-p.ended:
		p.next = ""
	}
}

func (p *process) step() {
	p.run <- struct{}{}
	p.arrive()
}

// play takes the steps in the order of the script, which must be the next ones: "*" is all that are left.
func (p *process) play(t *testing.T, script string) {
	t.Helper()
	for step := range strings.FieldsSeq(script) {
		if step == "*" {
			for n := 0; p.next != ""; n++ {
				if n == 100 {
					t.Fatalf("%s goes on for ever", p.name)
				}
				p.step()
			}
			if p.err != nil {
				t.Fatalf("%s: %v", p.name, p.err)
			}
			return
		}
		if p.next != step {
			t.Fatalf("%s stands before %q, the script says %s", p.name, p.next, step)
		}
		p.step()
	}
}

// rows is the store of a checker.
type rows interface {
	webhook.Markers
	webhook.Members
	webhook.Misses
}

// announcements are the names of the webhook events that the app was sent, in order.
type announcements struct {
	mu  sync.Mutex
	all []string
}

func (a *announcements) add(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, name)
}

func (a *announcements) are(want ...string) bool { return slices.Equal(a.all, want) }

// gated asks before the steps that matter: what changes something, and the look at the rows of subscribers.
type gated struct {
	rows
	announced *announcements
	ask       func(step string) error
}

func (g gated) Marker(ctx context.Context, app string, ch pusher.Channel) (state.Marker, error) {
	if err := g.ask("Marker"); err != nil {
		return state.Marker{}, err
	}
	return g.rows.Marker(ctx, app, ch)
}

func (g gated) Occupied(ctx context.Context, app string, ch pusher.Channel) (bool, error) {
	if err := g.ask("Occupied"); err != nil {
		return false, err
	}
	return g.rows.Occupied(ctx, app, ch)
}

func (g gated) MarkVacant(ctx context.Context, app string, ch pusher.Channel, nonce string) (bool, error) {
	if err := g.ask("MarkVacant"); err != nil {
		return false, err
	}
	return g.rows.MarkVacant(ctx, app, ch, nonce)
}

func (g gated) Reopen(ctx context.Context, app string, ch pusher.Channel, nonce string) (bool, error) {
	if err := g.ask("Reopen"); err != nil {
		return false, err
	}
	return g.rows.Reopen(ctx, app, ch, nonce)
}

func (g gated) TakeMarker(ctx context.Context, app string, ch pusher.Channel, nonce string) (bool, error) {
	if err := g.ask("TakeMarker"); err != nil {
		return false, err
	}
	return g.rows.TakeMarker(ctx, app, ch, nonce)
}

func (g gated) SetAnnounced(ctx context.Context, app string, ch pusher.Channel, announced state.Announced, nonce string) (bool, error) {
	if err := g.ask("SetAnnounced"); err != nil {
		return false, err
	}
	return g.rows.SetAnnounced(ctx, app, ch, announced, nonce)
}

func (g gated) Present(ctx context.Context, app string, ch pusher.Channel, user string) (pusher.ConnectionID, bool, error) {
	if err := g.ask("Present"); err != nil {
		return "", false, err
	}
	return g.rows.Present(ctx, app, ch, user)
}

func (g gated) SetAnnouncedMember(ctx context.Context, app string, ch pusher.Channel, user string, announced state.AnnouncedMember) error {
	if err := g.ask("SetAnnounced"); err != nil {
		return err
	}
	return g.rows.SetAnnouncedMember(ctx, app, ch, user, announced)
}

func (g gated) DropAnnouncedMember(ctx context.Context, app string, ch pusher.Channel, user string) error {
	if err := g.ask("DropAnnounced"); err != nil {
		return err
	}
	return g.rows.DropAnnouncedMember(ctx, app, ch, user)
}

// Announce is the notifier's.
func (g gated) Announce(_ context.Context, _ pusher.App, d state.Delivery) error {
	if err := g.ask("Announce"); err != nil {
		return err
	}
	g.announced.add(d.Event.Name)
	return nil
}
