package fanout_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"hark/shared/consumer"
	"hark/shared/dynamo"
	"hark/shared/pusher"
	"hark/shared/state"
)

const rates = pusher.Channel("cache-rates")

// arriving are rows to which a subscriber is added directly after the first read.
type arriving struct {
	*dynamo.State
	come func()
}

func (a *arriving) Subscribers(
	ctx context.Context, app string, ch pusher.Channel, now time.Time,
	page func([]state.Subscription) error,
) error {
	err := a.State.Subscribers(ctx, app, ch, now, page)
	if a.come != nil {
		a.come()
		a.come = nil
	}
	return err
}

// newcomer opens ann's connection. subscribed subscribes it to the channel, and calls wait before
// each of its posts.
func (r *rig) newcomer(
	t *testing.T, ch pusher.Channel, wait func(),
) (subscribed func() error) {
	t.Helper()
	function := r.membership(stopping{Gateway: r.members.Gateway, before: wait})
	app, _ := r.ByID(t.Context(), appID)
	c := state.Connection{ID: ann, App: appID, ConnectedAt: time.Now()}
	if err := function.Open(t.Context(), app, c); err != nil {
		t.Fatal(err)
	}
	return func() error {
		stamp := state.Stamp(c.ConnectedAt.UnixMilli())
		return function.Subscribe(t.Context(), app, c, ch, stamp)
	}
}

// names are the events that ann was sent.
func (r *rig) names(t *testing.T) (names []string) {
	t.Helper()
	for _, frame := range r.gateway.received(ann) {
		f, err := pusher.ParseFrame([]byte(frame))
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, strings.TrimPrefix(f.Event, "pusher_internal:"))
	}
	return names
}

// consume posts a batch as the channel's consumer does, which hands over each cached event alone.
func (r *rig) consume(t *testing.T, events ...state.Event) {
	t.Helper()
	var batch []state.Broadcast
	for _, e := range events {
		batch = append(batch, e)
	}
	c := &consumer.Consumer{Fanout: r.Fanout}
	if done, err := c.Consume(t.Context(), batch); err != nil || done != len(batch) {
		t.Fatalf("%d of %d done, %v", done, len(batch), err)
	}
}

// A client that subscribes between two cached events of one batch finds the first and gets the
// second.
func TestClientThatSubscribesBetweenCachedEventsOfOneBatchGetsBoth(t *testing.T) {
	plain := func(name string) state.Event { // as a client's event is, which is not kept
		e := named(name, rates)
		e.Cache = false
		return e
	}
	for _, c := range []struct {
		name  string
		batch []state.Event
		kept  string   // in the end
		want  []string // events of a client that subscribes after the first read of subscribers
	}{
		{
			"two that are kept",
			[]state.Event{named("one", rates), named("two", rates)},
			"two",
			[]string{"subscription_succeeded", "one", "two"},
		},
		{
			"behind one that is not",
			[]state.Event{plain("one"), named("two", rates)},
			"two",
			[]string{"subscription_succeeded", "pusher:cache_miss", "two"},
		},
		{
			"before one that is not",
			[]state.Event{named("one", rates), plain("two")},
			"one",
			[]string{"subscription_succeeded", "one", "two"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, long)
			subscribed := r.newcomer(t, rates, func() {})
			r.Subscribers = &arriving{r.state, func() {
				if err := subscribed(); err != nil {
					t.Error(err)
				}
			}}
			r.consume(t, c.batch...)
			if got := r.names(t); !slices.Equal(got, c.want) {
				t.Errorf("the newcomer got %v, want %v", got, c.want)
			}
			kept, err := r.state.Cached(t.Context(), appID, rates, time.Now())
			want := string(named(c.kept, rates).Frame)
			if err != nil || string(kept.Frame) != want {
				t.Errorf("kept is %s (%v), want %s", kept.Frame, err, want)
			}
		})
	}
}

// The consumer waits for a pending subscriber, which may be sent the cached event meanwhile. It
// does not get that event once more, but it gets the next one.
func TestPendingSubscriberGetsACachedEventOnce(t *testing.T) {
	r := newRig(t, long)
	row, read := make(chan struct{}), make(chan struct{})
	first := true
	subscribed := r.newcomer(t, rates, func() {
		if first { // its row is written, and pending
			first = false
			close(row)
			<-read
		}
	})
	r.Subscribers = &arriving{r.state, func() { close(read) }}
	done := make(chan error, 1)
	go func() { done <- subscribed() }()
	<-row
	r.consume(t, named("one", rates), named("two", rates))
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	want := []string{"subscription_succeeded", "one", "two"}
	if got := r.names(t); !slices.Equal(got, want) {
		t.Errorf("the newcomer got %v, want %v", got, want)
	}
}
