package membership_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"

	"hark/shared/pusher"
)

// tenant is the app of the tests.
func tenant() pusher.App {
	return pusher.App{ID: app, Key: "key", Secret: "secret", Settings: pusher.DefaultSettings()}
}

// clients are the other side of everything but the store: what clients were sent, and what was queued.
type clients struct {
	mu     sync.Mutex
	app    pusher.App
	got    map[pusher.ConnectionID][]pusher.Frame
	closed map[pusher.ConnectionID]bool
	refuse map[pusher.ConnectionID]error // what a post to it fails with
	queued []pusher.Broadcast
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

func (c *clients) Send(_ context.Context, id pusher.ConnectionID, frame []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.refuse[id]; err != nil {
		return err
	}
	if c.closed[id] {
		return pusher.ErrGone
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

// Tell is the crowd, one after another, so that tests may stop between two posts.
func (c *clients) Tell(ctx context.Context, subscribers []pusher.Subscription, frame []byte) error {
	for _, s := range subscribers {
		if err := c.Send(ctx, s.Connection, frame); errors.Is(err, pusher.ErrBusy) {
			if err := c.Close(ctx, s.Connection); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *clients) Publish(_ context.Context, broadcasts ...pusher.Broadcast) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queued = append(c.queued, broadcasts...)
	return nil
}

// take returns what was queued since it was last asked.
func (c *clients) take() []pusher.Broadcast {
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

// sees is whom a client believes to be on a presence channel, as pusher-js counts: the last success has the list, what comes before
// is forgotten by it, and each member frame changes it.
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
	ask  func(step string) error
	told *bool
}

func (g gatedClients) Send(ctx context.Context, id pusher.ConnectionID, frame []byte) error {
	if err := g.ask("Send"); err != nil {
		return err
	}
	if strings.Contains(string(frame), "subscription_succeeded") {
		*g.told = true
	}
	return g.clients.Send(ctx, id, frame)
}

func (g gatedClients) Tell(ctx context.Context, subscribers []pusher.Subscription, frame []byte) error {
	if err := g.ask("Tell"); err != nil {
		return err
	}
	return g.clients.Tell(ctx, subscribers, frame)
}

func (g gatedClients) Publish(ctx context.Context, broadcasts ...pusher.Broadcast) error {
	if err := g.ask("Publish"); err != nil {
		return err
	}
	return g.clients.Publish(ctx, broadcasts...)
}
