package membership_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"hark/shared/membership"
	"hark/shared/pusher"
	"hark/shared/state"
)

// Interleaving 16 of docs/steps.md §2: the list of members of a client that cannot be sent a frame
// would stay wrong, so the client is closed.
func TestClientThatCannotBeSentItsSuccessIsClosed(t *testing.T) {
	s := newStage(t, observer, first)
	s.joined(observer)
	s.Refuse(first, state.ErrBusy)
	s.consumer("join", s.enters(first, at(1))).Finish()
	if !s.Closed(first) {
		t.Error("a client whose success was lost stays open")
	}
}

// refusalFrames are the frames of a join that is refused.
func refusalFrames() []string { return []string{"pusher:error", "pusher:subscription_error"} }

func TestMembersLimit(t *testing.T) {
	s := newStage(t, observer, first, second)
	s.app.MaxMembers = 2
	s.joined(observer, first)
	t.Run("a second connection of a member joins a full channel", func(*testing.T) {
		s.consumer("join", s.enters(second, at(1))).Finish()
		s.wantSees(second, "o", "u")
	})
	t.Run("a new user is refused, and the members are sent nothing", func(t *testing.T) {
		third := pusher.ConnectionID("IUYtJ9n7oAMCEQQ=")
		open(t, s.store, third)
		before := len(s.events(observer))
		join := s.enters(third, at(1))
		join.Member.UserID = "x"
		s.consumer("join", join).Finish()
		if got := s.events(third); !slices.Equal(got, refusalFrames()) {
			t.Errorf("the client got %v", got)
		}
		c, err := s.store.Connection(t.Context(), third)
		if err != nil || len(c.On) > 0 {
			t.Errorf("the connection is on %v (%v)", c.On, err)
		}
		sent := s.events(observer)[before:]
		if users, _ := s.users(); !slices.Equal(users, []string{"o", "u"}) || len(sent) > 0 {
			t.Errorf("rows of %v; the observer was sent %v", users, sent)
		}
	})
}

// An app may lower its limit below what a channel holds. Its members stay, and come by further
// connections; no new user does.
func TestMembersLimitThatWasLowered(t *testing.T) {
	s := newStage(t, observer, first, second)
	s.joined(observer, first)
	s.app.MaxMembers = 1
	s.consumer("join", s.enters(second, at(1))).Finish()
	s.wantSees(second, "o", "u")
	s.wantRight()
}

func TestSecondUserOnOneConnectionReplacesTheFirst(t *testing.T) {
	s := newStage(t, observer, first)
	s.joined(observer, first)
	join := s.enters(first, at(1))
	join.Member.UserID = "v"
	s.consumer("join", join).Finish()
	s.wantRight()
	s.wantSees(first, "o", "v")
	want := []string{"subscription_succeeded", "member_added", "member_removed", "member_added"}
	if got := s.events(observer); !slices.Equal(got, want) {
		t.Errorf("the observer got %v, want %v", got, want)
	}
}

// A list of members that API Gateway would not take is refused like a full channel
// (docs/decisions/0019-long-posts.md).
func TestListOfMembersThatIsTooLongIsRefused(t *testing.T) {
	s := newStage(t, observer, first)
	s.joined(observer)
	join := s.enters(first, at(1))
	info := `"` + strings.Repeat("x", pusher.MaxFrame) + `"`
	join.Member = pusher.Member{UserID: "long", Info: []byte(info)}
	s.consumer("join", join).Finish()
	if got := s.events(first); !slices.Equal(got, refusalFrames()) {
		t.Errorf("the client got %v", got)
	}
	if users, _ := s.users(); !slices.Equal(users, []string{"o"}) {
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
	m := s.members()
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
	s.wantRight()
}

func TestRepeatedSubscribeOfAMemberPostsNoMemberAdded(t *testing.T) {
	s := newStage(t, observer, first)
	s.joined(observer, first)
	before := len(s.events(observer))
	s.consumer("again", s.enters(first, at(1))).Finish()
	if got := s.events(observer)[before:]; len(got) > 0 {
		t.Errorf("the observer was sent %v", got)
	}
	s.wantRight()
}

// The queue may bring the messages of two frames in any order.
func TestMessageOfAnOlderFrameDoesNotEndAMembership(t *testing.T) {
	t.Run("a leave that comes after the next join", func(t *testing.T) {
		s := newStage(t, observer, first)
		s.joined(observer, first)
		leave, join := s.leaves(first, at(1)), s.enters(first, at(2))
		s.consumer("join", join).Finish()
		s.consumer("leave", leave).Finish()
		if users, _ := s.users(); !slices.Equal(users, []string{"o", "u"}) || s.wrong() != "" {
			t.Errorf("the rows say %v; %s", users, s.wrong())
		}
	})
	t.Run("a join that comes after the next join", func(t *testing.T) {
		s := newStage(t, observer, first)
		s.joined(observer)
		older, newer := s.enters(first, at(1)), s.enters(first, at(2))
		s.consumer("newer", newer).Finish()
		s.consumer("older", older).Finish()
		if users, _ := s.users(); !slices.Equal(users, []string{"o", "u"}) || s.wrong() != "" {
			t.Errorf("the rows say %v; %s", users, s.wrong())
		}
	})
}
