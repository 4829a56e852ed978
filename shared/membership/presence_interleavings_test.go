package membership_test

import (
	"context"
	"slices"
	"testing"

	"hark/shared/internal/testkit"
	"hark/shared/state"
)

// The interleavings of docs/steps.md §2 that concern presence, and deaths of the consumer.

// eachWay plays an interleaving with one writer for the channel, which must end right, and with a
// function for each frame, as the obvious steps have it, which must end wrong.
func eachWay(t *testing.T, play func(s *stage)) {
	t.Helper()
	for _, oneWriter := range []bool{true, false} {
		name := "with the one writer"
		if !oneWriter {
			name = "not without the one writer"
		}
		t.Run(name, func(t *testing.T) {
			s := newStage(t, observer, first, second)
			s.oneWriter = oneWriter
			play(s)
			if wrong := s.wrong(); (wrong == "") != oneWriter {
				t.Errorf("one writer: %t. %s", oneWriter, wrong)
			}
		})
	}
}

// Interleaving 1.
func TestUserStaysWhenItsLastConnectionLeavesWhileAnotherJoins(t *testing.T) {
	eachWay(t, func(s *stage) {
		s.joined(observer, first)
		leave := s.consumer("leave", s.leaves(first, at(1)))
		join := s.consumer("join", s.enters(second, at(1)))
		play(s.T, `leave Members
			join *
			leave *`, leave, join)
	})
}

// Interleaving 1, its second form.
func TestMemberAddedComesBeforeTheMemberRemovedThatFollowsIt(t *testing.T) {
	eachWay(t, func(s *stage) {
		s.joined(observer)
		join := s.consumer("join", s.enters(first, at(1)))
		play(s.T, `join Members
			join Connection
			join PutSubscription`, join)
		play(s.T, `leave *
			join *`, join, s.consumer("leave", s.leaves(first, at(2))))
	})
}

// Interleaving 2.
func TestNewMemberIsSentThatAUserLeftBeforeItsSuccess(t *testing.T) {
	eachWay(t, func(s *stage) {
		s.joined(first)
		join := s.consumer("join", s.enters(observer, at(1)))
		play(s.T, `join Members
			join Connection
			join PutSubscription`, join)
		play(s.T, `leave *
			join *`, join, s.consumer("leave", s.leaves(first, at(1))))
	})
}

// Interleaving 2, its second form.
func TestNewMemberIsSentThatAUserJoinedBeforeItsSuccess(t *testing.T) {
	eachWay(t, func(s *stage) {
		join := s.consumer("join", s.enters(observer, at(1)))
		play(s.T, `join Members
			join Connection
			join PutSubscription`, join)
		play(s.T, `other *
			join *`, join, s.consumer("other", s.enters(first, at(1))))
	})
}

// stepped lets the process take so many steps and returns the one before which it then stands; ""
// if it has ended.
func stepped(p *process, steps int) string {
	next := ""
	for range steps {
		if next = p.Next; next == "" {
			return ""
		}
		p.Step()
	}
	return next
}

// Interleaving 9: the consumer dies after any step of a join, and the queue hands it over again.
// All members must be sent it. Without the pending flag the row says that all is done.
func TestJoinThatDies(t *testing.T) {
	for _, flag := range []bool{true, false} {
		wrongs := 0
		for steps := 1; ; steps++ {
			s := newStage(t, observer, first)
			s.joined(observer)
			if !flag {
				s.store = unflagged{s.store}
			}
			join := s.enters(first, at(1))
			died := stepped(s.consumer("join", join), steps)
			if died == "" {
				break // it has no more steps
			}
			s.dies()
			s.consumer("join again", join).Finish()
			if wrong := s.wrong(); wrong != "" {
				wrongs++
				if flag {
					t.Errorf("after a death after %s: %s", died, wrong)
				}
			}
			if sees := s.sees(first); flag && !slices.Equal(sees, []string{"o", "u"}) {
				t.Errorf("after a death after %s: the client sees %v", died, sees)
			}
		}
		if !flag && wrongs == 0 {
			t.Error("without the pending flag no death did any harm")
		}
	}
}

// The consumer dies after any step of the last member's leave, and the queue hands it over again.
// The channel must not stay listed, though the row that led there may be removed already.
func TestLeaveThatDies(t *testing.T) {
	for steps := 1; ; steps++ {
		s := newStage(t, first)
		s.joined(first)
		leave := s.leaves(first, at(1))
		died := stepped(s.consumer("leave", leave), steps)
		if died == "" {
			return // it has no more steps
		}
		s.dies()
		s.consumer("leave again", leave).Finish()
		if users, _ := s.users(); len(users) > 0 {
			t.Errorf("after a death after %s: %v are there", died, users)
		}
		if k, err := s.store.Marker(t.Context(), app, lobby); err != nil || k.Exists {
			t.Errorf("after a death after %s: the channel has the marker %+v (%v)", died, k, err)
		}
	}
}

// unflagged writes rows that never say pending.
type unflagged struct{ testkit.Store }

func (u unflagged) PutSubscription(ctx context.Context, s state.Subscription) (bool, error) {
	s.Pending = false
	return u.Store.PutSubscription(ctx, s)
}

// A join that posts that the first user of its connection has left, dies, and is stale when it
// comes again. When the user comes back, the others must be sent it.
func TestSecondUserThatDies(t *testing.T) {
	s := newStage(t, observer, first)
	s.joined(observer, first)
	join := s.enters(first, at(1))
	join.Member.UserID = "v"
	dying := s.consumer("dying", join)
	play(t, `dying Members
		dying Connection
		dying PutSubscription
		dying Fanout`, dying)
	s.dies()
	back := s.enters(first, at(2))
	s.consumer("stale", join).Finish()
	s.consumer("back", back).Finish()
	s.wantRight()
}

// A subscribe whose success was lost with its function is answered again, also when the connection
// was on the channel before.
func TestRepeatedSubscribeThatDies(t *testing.T) {
	s := newStage(t, observer)
	s.joined(observer)
	join := s.enters(observer, at(1))
	dying := s.consumer("dying", join)
	advance(dying, "Post")
	if dying.Next == "" {
		t.Fatal("it has ended without a post")
	}
	s.dies()
	before := len(s.events(observer))
	s.consumer("again", join).Finish()
	if got := s.events(observer)[before:]; !slices.Equal(got, []string{"subscription_succeeded"}) {
		t.Errorf("the client was sent %v", got)
	}
}
