package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"hark/shared/consumer"
	"hark/shared/pusher"
	"hark/shared/state"
)

const (
	orders = pusher.Channel("orders")
	rates  = pusher.Channel("cache-rates")
	lobby  = pusher.Channel("presence-lobby")
)

var errBroken = errors.New("the table is away")

// steps keeps, in order, what the consumer hands to the fan-out and to membership.
type steps struct {
	got    []string
	failAt int // the number of the call that fails, from 1; none if 0
	done   int // by a call of Events that fails
}

func (s *steps) note(text string) error {
	s.got = append(s.got, text)
	if len(s.got) == s.failAt {
		return errBroken
	}
	return nil
}

func (s *steps) Events(_ context.Context, events []state.Event) (done int, err error) {
	var frames []string
	for _, e := range events {
		frames = append(frames, string(e.Frame))
	}
	first := events[0]
	text := fmt.Sprintf("events %s %s: %s", first.App, first.Channel, strings.Join(frames, " "))
	if err := s.note(text); err != nil {
		return s.done, err
	}
	return len(events), nil
}

func (s *steps) Join(_ context.Context, j state.Join) error {
	return s.note(fmt.Sprintf("join %s %d", j.Connection, j.Stamp))
}

func (s *steps) Leave(_ context.Context, l state.Leave) error {
	return s.note(fmt.Sprintf("leave %s %d", l.Connection, l.Stamp))
}

func (s *steps) SendCount(_ context.Context, c state.Count) error {
	return s.note(fmt.Sprintf("count %s", c.Channel))
}

func (s *steps) SendStatus(_ context.Context, w state.Watch) error {
	return s.note(fmt.Sprintf("watch %s %s %t", w.Channel, w.Connection, w.Online))
}

// consume hands a batch to a consumer with these steps.
func consume(t *testing.T, s *steps, batch []state.Broadcast) (done int, err error) {
	t.Helper()
	return (&consumer.Consumer{Fanout: s, Membership: s}).Consume(t.Context(), batch)
}

// wantSteps asserts the steps that a batch is handed to, all of which succeed.
func wantSteps(t *testing.T, batch []state.Broadcast, want []string) {
	t.Helper()
	s := &steps{}
	if done, err := consume(t, s, batch); done != len(batch) || err != nil {
		t.Errorf("%d of %d done, %v", done, len(batch), err)
	}
	if !slices.Equal(s.got, want) {
		t.Errorf("got %q, want %q", s.got, want)
	}
}

// event has its name for a frame. On a cache channel it is cached, as a publish of the app's server
// is.
func event(name string, ch pusher.Channel) state.Event {
	return state.Event{App: "shop", Channel: ch, Frame: []byte(name), Cache: ch.Cache()}
}

// uncached is an event that is not cached, as a client event is not.
func uncached(name string, ch pusher.Channel) state.Event {
	e := event(name, ch)
	e.Cache = false
	return e
}

func join(id pusher.ConnectionID) state.Join {
	return state.Join{App: "shop", Channel: lobby, Connection: id, Stamp: 1}
}

func leave(id pusher.ConnectionID) state.Leave {
	return state.Leave{App: "shop", Channel: lobby, Connection: id, Stamp: 2}
}

func TestMessagesAreHandledInOrder(t *testing.T) {
	user := pusher.UserChannel("7")
	for _, c := range []struct {
		name  string
		batch []state.Broadcast
		want  []string
	}{
		{"nothing", nil, nil},
		{
			"each kind",
			[]state.Broadcast{
				event("a", lobby), join("ann"), leave("bob"),
				state.Count{App: "shop", Channel: orders},
				state.Watch{App: "shop", Channel: user, Connection: "ann", Online: true},
			},
			[]string{
				"events shop presence-lobby: a", "join ann 1", "leave bob 2", "count orders",
				"watch #server-to-user-7 ann true",
			},
		},
		{
			"a change keeps its place between events",
			[]state.Broadcast{
				event("a", lobby), event("b", lobby), join("ann"),
				event("c", lobby), leave("ann"),
				event("d", lobby),
			},
			[]string{
				"events shop presence-lobby: a b", "join ann 1", "events shop presence-lobby: c",
				"leave ann 2", "events shop presence-lobby: d",
			},
		},
		{
			"joins and leaves are handled one by one",
			[]state.Broadcast{join("ann"), join("bob"), leave("ann")},
			[]string{"join ann 1", "join bob 1", "leave ann 2"},
		},
	} {
		t.Run(c.name, func(t *testing.T) { wantSteps(t, c.batch, c.want) })
	}
}

// A client that subscribes between two cached events must find the first, so that each comes alone.
// The events of two channels meet in one message group if the hashes of their names are equal.
func TestEventsThatAreHandedOverTogether(t *testing.T) {
	other := event("c", orders)
	other.App = "another"
	for _, c := range []struct {
		name  string
		batch []state.Broadcast
		want  []string
	}{
		{
			"all of one channel",
			[]state.Broadcast{event("a", orders), event("b", orders), event("c", orders)},
			[]string{"events shop orders: a b c"},
		},
		{
			"two channels",
			[]state.Broadcast{
				event("a", orders), event("b", orders), event("c", "orders-2"), event("d", orders),
			},
			[]string{"events shop orders: a b", "events shop orders-2: c", "events shop orders: d"},
		},
		{
			"equal channels of two apps",
			[]state.Broadcast{event("a", orders), event("b", orders), other},
			[]string{"events shop orders: a b", "events another orders: c"},
		},
		{
			"two cached events",
			[]state.Broadcast{event("a", rates), event("b", rates)},
			[]string{"events shop cache-rates: a", "events shop cache-rates: b"},
		},
		{
			"a cached event behind others",
			[]state.Broadcast{uncached("a", rates), uncached("b", rates), event("c", rates)},
			[]string{"events shop cache-rates: a b", "events shop cache-rates: c"},
		},
		{
			"a cached event before others",
			[]state.Broadcast{event("a", rates), uncached("b", rates), uncached("c", rates)},
			[]string{"events shop cache-rates: a", "events shop cache-rates: b c"},
		},
	} {
		t.Run(c.name, func(t *testing.T) { wantSteps(t, c.batch, c.want) })
	}
}

// Nothing behind a message that failed may be handled before it.
func TestConsumeStopsAtAFailure(t *testing.T) {
	count := state.Count{App: "shop", Channel: lobby}
	watch := state.Watch{App: "shop", Channel: pusher.UserChannel("7")}
	for _, c := range []struct {
		name   string
		batch  []state.Broadcast
		failAt int
		events int // done by the call of Events that fails
		done   int
	}{
		{"at the first", []state.Broadcast{join("ann"), event("a", lobby)}, 1, 0, 0},
		{
			"at a join",
			[]state.Broadcast{event("a", lobby), event("b", lobby), join("ann"), leave("ann")},
			2, 0, 2,
		},
		{"at a leave", []state.Broadcast{join("ann"), leave("ann"), event("a", lobby)}, 2, 0, 1},
		{"at a count", []state.Broadcast{join("ann"), count, event("a", lobby)}, 2, 0, 1},
		{"at a watch", []state.Broadcast{watch, watch, watch}, 3, 0, 2},
		{"at an event", []state.Broadcast{join("ann"), event("a", lobby), leave("ann")}, 2, 0, 1},
		{
			"among events",
			[]state.Broadcast{
				join("ann"), event("a", lobby), event("b", lobby), event("c", lobby), leave("ann"),
			},
			2, 2, 3,
		},
		{
			"at an event of the second channel",
			[]state.Broadcast{event("a", orders), event("b", orders), event("c", "orders-2")},
			2, 0, 2,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &steps{failAt: c.failAt, done: c.events}
			done, err := consume(t, s, c.batch)
			if done != c.done || !errors.Is(err, errBroken) {
				t.Errorf("%d done, %v; want %d and the table's error", done, err, c.done)
			}
			if len(s.got) != c.failAt {
				t.Errorf("went on after the failure: %q", s.got)
			}
		})
	}
}

// unknown is a broadcast of a type that the consumer does not know.
type unknown struct{}

func (unknown) Target() (app string, ch pusher.Channel) { return "shop", orders }

func TestConsumeFailsAtAnUnknownType(t *testing.T) {
	s := &steps{}
	done, err := consume(t, s, []state.Broadcast{event("a", orders), unknown{}, event("b", orders)})
	if done != 1 || err == nil || !strings.Contains(err.Error(), "consumer_test.unknown") {
		t.Errorf("%d done, %v; want 1 and an error that names the type", done, err)
	}
	if want := []string{"events shop orders: a"}; !slices.Equal(s.got, want) {
		t.Errorf("got %q, want %q", s.got, want)
	}
}
