package membership_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"hark/shared/internal/testkit"
	"hark/shared/membership"
	"hark/shared/pusher"
	"hark/shared/state"
)

const lobby = pusher.Channel("presence-lobby")

// The connections of the tests: the observer has a user of its own, the others share one.
const (
	observer = pusher.ConnectionID("L0SM9cOFvHcCIhw=")
	first    = pusher.ConnectionID("R1kmxc2VNjMCFIA=")
	second   = pusher.ConnectionID("DfyBYdK2SQ0CGCA=")
)

func userOf(id pusher.ConnectionID) string {
	if id == observer {
		return "o"
	}
	return "u"
}

// stage is a presence channel with its clients and its store.
type stage struct {
	*testing.T
	*clients
	store testkit.Store
	// With one writer, which is the correction, a broadcast waits for the one before it; without,
	// each has a function of its own.
	oneWriter bool
	last      *process
}

// newStage returns a stage with one writer and with these connections open.
func newStage(t *testing.T, ids ...pusher.ConnectionID) *stage {
	t.Helper()
	s := &stage{T: t, clients: newClients(), store: testkit.Table(t, nil), oneWriter: true}
	open(t, s.store, ids...)
	return s
}

// enters is what the frame function does of a subscribe: the connection is noted. The join is
// returned, not queued.
func (s *stage) enters(id pusher.ConnectionID, stamp state.Stamp) state.Join {
	s.Helper()
	m := &membership.Membership{Rows: testkit.Rows(s.store), Gateway: s.clients, Queue: s.clients, Timeout: timeout, Now: now}
	c, err := m.Connection(s.Context(), id)
	if err != nil {
		s.Fatal(err)
	}
	if err := m.SubscribePresence(s.Context(), c, lobby, pusher.Member{UserID: userOf(id)}, stamp); err != nil {
		s.Fatal(err)
	}
	return s.one().(state.Join)
}

// leaves is what the frame function does of an unsubscribe.
func (s *stage) leaves(id pusher.ConnectionID, stamp state.Stamp) state.Broadcast {
	s.Helper()
	m := &membership.Membership{Rows: testkit.Rows(s.store), Gateway: s.clients, Queue: s.clients, Timeout: timeout, Now: now}
	c, err := m.Connection(s.Context(), id)
	if err != nil {
		s.Fatal(err)
	}
	if err := m.Unsubscribe(s.Context(), tenant(), c, lobby, stamp); err != nil {
		s.Fatal(err)
	}
	return s.one()
}

// one is the broadcast that was queued.
func (s *stage) one() state.Broadcast {
	s.Helper()
	queued := s.take()
	if len(queued) != 1 {
		s.Fatalf("queued %+v, want one broadcast", queued)
	}
	return queued[0]
}

// consumer takes a broadcast out of the queue.
func (s *stage) consumer(name string, b state.Broadcast) *process {
	s.Helper()
	p := startAmong(s.T, name, s.clients, s.store, func(ctx context.Context, m *membership.ConsumerSteps) error {
		return work(ctx, m.Membership, m.Fanout, b)
	})
	if s.oneWriter && s.last != nil {
		p.After = s.last.Process
	}
	s.last = p
	return p
}

// joined has connections on the channel from the start.
func (s *stage) joined(ids ...pusher.ConnectionID) {
	s.Helper()
	for i, id := range ids {
		s.consumer("before", s.enters(id, at(i-10))).Finish()
	}
	s.last = nil
}

// truth is who is on the channel by its rows, and which of them are pending.
func (s *stage) truth() (users []string, pending int) {
	s.Helper()
	rows, err := s.store.Members(s.Context(), app, lobby)
	if err != nil {
		s.Fatal(err)
	}
	for _, r := range rows {
		users = append(users, r.Member.UserID)
		if r.Pending {
			pending++
		}
	}
	slices.Sort(users)
	return slices.Compact(users), pending
}

// wrong says in what the observer's list differs from the rows; "" if in nothing.
func (s *stage) wrong() string {
	users, pending := s.truth()
	if sees := s.sees(observer); !slices.Equal(sees, users) || pending > 0 {
		return fmt.Sprintf("the observer sees %v, the rows say %v (%d pending)\nit was sent %s",
			sees, users, pending, strings.Join(s.events(observer), ", "))
	}
	return ""
}

// The interleavings of docs/steps.md §2 that concern presence, forced upon the real code. With one
// writer for each channel they end right; with a function for each frame, as the obvious design has
// it, they end wrong.
func TestPresenceInterleavings(t *testing.T) {
	for _, c := range []struct {
		name string
		play func(s *stage)
	}{{
		name: "1 the last connection of a user leaves while another one joins",
		play: func(s *stage) {
			s.joined(observer, first)
			leave, join := s.consumer("leave", s.leaves(first, at(1))), s.consumer("join", s.enters(second, at(1)))
			play(s.T, `leave Members
				join *
				leave *`, leave, join)
		},
	}, {
		name: "1 the join's frame comes after the frame of the leave that followed it",
		play: func(s *stage) {
			s.joined(observer)
			b := s.enters(first, at(1))
			join := s.consumer("join", b)
			play(s.T, `join Members
				join Connection
				join PutSubscription`, join)
			play(s.T, `leave *
				join *`, join, s.consumer("leave", s.leaves(first, at(2))))
		},
	}, {
		name: "2 a user leaves between a newcomer's list and its success",
		play: func(s *stage) {
			s.joined(first)
			join := s.consumer("join", s.enters(observer, at(1)))
			play(s.T, `join Members
				join Connection
				join PutSubscription`, join)
			play(s.T, `leave *
				join *`, join, s.consumer("leave", s.leaves(first, at(1))))
		},
	}, {
		name: "2 a user joins between a newcomer's list and its success",
		play: func(s *stage) {
			join := s.consumer("join", s.enters(observer, at(1)))
			play(s.T, `join Members
				join Connection
				join PutSubscription`, join)
			play(s.T, `other *
				join *`, join, s.consumer("other", s.enters(first, at(1))))
		},
	}} {
		for _, oneWriter := range []bool{true, false} {
			name := c.name
			if !oneWriter {
				name += ", not without the one writer"
			}
			t.Run(name, func(t *testing.T) {
				s := &stage{T: t, clients: newClients(), store: testkit.Table(t, nil), oneWriter: oneWriter}
				open(t, s.store, observer, first, second)
				c.play(s)
				if wrong := s.wrong(); (wrong == "") != oneWriter {
					t.Errorf("one writer: %t. %s", oneWriter, wrong)
				}
			})
		}
	}
}

// 9: the consumer dies between any two steps of a join, and the queue hands it over again:
// everybody hears of it. Without the pending flag the row says that all is done.
func TestJoinThatDies(t *testing.T) {
	for _, flag := range []bool{true, false} {
		wrongs := 0
		for steps := 1; ; steps++ {
			s := newStage(t, observer, first)
			s.joined(observer)
			if !flag {
				s.store = unflagged{s.store}
			}
			b := s.enters(first, at(1))
			p := s.consumer("join", b)
			died := ""
			for range steps {
				if died = p.Next; died == "" {
					break
				}
				p.Step()
			}
			if died == "" {
				break // it has no more steps
			}
			s.last = nil // what is left of it has died
			s.consumer("join again", b).Finish()
			if wrong := s.wrong(); wrong != "" {
				wrongs++
				if flag {
					t.Errorf("after a death behind %s: %s", died, wrong)
				}
			}
			if sees := s.sees(first); flag && !slices.Equal(sees, []string{"o", "u"}) {
				t.Errorf("after a death behind %s: the client sees %v", died, sees)
			}
		}
		if !flag && wrongs == 0 {
			t.Error("without the pending flag no death did any harm")
		}
	}
}

// The consumer dies between any two steps of the last one's leave, and the queue hands it over
// again: the channel is not listed then, though the row that led there may be gone already.
func TestLeaveThatDies(t *testing.T) {
	for steps := 1; ; steps++ {
		s := newStage(t, first)
		s.joined(first)
		b := s.leaves(first, at(1))
		p := s.consumer("leave", b)
		died := ""
		for range steps {
			if died = p.Next; died == "" {
				return // it has no more steps
			}
			p.Step()
		}
		s.last = nil // what is left of it has died
		s.consumer("leave again", b).Finish()
		if users, _ := s.truth(); len(users) > 0 {
			t.Errorf("after a death behind %s: %v are there", died, users)
		}
		if k, err := s.store.Marker(t.Context(), app, lobby); err != nil || k.Exists {
			t.Errorf("after a death behind %s: the channel has the marker %+v (%v)", died, k, err)
		}
	}
}

// unflagged writes rows that never say pending.
type unflagged struct{ testkit.Store }

func (u unflagged) PutSubscription(ctx context.Context, s state.Subscription) (bool, error) {
	s.Pending = false
	return u.Store.PutSubscription(ctx, s)
}

// 16: a client that could not be told who has come or gone is closed, since its list would be wrong
// for ever.
func TestLostMemberFrame(t *testing.T) {
	s := newStage(t, observer, first)
	s.joined(observer)
	s.refuse[first] = state.ErrBusy
	s.consumer("join", s.enters(first, at(1))).Finish()
	if !s.closed[first] {
		t.Error("a client whose success was lost stays open")
	}
}

func TestMembersLimit(t *testing.T) {
	s := newStage(t, observer, first, second)
	s.app.MaxMembers = 2
	s.joined(observer, first)
	t.Run("a second connection of a member joins a full channel", func(t *testing.T) {
		s.consumer("join", s.enters(second, at(1))).Finish()
		if sees := s.sees(second); !slices.Equal(sees, []string{"o", "u"}) {
			t.Errorf("it sees %v", sees)
		}
	})
	t.Run("a new user is refused, and nobody hears of it", func(t *testing.T) {
		third := pusher.ConnectionID("IUYtJ9n7oAMCEQQ=")
		open(t, s.store, third)
		before := len(s.events(observer))
		b := s.enters(third, at(1))
		b.Member = pusher.Member{UserID: "x"}
		s.consumer("join", b).Finish()
		if got := s.events(third); !slices.Equal(got, []string{"pusher:error", "pusher:subscription_error"}) {
			t.Errorf("the client got %v", got)
		}
		c, err := s.store.Connection(t.Context(), third)
		if err != nil || len(c.On) > 0 {
			t.Errorf("the connection is on %v (%v)", c.On, err)
		}
		if users, _ := s.truth(); !slices.Equal(users, []string{"o", "u"}) || len(s.events(observer)) != before {
			t.Errorf("rows of %v; the observer heard %v", users, s.events(observer)[before:])
		}
	})
}

func TestSecondUserOnOneConnection(t *testing.T) {
	s := newStage(t, observer, first)
	s.joined(observer, first)
	b := s.enters(first, at(1))
	b.Member = pusher.Member{UserID: "v"}
	s.consumer("join", b).Finish()
	if wrong := s.wrong(); wrong != "" {
		t.Error(wrong)
	}
	if sees := s.sees(first); !slices.Equal(sees, []string{"o", "v"}) {
		t.Errorf("the client sees %v", sees)
	}
	if got := s.events(observer); !slices.Equal(got, []string{"subscription_succeeded", "member_added", "member_removed", "member_added"}) {
		t.Errorf("the observer got %v", got)
	}
}

// A join that announces that the first user of its connection has left, dies, and is stale when it
// comes again: the user must be announced to the others when it comes back.
func TestSecondUserThatDies(t *testing.T) {
	s := newStage(t, observer, first)
	s.joined(observer, first)
	b := s.enters(first, at(1))
	b.Member = pusher.Member{UserID: "v"}
	dying := s.consumer("dying", b)
	play(t, `dying Members
		dying Connection
		dying PutSubscription
		dying Fanout`, dying)
	s.last = nil // what is left of it has died
	back := s.enters(first, at(2))
	s.consumer("stale", b).Finish()
	s.consumer("back", back).Finish()
	if wrong := s.wrong(); wrong != "" {
		t.Error(wrong)
	}
}

// A subscribe whose success was lost with its function is told again, also when the connection was
// on the channel before.
func TestRepeatedSubscribeThatDies(t *testing.T) {
	s := newStage(t, observer)
	s.joined(observer)
	b := s.enters(observer, at(1))
	dying := s.consumer("dying", b)
	for dying.Next != "Post" {
		dying.Step()
	}
	s.last = nil
	before := len(s.events(observer))
	s.consumer("again", b).Finish()
	if got := s.events(observer)[before:]; !slices.Equal(got, []string{"subscription_succeeded"}) {
		t.Errorf("the client was told %v", got)
	}
}

// A list of members that API Gateway would not take is refused like a full channel (docs/decisions/README.md
// 29).
func TestListOfMembersThatIsTooLong(t *testing.T) {
	s := newStage(t, observer, first)
	s.joined(observer)
	b := s.enters(first, at(1))
	b.Member = pusher.Member{UserID: "long", Info: []byte(`"` + strings.Repeat("x", pusher.MaxFrame) + `"`)}
	s.consumer("join", b).Finish()
	if got := s.events(first); !slices.Equal(got, []string{"pusher:error", "pusher:subscription_error"}) {
		t.Errorf("the client got %v", got)
	}
	if users, _ := s.truth(); !slices.Equal(users, []string{"o"}) {
		t.Errorf("rows of %v", users)
	}
}

// onceFailing is a fan-out that fails the first time, without a post.
type onceFailing struct {
	membership.Fanout
	failed bool
}

func (f *onceFailing) Post(ctx context.Context, to []state.Subscription, frame []byte) error {
	if !f.failed {
		f.failed = true
		return errThrottled
	}
	return f.Fanout.Post(ctx, to, frame)
}

func TestJoinWhoseMemberAddedFailedIsRepeated(t *testing.T) {
	s := newStage(t, observer, first)
	s.joined(observer)
	join := s.enters(first, at(1))
	m := &membership.Membership{
		Rows: testkit.Rows(s.store), Apps: s.clients, Gateway: s.clients, Queue: s.clients,
		Timeout: timeout, Now: now,
	}
	out := &onceFailing{Fanout: inTurn{s.clients}}
	if err := work(t.Context(), m, out, join); !errors.Is(err, errThrottled) {
		t.Errorf("the join ended with %v", err)
	}
	if got := s.events(first); len(got) > 0 {
		t.Errorf("the client was sent %v before the other members", got)
	}
	if err := work(t.Context(), m, out, join); err != nil {
		t.Errorf("repeated, the join ended with %v", err)
	}
	if wrong := s.wrong(); wrong != "" {
		t.Error(wrong)
	}
}

func TestRepeatedSubscribeOfAMemberPostsNoMemberAdded(t *testing.T) {
	s := newStage(t, observer, first)
	s.joined(observer, first)
	before := len(s.events(observer))
	s.consumer("again", s.enters(first, at(1))).Finish()
	if got := s.events(observer)[before:]; len(got) > 0 {
		t.Errorf("the observer was sent %v", got)
	}
	if wrong := s.wrong(); wrong != "" {
		t.Error(wrong)
	}
}

// The queue may bring the messages of two frames in any order.
func TestMessageOfAnOlderFrameDoesNotEndAMembership(t *testing.T) {
	t.Run("a leave that comes after the next join", func(t *testing.T) {
		s := newStage(t, observer, first)
		s.joined(observer, first)
		leave, join := s.leaves(first, at(1)), s.enters(first, at(2))
		s.consumer("join", join).Finish()
		s.consumer("leave", leave).Finish()
		if users, _ := s.truth(); !slices.Equal(users, []string{"o", "u"}) || s.wrong() != "" {
			t.Errorf("the rows say %v; %s", users, s.wrong())
		}
	})
	t.Run("a join that comes after the next join", func(t *testing.T) {
		s := newStage(t, observer, first)
		s.joined(observer)
		older, newer := s.enters(first, at(1)), s.enters(first, at(2))
		s.consumer("newer", newer).Finish()
		s.consumer("older", older).Finish()
		if users, _ := s.truth(); !slices.Equal(users, []string{"o", "u"}) || s.wrong() != "" {
			t.Errorf("the rows say %v; %s", users, s.wrong())
		}
	})
}
