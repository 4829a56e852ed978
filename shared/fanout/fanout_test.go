package fanout_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"hark/shared/fanout"
	"hark/shared/pusher"
	"hark/shared/state"
)

const (
	short = time.Second // patience with a client that the test wants given up
	long  = time.Minute // patience with any other
	old   = time.Hour   // age of a connection for which a 410 is believed
)

func TestEventsGoToEverySubscriberButTheExcepted(t *testing.T) {
	r := newRig(t, long)
	r.subscribe(t, appID, ann, old)
	r.subscribe(t, appID, bob, old)
	r.subscribe(t, "another", eve, old)
	all := numbered(2)
	all[1].Except = ann.SocketID()
	r.deliver(t, all...)
	r.gateway.has(t, ann, all[0])
	r.gateway.has(t, bob, all...)
	r.gateway.has(t, eve) // two apps with equal channel names never meet
	t.Run("to a channel without subscribers", func(t *testing.T) {
		r.deliver(t, state.Event{App: appID, Channel: "empty", Frame: []byte("{}")})
	})
	t.Run("except a socket ID without a connection", func(t *testing.T) {
		e := numbered(3)[2]
		e.Except = "1.2"
		r.deliver(t, e)
		r.gateway.has(t, ann, all[0], e)
	})
}

func TestEventsToMany(t *testing.T) {
	r := newRig(t, long)
	var ids []pusher.ConnectionID
	for i := range 100 {
		id := pusher.ConnectionID(fmt.Sprintf("connection-%03d", i))
		ids = append(ids, id)
		r.subscribe(t, appID, id, old)
	}
	all := numbered(5)
	r.deliver(t, all...)
	for _, id := range ids {
		r.gateway.has(t, id, all...)
	}
}

// A client whose buffer is full for a while gets its events later, in order. No other client waits
// for it, even if very few posts may be under way at once.
func TestSlowClientHoldsUpNoOther(t *testing.T) {
	r := newRig(t, long)
	r.ClientsAtOnce = 2
	r.subscribe(t, appID, ann, old)
	r.subscribe(t, appID, bob, old)
	r.subscribe(t, appID, eve, old)
	all := numbered(10)
	r.gateway.answer = func(_ string, id pusher.ConnectionID, _ string) int {
		if id == ann && len(r.gateway.received(bob))+len(r.gateway.received(eve)) < 2*len(all) {
			return http.StatusTooManyRequests // until all others have everything
		}
		return http.StatusOK
	}
	r.deliver(t, all...)
	for _, id := range []pusher.ConnectionID{ann, bob, eve} {
		r.gateway.has(t, id, all...)
	}
}

// One client may cost a batch its patience once, not once for each event. Otherwise the invocation
// would run out of time, and every client would get all events again.
func TestSlowClientIsGivenUpOnceInABatch(t *testing.T) {
	r := newRig(t, short)
	r.subscribe(t, appID, ann, old)
	r.subscribe(t, appID, bob, old)
	all := numbered(10)
	r.gateway.answer = func(_ string, id pusher.ConnectionID, _ string) int {
		if id == ann {
			return http.StatusTooManyRequests
		}
		return http.StatusOK
	}
	r.deliver(t, all...)
	r.gateway.has(t, bob, all...)
	for _, post := range r.gateway.requests(ann) {
		if want := "POST " + string(all[0].Frame); post != want {
			t.Fatalf("tried %s, after the first had been given up", post)
		}
	}
	if n := r.dropped(ann); n != 10 {
		t.Errorf("%d drops counted, want 10", n)
	}
	if !slices.Contains(r.subscribed(t), ann) {
		t.Error("a slow client was forgotten")
	}
	t.Run("and tries again with the next batch", func(t *testing.T) {
		r.gateway.answer = nil
		r.Gateway = r.client(t, long)
		e := numbered(11)[10]
		r.deliver(t, e)
		r.gateway.has(t, ann, e)
	})
}

// A refusal of one frame says nothing about the next one.
func TestFrameThatIsRefusedIsDropped(t *testing.T) {
	r := newRig(t, long)
	r.subscribe(t, appID, ann, old)
	all := numbered(3)
	r.gateway.answer = func(_ string, _ pusher.ConnectionID, frame string) int {
		if frame == string(all[1].Frame) {
			return http.StatusRequestEntityTooLarge
		}
		return http.StatusOK
	}
	r.deliver(t, all...)
	r.gateway.has(t, ann, all[0], all[2])
	if n := r.dropped(ann); n != 1 {
		t.Errorf("%d drops counted, want 1", n)
	}
}

// answersTo answers posts to the connection one after another, the last for ever, and each GET.
func answersTo(
	to pusher.ConnectionID, posts []int, get int,
) func(method string, id pusher.ConnectionID, frame string) int {
	var n atomic.Int64
	return func(method string, id pusher.ConnectionID, _ string) int {
		switch {
		case id != to:
			return http.StatusOK
		case method == http.MethodPost:
			return posts[min(int(n.Add(1)), len(posts))-1]
		case method == http.MethodGet:
			return get
		default:
			return http.StatusNoContent
		}
	}
}

// What a 410 proves depends on the connection's age (docs/aws.md §A5).
func TestClientWhosePostIsAnswered410(t *testing.T) {
	for _, c := range []struct {
		name      string
		age       time.Duration
		posts     []int // answers to posts, see answersTo
		get       int
		methods   string
		forgotten bool
		dropped   int
	}{
		{"old: forgotten, and closed if it exists", old, []int{410}, 0, "POST DELETE", true, 0},
		{"of a malformed ID: forgotten", old, []int{400}, 0, "POST DELETE", true, 0},
		{"young and alive: posted to again", 0, []int{410, 200}, 200, "POST GET POST", false, 0},
		{"young and dead: forgotten", 0, []int{410}, 410, "POST GET DELETE", true, 0},
		{"young, then gone: forgotten", 0, []int{410}, 200, "POST GET POST DELETE", true, 0},
		{"young, nothing known: the event is dropped", 0, []int{410}, 500, "POST GET", false, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, long)
			r.subscribe(t, appID, ann, c.age)
			r.subscribe(t, appID, bob, old)
			r.gateway.answer = answersTo(ann, c.posts, c.get)
			e := numbered(1)
			r.deliver(t, e...)
			if got := r.gateway.methods(ann); got != c.methods {
				t.Errorf("requests %q, want %q", got, c.methods)
			}
			if slices.Contains(r.subscribed(t), ann) == c.forgotten {
				t.Errorf("subscribed: %q", r.subscribed(t))
			}
			if n := r.dropped(ann); n != c.dropped {
				t.Errorf("%d drops counted, want %d", n, c.dropped)
			}
			r.gateway.has(t, bob, e...)
		})
	}
}

func TestClientThatIsGoneIsForgottenOnceInABatch(t *testing.T) {
	r := newRig(t, long)
	r.subscribe(t, appID, ann, old)
	r.gateway.answer = func(string, pusher.ConnectionID, string) int { return http.StatusGone }
	r.deliver(t, numbered(10)...)
	if got := r.gateway.requests(ann); len(got) != 2 { // one post, one close
		t.Errorf("requests %q", got)
	}
}

func TestEventsCountsWhatIsDoneWhenTimeRunsOut(t *testing.T) {
	r := newRig(t, long)
	r.subscribe(t, appID, ann, old)
	r.subscribe(t, appID, bob, old)
	all := numbered(4)
	ctx, cancel := context.WithCancelCause(t.Context())
	late := errors.New("late")
	r.gateway.answer = func(_ string, id pusher.ConnectionID, frame string) int {
		if id == ann && frame == string(all[2].Frame) {
			if len(r.gateway.received(bob)) >= 3 { // so the first two have ended
				cancel(late)
			}
			return http.StatusTooManyRequests
		}
		return http.StatusOK
	}
	done, err := r.Events(ctx, all)
	if done != 2 || err == nil {
		t.Errorf("%d done, %v; want 2 and an error", done, err)
	}
	r.gateway.has(t, ann, all[:2]...)
	if n := r.dropped(ann); n != 0 {
		t.Errorf("%d events counted as dropped, though they come again", n)
	}
}

func TestEventsBeginsNothingWithoutTime(t *testing.T) {
	r := newRig(t, long)
	r.subscribe(t, appID, ann, old)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if done, err := r.Events(ctx, numbered(2)); done != 0 || err == nil {
		t.Errorf("%d done, %v", done, err)
	}
	r.gateway.has(t, ann)
	t.Run("nor reads on", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		r.Subscribers = &subscribers{read: func(page func([]state.Subscription) error) error {
			cancel()
			err := page(nil)
			if err == nil {
				t.Error("another page is asked for")
			}
			return err
		}}
		if done, err := r.Events(ctx, numbered(2)); done != 0 || !errors.Is(err, context.Canceled) {
			t.Errorf("%d done, %v", done, err)
		}
	})
}

// subscribers hands out pages by a function.
type subscribers struct {
	read func(page func([]state.Subscription) error) error
}

func (s *subscribers) Subscribers(
	_ context.Context, _ string, _ pusher.Channel, _ time.Time,
	page func([]state.Subscription) error,
) error {
	return s.read(page)
}

func (s *subscribers) Subscription(
	context.Context, string, pusher.Channel, pusher.ConnectionID,
) (state.Subscription, bool, error) {
	return state.Subscription{}, false, errors.New("no subscription is pending")
}

func TestEventsFailsWhenSubscribersCannotBeRead(t *testing.T) {
	broken := errors.New("the table is away")
	for _, c := range []struct {
		name string
		read func(page func([]state.Subscription) error) error
	}{
		{"at once", func(func([]state.Subscription) error) error { return broken }},
		{"in the middle", func(page func([]state.Subscription) error) error {
			return errors.Join(page([]state.Subscription{{Connection: ann}}), broken)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, long)
			r.Subscribers = &subscribers{read: c.read}
			done, err := r.Events(t.Context(), numbered(3))
			if done != 0 || !errors.Is(err, broken) {
				t.Errorf("%d done, %v; want 0 and the table's error", done, err)
			}
			r.gateway.has(t, ann)
		})
	}
}

// The zero value of what is optional works.
func TestEventsWithoutOptions(t *testing.T) {
	r := newRig(t, long)
	r.subscribe(t, appID, ann, old)
	all := numbered(2)
	f := &fanout.Fanout{Subscribers: r.state, Forgetter: r.members, Gateway: r.Gateway, Log: r.Log}
	if done, err := f.Events(t.Context(), all); done != 2 || err != nil {
		t.Errorf("%d done, %v", done, err)
	}
	r.gateway.has(t, ann, all...)
}

// A panic over one subscriber, which is a mistake of ours, ends neither the process nor the posts
// to the others.
func TestEventsSurvivesAPanic(t *testing.T) {
	r := newRig(t, long)
	r.subscribe(t, appID, ann, old)
	r.subscribe(t, appID, bob, old)
	r.Gateway = panicking{r.Gateway, ann}
	all := numbered(2)
	if done, err := r.Events(t.Context(), all); done != 0 || err == nil {
		t.Errorf("%d done, %v; want them to come again", done, err)
	}
	r.gateway.has(t, bob, all...)
}

// panicking panics on a post to one connection.
type panicking struct {
	fanout.Gateway
	id pusher.ConnectionID
}

func (p panicking) Post(ctx context.Context, id pusher.ConnectionID, frame []byte) error {
	if id == p.id {
		panic("on purpose")
	}
	return p.Gateway.Post(ctx, id, frame)
}

// If a channel is too large for all events of a batch, they are done one after another, so that
// those that are done need not come again.
func TestEventsToALargeChannelMakesProgress(t *testing.T) {
	const many = 3000
	r := newRig(t, long)
	r.Subscribers = &subscribers{read: func(page func([]state.Subscription) error) error {
		all := make([]state.Subscription, many)
		for i := range all {
			all[i].Connection = pusher.ConnectionID(strconv.Itoa(i))
		}
		return page(all)
	}}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r.Gateway = &tiring{Gateway: r.Gateway, after: many + 1, tired: cancel}
	if done, err := r.Events(ctx, numbered(10)); done != 1 || !errors.Is(err, context.Canceled) {
		t.Errorf("%d done, %v; want the first", done, err)
	}
}

// tiring ends the call's time after some posts.
type tiring struct {
	fanout.Gateway
	after int64
	tired func()
	posts atomic.Int64
}

func (s *tiring) Post(ctx context.Context, _ pusher.ConnectionID, _ []byte) error {
	if s.posts.Add(1) >= s.after {
		s.tired()
	}
	return ctx.Err()
}
