package membership_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"

	"hark/shared/consumer"
	"hark/shared/membership"
	"hark/shared/pusher"
	"hark/shared/settings"
	"hark/shared/state"
)

// tenant is the app of the tests.
func tenant() pusher.App {
	return pusher.App{ID: app, Key: "key", Secret: "secret", Settings: settings.Default()}
}

// clients are the other side of everything but the store: what clients were sent, and what was
// queued.
type clients struct {
	mu     sync.Mutex
	app    pusher.App
	got    map[pusher.ConnectionID][]pusher.Frame
	closed map[pusher.ConnectionID]bool
	refuse map[pusher.ConnectionID]error // what a post to it fails with
	queued []state.Broadcast
}

func newClients() *clients {
	return &clients{
		app: tenant(), got: map[pusher.ConnectionID][]pusher.Frame{}, closed: map[pusher.ConnectionID]bool{},
		refuse: map[pusher.ConnectionID]error{},
	}
}

func (c *clients) ByID(_ context.Context, id string) (pusher.App, error) {
	if id != c.app.ID {
		return pusher.App{}, pusher.ErrNoApp
	}
	return c.app, nil
}

func (c *clients) Post(_ context.Context, id pusher.ConnectionID, frame []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.refuse[id]; err != nil {
		return err
	}
	if c.closed[id] {
		return state.ErrGone
	}
	f, err := pusher.ParseFrame(frame)
	if err != nil {
		return err
	}
	c.got[id] = append(c.got[id], f)
	return nil
}

func (c *clients) Close(_ context.Context, id pusher.ConnectionID) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed[id] = true
	return nil
}

func (c *clients) Alive(_ context.Context, id pusher.ConnectionID) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.closed[id], nil
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
func work(ctx context.Context, m *membership.Membership, out membership.Fanout, b state.Broadcast) error {
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

// take returns what was queued since it was last asked.
func (c *clients) take() []state.Broadcast {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.queued
	c.queued = nil
	return out
}

// events are the names of the frames that a client got.
func (c *clients) events(id pusher.ConnectionID) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var names []string
	for _, f := range c.got[id] {
		names = append(names, strings.TrimPrefix(f.Event, "pusher_internal:"))
	}
	return names
}

// sees is whom a client believes to be on a presence channel, as pusher-js counts: the last success
// has the list, what comes before is forgotten by it, and each member frame changes it.
func (c *clients) sees(id pusher.ConnectionID) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	users := map[string]bool{}
	for _, f := range c.got[id] {
		var text string
		_ = json.Unmarshal(f.Data, &text) // a frame that is no string has no users
		var d struct {
			Presence struct{ IDs []string }
			UserID   string `json:"user_id"`
		}
		_ = json.Unmarshal([]byte(text), &d)
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
	var out []string
	for user := range users {
		out = append(out, user)
	}
	slices.Sort(out)
	return out
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
