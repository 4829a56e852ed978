package webhook_test

import (
	"context"
	"testing"

	"hark/shared/dynamo"
	"hark/shared/internal/testkit"
	"hark/shared/membership"
	"hark/shared/pusher"
	"hark/shared/state"
)

// The interleavings of docs/steps.md §2 (13) that announce something twice or never. Each test
// plays one on the corrected steps, which must end right. Then it plays it without the correction,
// which must end wrong, or the test would show nothing.

// The connections of these tests.
const (
	ann = pusher.ConnectionID("L0SM9cOFvHcCIhw=")
	bob = pusher.ConnectionID("R1kmxc2VNjMCFIA=")
)

// interleaving is a play of frames and checks, what the app must be sent, and the correction that
// makes it so.
type interleaving struct {
	play       func(s *stage)
	want       []string
	correction string
	without    func(*dynamo.State) rows // the rows without the correction; as they are if nil
	blind      bool                     // without it, a repeated check does not know that it is one
}

func (i interleaving) run(t *testing.T) {
	t.Run("with "+i.correction, func(t *testing.T) {
		s := newStage(t)
		i.play(s)
		if !s.announced.are(i.want...) {
			t.Errorf("the app was sent %q, want %q", s.announced.all, i.want)
		}
	})
	t.Run("not without "+i.correction, func(t *testing.T) {
		s := newStage(t)
		s.blind = i.blind
		if i.without != nil {
			s.rows = i.without(s.state)
		}
		i.play(s)
		if s.announced.are(i.want...) {
			t.Errorf("the app was sent %q all the same", s.announced.all)
		}
	})
}

// stage is a stack on which frames run as a whole, and checks step by step. Queued checks are
// ignored: each play says when one runs.
type stage struct {
	*testing.T
	*world
	rows      rows
	announced announcements
	blind     bool // a repeated check does not know that it is one
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{T: t, world: newWorld(t)}
	s.rows = s.state
	s.members.Checks, s.members.Queue = ignored{}, immediate{s.members}
	s.open(t, ann, bob)
	return s
}

// ignored is a queue of checks that never run.
type ignored struct{}

func (ignored) Check(context.Context, string, pusher.Channel, string) error { return nil }
func (ignored) Missed(context.Context, string, pusher.Channel) error        { return nil }

// immediate is a queue whose messages are handled at once.
type immediate struct{ members *membership.Membership }

func (q immediate) Publish(ctx context.Context, all ...state.Broadcast) error {
	_, err := channelConsumer(q.members).Consume(ctx, all)
	return err
}

// check is a check up to its first step.
func (s *stage) check(name string, k state.Check) *testkit.Process {
	s.Helper()
	k.App = s.apps[0].ID
	k.Again = k.Again && !s.blind
	return start(s.T, name, s.rows, &s.announced, k)
}

// visited has ann on the channel until after it was announced.
func (s *stage) visited() {
	s.Helper()
	s.subscribe(s.T, ann, news, "")
	s.check("first", ofChannel()).Play(s.T, "*")
	s.unsubscribe(s.T, ann, news)
}

// visitedByMember has ann on the lobby until after its user was announced.
func (s *stage) visitedByMember() {
	s.Helper()
	s.subscribe(s.T, ann, lobby, "u")
	s.check("first", ofMember()).Play(s.T, "*")
	s.unsubscribe(s.T, ann, lobby)
}

// What the checks of the plays compare: the channel news, and the user u on the lobby.
func ofChannel() state.Check { return state.Check{Channel: news} }

func ofMember() state.Check { return state.Check{Channel: lobby, User: "u"} }

// repeated is a check that the queue hands over a second time.
func repeated(k state.Check) state.Check {
	k.Again = true
	return k
}

const (
	occupiedEvent = pusher.WebhookChannelOccupied
	vacatedEvent  = pusher.WebhookChannelVacated
	addedEvent    = pusher.WebhookMemberAdded
	removedEvent  = pusher.WebhookMemberRemoved
)

func TestCheckThatDiesBeforeChannelOccupiedIsRepeated(t *testing.T) {
	interleaving{
		play: func(s *stage) {
			s.subscribe(s.T, ann, news, "")
			s.check("check", ofChannel()).Play(s.T, "Marker Occupied SetAnnounced")
			s.check("again", repeated(ofChannel())).Play(s.T, "*")
		},
		want:       []string{occupiedEvent},
		correction: "the second read of a repeated check",
		blind:      true,
	}.run(t)
}

func TestCheckThatDiesBeforeChannelVacatedIsRepeated(t *testing.T) {
	interleaving{
		play: func(s *stage) {
			s.visited()
			s.check("check", ofChannel()).Play(s.T, "Marker Occupied SetAnnounced")
			s.check("again", repeated(ofChannel())).Play(s.T, "*")
		},
		want:       []string{occupiedEvent, vacatedEvent},
		correction: "the marker that stays until channel_vacated is sent",
		without:    func(s *dynamo.State) rows { return tooEarly{s} },
	}.run(t)
}

func TestSubscriberThatComesBeforeChannelVacatedPreventsIt(t *testing.T) {
	interleaving{
		play: func(s *stage) {
			s.visited()
			p := s.check("check", ofChannel())
			p.Play(s.T, "Marker Occupied")
			s.subscribe(s.T, bob, news, "")
			p.Play(s.T, "*")
			s.check("bob's", ofChannel()).Play(s.T, "*")
		},
		want:       []string{occupiedEvent},
		correction: "the flag as the condition of the write",
		without:    func(s *dynamo.State) rows { return unconditional{s} },
	}.run(t)
}

func TestSubscriberThatComesAfterChannelVacatedIsAnnounced(t *testing.T) {
	interleaving{
		play: func(s *stage) {
			s.visited()
			p := s.check("check", ofChannel())
			p.Play(s.T, "Marker Occupied SetAnnounced Announce")
			s.subscribe(s.T, bob, news, "")
			p.Play(s.T, "*")
			s.check("bob's", ofChannel()).Play(s.T, "*")
		},
		want:       []string{occupiedEvent, vacatedEvent, occupiedEvent},
		correction: "the check whether the marker could be removed",
		without:    func(s *dynamo.State) rows { return trusting{s} },
	}.run(t)
}

func TestSubscriberIsAnnouncedThoughTheCheckThatSentChannelVacatedDied(t *testing.T) {
	interleaving{
		play: func(s *stage) {
			s.visited()
			s.check("check", ofChannel()).Play(s.T, "Marker Occupied SetAnnounced Announce")
			s.subscribe(s.T, bob, news, "")
			s.check("again", repeated(ofChannel())).Play(s.T, "*")
			s.check("bob's", ofChannel()).Play(s.T, "*")
		},
		want:       []string{occupiedEvent, vacatedEvent, vacatedEvent, occupiedEvent},
		correction: "the row that says vacated, or the second read",
		without:    func(s *dynamo.State) rows { return forgetful{s} },
		blind:      true,
	}.run(t)
}

func TestChannelWhoseLastUnsubscribeDiedIsVacated(t *testing.T) {
	interleaving{
		play: func(s *stage) {
			s.subscribe(s.T, ann, news, "")
			s.check("first", ofChannel()).Play(s.T, "*")
			_, err := s.state.TakeSubscription(s.Context(), state.Subscription{
				App: s.apps[0].ID, Channel: news, Connection: ann,
			})
			must(s.T, err)
			s.check("check", ofChannel()).Play(s.T, "*")
		},
		want:       []string{occupiedEvent, vacatedEvent},
		correction: "the read of the subscribers of a channel that is not flagged",
		without:    func(s *dynamo.State) rows { return believing{s} },
	}.run(t)
}

func TestCheckThatDiesBeforeMemberAddedIsRepeated(t *testing.T) {
	interleaving{
		play: func(s *stage) {
			s.subscribe(s.T, ann, lobby, "u")
			s.check("check", ofMember()).Play(s.T, "Present SetAnnounced")
			s.check("again", repeated(ofMember())).Play(s.T, "*")
		},
		want:       []string{addedEvent},
		correction: "the second read of a repeated check",
		blind:      true,
	}.run(t)
}

func TestMemberIsAnnouncedThoughTheCheckThatSentMemberRemovedDied(t *testing.T) {
	interleaving{
		play: func(s *stage) {
			s.visitedByMember()
			s.check("check", ofMember()).Play(s.T, "Present Announce")
			s.subscribe(s.T, bob, lobby, "u")
			s.check("again", repeated(ofMember())).Play(s.T, "*")
			s.check("bob's", ofMember()).Play(s.T, "*")
		},
		want:       []string{addedEvent, removedEvent, addedEvent},
		correction: "the second read of a repeated check",
		blind:      true,
	}.run(t)
}

func TestCheckThatDiesBeforeMemberRemovedIsRepeated(t *testing.T) {
	interleaving{
		play: func(s *stage) {
			s.visitedByMember()
			s.check("check", ofMember()).Play(s.T, "Present")
			s.check("again", repeated(ofMember())).Play(s.T, "*")
		},
		want:       []string{addedEvent, addedEvent, removedEvent},
		correction: "the row that stays until member_removed is sent",
		without:    func(s *dynamo.State) rows { return hasty{s} },
	}.run(t)
}

// Two checks of one channel at once would both find that nothing was announced. That is why each
// channel is a message group of the queue.
func TestOneCheckOfAChannelAtATime(t *testing.T) {
	for name, c := range map[string]struct {
		together bool
		right    bool
	}{"13 one after the other": {false, true}, "13 not together": {true, false}} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.subscribe(t, ann, news, "")
			one := s.check("one", ofChannel())
			if !c.together {
				one.Play(t, "*")
			} else {
				one.Play(t, "Marker Occupied")
			}
			s.check("two", ofChannel()).Play(t, "*")
			one.Play(t, "*")
			if s.announced.are(pusher.WebhookChannelOccupied) != c.right {
				t.Errorf("the app was sent %q", s.announced.all)
			}
		})
	}
}

// tooEarly removes the marker before channel_vacated is sent.
type tooEarly struct{ *dynamo.State }

func (s tooEarly) SetAnnounced(
	ctx context.Context, app string, ch pusher.Channel, announced state.Announced, nonce string,
) (bool, error) {
	if announced == state.AnnouncedVacated {
		return s.TakeMarker(ctx, app, ch, nonce)
	}
	return s.State.SetAnnounced(ctx, app, ch, announced, nonce)
}

// unconditional writes what is announced whether the channel is still flagged or not.
type unconditional struct{ *dynamo.State }

func (s unconditional) SetAnnounced(
	ctx context.Context, app string, ch pusher.Channel, announced state.Announced, _ string,
) (bool, error) {
	return s.State.SetAnnounced(ctx, app, ch, announced, "")
}

// trusting takes it that the marker could be removed.
type trusting struct{ *dynamo.State }

func (s trusting) TakeMarker(
	ctx context.Context, app string, ch pusher.Channel, nonce string,
) (bool, error) {
	_, err := s.State.TakeMarker(ctx, app, ch, nonce)
	return true, err
}

// forgetful does not write that channel_vacated is being sent.
type forgetful struct{ *dynamo.State }

func (s forgetful) SetAnnounced(
	ctx context.Context, app string, ch pusher.Channel, announced state.Announced, nonce string,
) (bool, error) {
	if announced == state.AnnouncedVacated {
		return true, nil
	}
	return s.State.SetAnnounced(ctx, app, ch, announced, nonce)
}

// believing takes a channel that is not flagged for an occupied one.
type believing struct{ *dynamo.State }

func (believing) Occupied(context.Context, string, pusher.Channel) (bool, error) {
	return true, nil
}

// hasty removes what was announced of a member before member_removed is sent.
type hasty struct{ *dynamo.State }

func (s hasty) Present(
	ctx context.Context, app string, ch pusher.Channel, user string,
) (pusher.ConnectionID, bool, error) {
	id, there, err := s.State.Present(ctx, app, ch, user)
	if err == nil && !there {
		err = s.DropAnnouncedMember(ctx, app, ch, user)
	}
	return id, there, err
}
