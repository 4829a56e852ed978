package fanout_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"hark/shared/dynamo"
	"hark/shared/fanout"
	"hark/shared/membership"
	"hark/shared/pusher"
	"hark/shared/state"
)

// racing subscribes ann by a function that stops before it posts its nth frame, delivers the event
// meanwhile, and lets the function go on. It returns the names of the events that ann was sent.
func racing(
	t *testing.T, ch pusher.Channel, before int, cached, event state.Event,
	subscribers func(*dynamo.State) fanout.Subscribers,
) []string {
	t.Helper()
	r := newRig(t, long)
	r.Subscribers = subscribers(r.state)
	if cached.Frame != nil {
		r.deliver(t, cached)
	}
	stopped, goOn := make(chan struct{}), make(chan struct{})
	posts := 0
	subscribe := r.newcomer(t, ch, func() {
		if posts++; posts == before {
			close(stopped)
			<-goOn
		}
	})
	subscribed, delivered := make(chan error, 1), make(chan error, 1)
	go func() { subscribed <- subscribe() }()
	<-stopped
	go func() {
		_, err := r.Events(t.Context(), []state.Event{event})
		delivered <- err
	}()
	select {
	case err := <-delivered: // it did not wait
		delivered <- err
	case <-time.After(100 * time.Millisecond): // it waits, or is slow: both orders are right then
	}
	close(goOn)
	for _, done := range []chan error{subscribed, delivered} {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	return r.names(t)
}

// stopping calls a function before each post.
type stopping struct {
	membership.Gateway
	before func()
}

func (s stopping) Post(ctx context.Context, id pusher.ConnectionID, frame []byte) error {
	s.before()
	return s.Gateway.Post(ctx, id, frame)
}

// unflagged are rows without the pending flag.
type unflagged struct{ *dynamo.State }

func (u unflagged) Subscribers(
	ctx context.Context, app string, ch pusher.Channel, now time.Time,
	page func([]state.Subscription) error,
) error {
	return u.State.Subscribers(ctx, app, ch, now, func(all []state.Subscription) error {
		for i := range all {
			all[i].Pending = false
		}
		return page(all)
	})
}

func flagged(s *dynamo.State) fanout.Subscribers { return s }

func unflag(s *dynamo.State) fanout.Subscribers { return unflagged{s} }

func named(name string, ch pusher.Channel) state.Event {
	frame := pusher.EventFrame(name, ch, "{}")
	return state.Event{App: appID, Channel: ch, Frame: frame, Cache: ch.Cache()}
}

// Checklist 49, and the interleavings 12 and 14 of docs/steps.md §2: an event that is published
// while a client subscribes comes after the success, and after the event that was cached before.
// Without the pending flag each comes too early.
func TestEventDuringASubscribeComesAfterTheSuccess(t *testing.T) {
	for _, c := range []struct {
		name            string
		channel         pusher.Channel
		before          int // the number of the frame that is late
		cached, event   state.Event
		want, unflagged []string
	}{
		{
			"12 an event between the row and the success", channel, 1,
			state.Event{},
			named("e", channel),
			[]string{"subscription_succeeded", "e"},
			[]string{"e", "subscription_succeeded"},
		},
		{
			"14 an event between the success and what was cached", rates, 2,
			named("old", rates),
			named("new", rates),
			[]string{"subscription_succeeded", "old", "new"},
			[]string{"subscription_succeeded", "new", "old"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := racing(t, c.channel, c.before, c.cached, c.event, flagged)
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
		t.Run(c.name+", not without the flag", func(t *testing.T) {
			got := racing(t, c.channel, c.before, c.cached, c.event, unflag)
			if !slices.Equal(got, c.unflagged) {
				t.Errorf("got %v, want %v", got, c.unflagged)
			}
		})
	}
}

// A function that died before it sent the success leaves the row pending. Its client is closed and
// comes back. No other client waits for it.
func TestSubscriberThatStaysPendingIsClosed(t *testing.T) {
	for _, c := range []struct {
		name string
		ch   pusher.Channel
	}{
		{"on a public channel after a wait", channel},
		{"on a presence channel, where no function can settle it meanwhile", "presence-lobby"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, long)
			for _, s := range []state.Subscription{
				{Connection: ann, Pending: true},
				{Connection: bob},
			} {
				s.App, s.Channel, s.Stamp, s.ConnectedAt = appID, c.ch, 1, time.Now()
				if _, err := r.state.PutSubscription(t.Context(), s); err != nil {
					t.Fatal(err)
				}
			}
			e := named("e", c.ch)
			r.deliver(t, e)
			r.gateway.has(t, ann)
			r.gateway.has(t, bob, e)
			if got := r.gateway.requests(ann); !slices.Equal(got, []string{http.MethodDelete}) {
				t.Errorf("ann's connection: %v, want it closed", got)
			}
		})
	}
	t.Run("but not if it leaves meanwhile", func(t *testing.T) {
		r := newRig(t, long)
		s := state.Subscription{
			Connection: ann, App: appID, Channel: channel, Stamp: 1,
			ConnectedAt: time.Now(), Pending: true,
		}
		if _, err := r.state.PutSubscription(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(50*time.Millisecond, func() {
			_ = r.state.DropSubscription(context.Background(), s)
		})
		r.deliver(t, named("e", channel))
		if got := r.gateway.requests(ann); len(got) > 0 {
			t.Errorf("ann's connection: %v", got)
		}
	})
}

func TestPostClosesAClientThatCannotBeSentTheFrame(t *testing.T) {
	r := newRig(t, short)
	r.gateway.answer = func(method string, id pusher.ConnectionID, _ string) int {
		switch {
		case method == http.MethodPost && id == ann:
			return http.StatusTooManyRequests
		case method != http.MethodDelete && id == eve:
			return http.StatusGone
		}
		return http.StatusOK
	}
	var all []state.Subscription
	for _, id := range []pusher.ConnectionID{ann, bob, eve} {
		r.subscribe(t, appID, id, old)
		all = append(all, state.Subscription{
			Connection: id, App: appID, Channel: channel, ConnectedAt: time.Now().Add(-old),
		})
	}
	if err := r.Post(t.Context(), all, []byte(`{"event":"x"}`)); err != nil {
		t.Fatal(err)
	}
	if got := r.gateway.received(bob); !slices.Equal(got, []string{`{"event":"x"}`}) {
		t.Errorf("bob got %v", got)
	}
	if got := r.gateway.requests(ann); got[len(got)-1] != http.MethodDelete {
		t.Errorf("ann took no frame and is not closed: %v", got)
	}
	if ids := r.subscribed(t); slices.Contains(ids, eve) {
		t.Errorf("eve has gone and is still subscribed: %v", ids)
	}
}
