package webhook_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"hark/shared/internal/testkit"
	"hark/shared/pusher"
	"hark/shared/state"
	"hark/shared/webhook"
)

// start runs a check up to its first step.
func start(
	t *testing.T, name string, rows rows, announced *announcements, k state.Check,
) *testkit.Process {
	t.Helper()
	return testkit.Start(t, name, func(ctx context.Context, ask testkit.Ask) error {
		gate := gated{rows: rows, announced: announced, ask: ask}
		checker := &webhook.Checker{
			Markers: gate, Members: gate, Misses: gate, Notifier: gate,
			Apps: testkit.Apps{tenant()},
		}
		return checker.Check(ctx, k)
	})
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

// gated asks before the steps that matter: all writes, and the reads that decide them.
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

func (g gated) MarkVacant(
	ctx context.Context, app string, ch pusher.Channel, nonce string,
) (bool, error) {
	if err := g.ask("MarkVacant"); err != nil {
		return false, err
	}
	return g.rows.MarkVacant(ctx, app, ch, nonce)
}

func (g gated) Reopen(
	ctx context.Context, app string, ch pusher.Channel, nonce string,
) (bool, error) {
	if err := g.ask("Reopen"); err != nil {
		return false, err
	}
	return g.rows.Reopen(ctx, app, ch, nonce)
}

func (g gated) TakeMarker(
	ctx context.Context, app string, ch pusher.Channel, nonce string,
) (bool, error) {
	if err := g.ask("TakeMarker"); err != nil {
		return false, err
	}
	return g.rows.TakeMarker(ctx, app, ch, nonce)
}

func (g gated) SetAnnounced(
	ctx context.Context, app string, ch pusher.Channel, announced state.Announced, nonce string,
) (bool, error) {
	if err := g.ask("SetAnnounced"); err != nil {
		return false, err
	}
	return g.rows.SetAnnounced(ctx, app, ch, announced, nonce)
}

func (g gated) Present(
	ctx context.Context, app string, ch pusher.Channel, user string,
) (pusher.ConnectionID, bool, error) {
	if err := g.ask("Present"); err != nil {
		return "", false, err
	}
	return g.rows.Present(ctx, app, ch, user)
}

func (g gated) SetAnnouncedMember(
	ctx context.Context, app string, ch pusher.Channel, user string,
	announced state.AnnouncedMember,
) error {
	if err := g.ask("SetAnnounced"); err != nil {
		return err
	}
	return g.rows.SetAnnouncedMember(ctx, app, ch, user, announced)
}

func (g gated) DropAnnouncedMember(
	ctx context.Context, app string, ch pusher.Channel, user string,
) error {
	if err := g.ask("DropAnnounced"); err != nil {
		return err
	}
	return g.rows.DropAnnouncedMember(ctx, app, ch, user)
}

// Announce is called by the checker.
func (g gated) Announce(_ context.Context, _ pusher.App, d state.Delivery) error {
	if err := g.ask("Announce"); err != nil {
		return err
	}
	g.announced.add(d.Event.Name)
	return nil
}
