package membership_test

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	"hark/shared/consumer"
	"hark/shared/membership"
	"hark/shared/state"
)

// call is one invocation of a function. It stops before each request to DynamoDB, to the queue and
// to a connection until the test goes on. So any interleaving can be played, and it can die there.
type call struct {
	n       int
	name    string
	ctx     context.Context // of the invocation
	cancel  context.CancelFunc
	asked   *asked          // the client's frame that it answers, if it answers one
	groups  []string        // message groups of its messages, if it is the consumer
	touched map[string]bool // rows that it has had in hand
	hurt    bool            // it died, or something failed for it
	ended   bool
}

// verdict is what happens to a step.
type verdict int

const (
	done    verdict = iota // it succeeds
	refused                // DynamoDB is throttled: nothing happens
	lost                   // it happens, but the answer is lost
	twice                  // it happens, the answer is lost, and the SDK repeats it
)

// stop is a step that waits. A call stands at several if it does several things at once.
type stop struct {
	call  *call
	step  string
	group string // message group of the message in hand, if it is the consumer's
	goOn  chan verdict
}

// groups are the message groups whose messages come again if the step fails.
func (s *stop) groups() []string {
	if s.group == "" {
		return s.call.groups
	}
	return []string{s.group}
}

type (
	callKey  struct{}
	groupKey struct{}
	joinKey  struct{}
	cacheKey struct{}
)

// cacheRead says that the next event to be posted comes from the cache.
type cacheRead struct{ read bool }

// begin starts a call, up to its first steps.
func (w *world) begin(name string, c *call, f func(ctx context.Context)) *call {
	w.made++
	c.n, c.touched = w.made, map[string]bool{}
	c.name = fmt.Sprintf("%d %s", c.n, name)
	// Lambda ends an invocation that takes longer.
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	ctx = context.WithValue(ctx, callKey{}, c)
	c.ctx, c.cancel = context.WithValue(ctx, cacheKey{}, &cacheRead{}), cancel
	w.calls = append(w.calls, c)
	w.note("%s", c.name)
	go func() {
		defer func() {
			p := recover()
			w.mu.Lock()
			defer w.mu.Unlock()
			c.ended = true
			if p != nil {
				w.violate("%s: panic: %v\n%s", c.name, p, debug.Stack())
			}
		}()
		f(c.ctx)
	}()
	w.settle()
	return c
}

// settle waits until every call stands still, or has ended.
func (w *world) settle() {
	synctest.Wait()
	w.calls = slices.DeleteFunc(w.calls, func(c *call) bool {
		if c.ended {
			c.cancel()
		}
		return c.ended
	})
	slices.SortFunc(w.stops, func(a, b *stop) int {
		if a.call != b.call {
			return a.call.n - b.call.n
		}
		return strings.Compare(a.step, b.step)
	})
}

// ask stops before a step until the test goes on. It fails if the call has died meanwhile. A
// request of the test itself, outside of any call, is no step.
func (w *world) ask(ctx context.Context, step string) (verdict, error) {
	c, ok := ctx.Value(callKey{}).(*call)
	if !ok {
		return done, nil
	}
	if err := errors.Join(ctx.Err(), c.ctx.Err()); err != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.harm(c, c.groups...)
		return done, err
	}
	s := &stop{call: c, step: step, goOn: make(chan verdict)}
	s.group, _ = ctx.Value(groupKey{}).(string)
	w.mu.Lock()
	w.stops = append(w.stops, s)
	w.mu.Unlock()
	select {
	case v := <-s.goOn:
		return v, nil
	case <-ctx.Done(): // this request has no time left; the call may have some
	case <-c.ctx.Done(): // the call is dead
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stops = slices.DeleteFunc(w.stops, func(other *stop) bool { return other == s })
	w.harm(c, s.groups()...)
	return done, context.Canceled
}

// step lets one step be taken.
func (w *world) step(s *stop, v verdict) {
	outcome := []string{"", " is refused", ", the answer is lost", ", twice"}[v]
	w.note("%d: %s%s", s.call.n, s.step, outcome)
	w.mu.Lock()
	w.stops = slices.DeleteFunc(w.stops, func(other *stop) bool { return other == s })
	if v != done {
		w.harm(s.call, s.groups()...)
	}
	w.mu.Unlock()
	s.goOn <- v
	w.settle()
}

// finish lets a call run to its end. While it waits for something, time passes.
func (w *world) finish(c *call) {
	for !c.ended {
		i := slices.IndexFunc(w.stops, func(s *stop) bool { return s.call == c })
		if i < 0 {
			w.pass(20 * time.Millisecond)
			continue
		}
		w.step(w.stops[i], done)
	}
}

// kill ends a call where it stands: it never goes on.
func (w *world) kill(c *call) {
	w.note("%d dies", c.n)
	w.mu.Lock()
	w.harm(c, c.groups...)
	w.mu.Unlock()
	c.cancel()
	w.settle()
}

// pass lets time pass. The lock orders the test's writes before those of calls that a timer wakes.
// Other calls are ordered by their stops.
func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	w.mu.Unlock() //nolint:staticcheck // as above
	time.Sleep(d)
	w.settle()
}

// harm keeps that a call died or failed: the rows that it had in hand may be half done, and its
// messages come again. w is locked.
func (w *world) harm(c *call, groups ...string) {
	c.hurt = true
	for row := range c.touched {
		w.hurt[row] = true
	}
	for _, g := range groups {
		w.redelivered[g] = true
	}
}

// grouped marks the context with the message group in hand.
type grouped struct{ *consumer.Consumer }

func (g grouped) Consume(ctx context.Context, messages []state.Broadcast) (int, error) {
	group := channelRow(messages[0].Target())
	return g.Consumer.Consume(context.WithValue(ctx, groupKey{}, group), messages)
}

// marked marks the context with the join in hand.
type marked struct{ *membership.ConsumerSteps }

func (k marked) Join(ctx context.Context, j state.Join) error {
	ctx = context.WithValue(context.WithValue(ctx, joinKey{}, j), cacheKey{}, &cacheRead{})
	return k.ConsumerSteps.Join(ctx, j)
}

func (k marked) Leave(ctx context.Context, l state.Leave) error {
	return k.ConsumerSteps.Leave(context.WithValue(ctx, cacheKey{}, &cacheRead{}), l)
}

func (k marked) SendCount(ctx context.Context, c state.Count) error {
	return k.ConsumerSteps.SendCount(context.WithValue(ctx, cacheKey{}, &cacheRead{}), c)
}

func (k marked) SendStatus(ctx context.Context, w state.Watch) error {
	return k.ConsumerSteps.SendStatus(context.WithValue(ctx, cacheKey{}, &cacheRead{}), w)
}
