package membership_test

import (
	"context"
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
	// With one writer, which is the correction, each message waits for the one before it. Without,
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

// members runs the steps of a frame's function.
func (s *stage) members() *membership.Membership {
	return newMembers(s.store, s.clients)
}

// enters runs a subscribe as far as the frame's function does: the channel is written to the
// connection. It returns the join instead of queuing it.
func (s *stage) enters(id pusher.ConnectionID, stamp state.Stamp) state.Join {
	s.Helper()
	m := s.members()
	c, err := m.Connection(s.Context(), id)
	if err != nil {
		s.Fatal(err)
	}
	member := pusher.Member{UserID: userOf(id)}
	if err := m.SubscribePresence(s.Context(), c, lobby, member, stamp); err != nil {
		s.Fatal(err)
	}
	return s.one().(state.Join)
}

// leaves runs an unsubscribe as far as the frame's function does. It returns the leave.
func (s *stage) leaves(id pusher.ConnectionID, stamp state.Stamp) state.Broadcast {
	s.Helper()
	m := s.members()
	c, err := m.Connection(s.Context(), id)
	if err != nil {
		s.Fatal(err)
	}
	if err := m.Unsubscribe(s.Context(), tenant(), c, lobby, stamp); err != nil {
		s.Fatal(err)
	}
	return s.one()
}

// one returns the only message that was queued.
func (s *stage) one() state.Broadcast {
	s.Helper()
	queued := s.take()
	if len(queued) != 1 {
		s.Fatalf("queued %+v, want one message", queued)
	}
	return queued[0]
}

// consumer starts the consumer with a message.
func (s *stage) consumer(name string, b state.Broadcast) *process {
	s.Helper()
	p := startAmong(s.T, name, s.clients, s.store,
		func(ctx context.Context, m *membership.ConsumerSteps) error {
			return work(ctx, m.Membership, m.Fanout, b)
		})
	if s.oneWriter && s.last != nil {
		p.After = s.last.Process
	}
	s.last = p
	return p
}

// dies leaves the consumer where it stands: nothing waits for it.
func (s *stage) dies() { s.last = nil }

// joined has connections on the channel from the start.
func (s *stage) joined(ids ...pusher.ConnectionID) {
	s.Helper()
	for i, id := range ids {
		s.consumer("before", s.enters(id, at(i-10))).Finish()
	}
	s.last = nil
}

// users returns the users that the channel's rows name, and how many rows are pending.
func (s *stage) users() (users []string, pending int) {
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
	users, pending := s.users()
	if sees := s.sees(observer); !slices.Equal(sees, users) || pending > 0 {
		return fmt.Sprintf("the observer sees %v, the rows say %v (%d pending)\nit was sent %s",
			sees, users, pending, strings.Join(s.events(observer), ", "))
	}
	return ""
}

// wantRight fails the test if the observer's list differs from the rows.
func (s *stage) wantRight() {
	s.Helper()
	if wrong := s.wrong(); wrong != "" {
		s.Error(wrong)
	}
}

// wantSees fails the test unless the client believes that these users are on the channel.
func (s *stage) wantSees(id pusher.ConnectionID, users ...string) {
	s.Helper()
	if sees := s.sees(id); !slices.Equal(sees, users) {
		s.Errorf("%s sees %v, want %v; it was sent %v", id, sees, users, s.events(id))
	}
}
