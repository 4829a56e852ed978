package membership_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"

	"hark/shared/consumer"
	"hark/shared/internal/testkit"
	"hark/shared/membership"
	"hark/shared/pusher"
	"hark/shared/settings"
	"hark/shared/state"
)

// tenant is the app of the tests.
func tenant() pusher.App {
	return pusher.App{ID: app, Key: "key", Secret: "secret", Settings: settings.Default()}
}

// clients are everything but the rows: the gateway to the clients, which keeps what they are sent,
// the app, and a queue that keeps its messages.
type clients struct {
	testkit.Gateway
	app pusher.App

	mu     sync.Mutex
	queued []state.Broadcast
}

func newClients() *clients { return &clients{app: tenant()} }

// newMembers runs the steps on a store, among these clients.
func newMembers(store testkit.Store, all *clients) *membership.Membership {
	return &membership.Membership{
		Rows: testkit.Rows(store), Apps: all, Gateway: all, Queue: all, Timeout: timeout, Now: now,
	}
}

func (c *clients) ByID(_ context.Context, id string) (pusher.App, error) {
	if id != c.app.ID {
		return pusher.App{}, pusher.ErrNoApp
	}
	return c.app, nil
}

// inTurn posts to one subscriber after another, so that a test may stop between two posts.
type inTurn struct{ gateway membership.Gateway }

func (f inTurn) Post(ctx context.Context, to []state.Subscription, frame []byte) error {
	for _, s := range to {
		if err := f.gateway.Post(ctx, s.Connection, frame); errors.Is(err, state.ErrBusy) {
			if err := f.gateway.Close(ctx, s.Connection); err != nil {
				return err
			}
		}
	}
	return nil
}

// work handles a message as its channel's consumer does.
func work(
	ctx context.Context, m *membership.Membership, out membership.Fanout, b state.Broadcast,
) error {
	steps := &membership.ConsumerSteps{Membership: m, Fanout: out}
	_, err := (&consumer.Consumer{Membership: steps}).Consume(ctx, []state.Broadcast{b})
	return err
}

func (c *clients) Publish(_ context.Context, broadcasts ...state.Broadcast) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queued = append(c.queued, broadcasts...)
	return nil
}

// take returns what was queued since its last call.
func (c *clients) take() []state.Broadcast {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.queued
	c.queued = nil
	return out
}

// frames are the frames that a client was sent.
func (c *clients) frames(id pusher.ConnectionID) []pusher.Frame {
	var all []pusher.Frame
	for _, text := range c.Frames(id) {
		f, err := pusher.ParseFrame([]byte(text))
		if err != nil {
			panic(err)
		}
		all = append(all, f)
	}
	return all
}

// events are the names of the frames that a client was sent.
func (c *clients) events(id pusher.ConnectionID) []string {
	var names []string
	for _, f := range c.frames(id) {
		names = append(names, strings.TrimPrefix(f.Event, "pusher_internal:"))
	}
	return names
}

// sees returns the users that a client believes to be on a presence channel, as pusher-js keeps
// them: a success replaces the list, and each member frame changes it.
func (c *clients) sees(id pusher.ConnectionID) []string {
	users := map[string]bool{}
	for _, f := range c.frames(id) {
		var d struct {
			Presence struct{ IDs []string }
			UserID   string `json:"user_id"`
		}
		_ = json.Unmarshal([]byte(f.Text()), &d) // other frames name no users
		switch f.Event {
		case "pusher_internal:subscription_succeeded":
			users = map[string]bool{}
			for _, user := range d.Presence.IDs {
				users[user] = true
			}
		case "pusher_internal:member_added":
			users[d.UserID] = true
		case "pusher_internal:member_removed":
			delete(users, d.UserID)
		}
	}
	return slices.Sorted(maps.Keys(users))
}

// gatedClients ask before every post and every message to the queue.
type gatedClients struct {
	*clients
	ask       func(step string) error
	succeeded *bool
}

func (g gatedClients) Post(ctx context.Context, id pusher.ConnectionID, frame []byte) error {
	if err := g.ask("Post"); err != nil {
		return err
	}
	if strings.Contains(string(frame), "subscription_succeeded") {
		*g.succeeded = true
	}
	return g.clients.Post(ctx, id, frame)
}

// gatedFanout asks once before all posts of a fan-out.
type gatedFanout struct{ gatedClients }

func (g gatedFanout) Post(ctx context.Context, to []state.Subscription, frame []byte) error {
	if err := g.ask("Fanout"); err != nil {
		return err
	}
	return inTurn{g.clients}.Post(ctx, to, frame)
}

func (g gatedClients) Publish(ctx context.Context, broadcasts ...state.Broadcast) error {
	if err := g.ask("Publish"); err != nil {
		return err
	}
	return g.clients.Publish(ctx, broadcasts...)
}
