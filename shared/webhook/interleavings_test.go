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

// The connections of these tests.
const (
	ann = pusher.ConnectionID("L0SM9cOFvHcCIhw=")
	bob = pusher.ConnectionID("R1kmxc2VNjMCFIA=")
)

// table is the stage of an interleaving: subscribers whose frames run as a whole, and checks that run step by step. What is queued
// for a check is not looked at; each script says when one comes.
type table struct {
	*testing.T
	*world
	rows      rows
	announced announcements
	blind     bool // a check that comes again does not know that it does
}

func newTable(t *testing.T) *table {
	s := &table{T: t, world: newWorld(t)}
	s.rows = s.state
	s.members.Checks, s.members.Queue = unasked{}, atOnce{s.members}
	s.open(t, ann, bob)
	return s
}

// unasked are checks that nobody does.
type unasked struct{}

func (unasked) Check(context.Context, string, pusher.Channel, string) error { return nil }
func (unasked) Missed(context.Context, string, pusher.Channel) error        { return nil }

// atOnce is a queue whose consumer is never late.
type atOnce struct{ members *membership.Membership }

func (q atOnce) Publish(ctx context.Context, all ...state.Broadcast) error {
	_, err := channelConsumer(q.members).Consume(ctx, all)
	return err
}

// check is a check up to its first step.
func (s *table) check(name string, k state.Check) *testkit.Process {
	s.Helper()
	k.App = s.apps[0].ID
	k.Again = k.Again && !s.blind
	return start(s.T, name, s.rows, &s.announced, k)
}

// The interleaving of docs/steps.md §2 that doubles and loses what apps are told (13), in its several forms: forced upon the steps that are
// there for it, each ends right. Then the correction is taken out, and the same interleaving must end wrong.
func TestInterleavings(t *testing.T) {
	look, again := state.Check{Channel: news}, state.Check{Channel: news, Again: true}
	user, userAgain := state.Check{Channel: lobby, User: "u"}, state.Check{Channel: lobby, User: "u", Again: true}
	const occupied, vacated, added, removed = pusher.WebhookChannelOccupied, pusher.WebhookChannelVacated, pusher.WebhookMemberAdded, pusher.WebhookMemberRemoved
	for _, c := range []struct {
		name       string
		play       func(s *table)
		want       []string
		correction string
		without    func(*dynamo.State) rows
		blind      bool // the correction is that a check which comes again knows that it does
	}{{
		name: "a check that dies before it has told of the first subscriber",
		play: func(s *table) {
			s.subscribe(s.T, ann, news, "")
			s.check("check", look).Play(s.T, "Marker Occupied SetAnnounced")
			s.check("again", again).Play(s.T, "*")
		},
		want: []string{occupied}, correction: "the second look of a check that comes again", blind: true,
	}, {
		name: "a check that dies before it has told of the last one's leaving",
		play: func(s *table) {
			s.subscribe(s.T, ann, news, "")
			s.check("first", look).Play(s.T, "*")
			s.unsubscribe(s.T, ann, news)
			s.check("check", look).Play(s.T, "Marker Occupied SetAnnounced")
			s.check("again", again).Play(s.T, "*")
		},
		want: []string{occupied, vacated}, correction: "the marker that stays until it is told",
		without: func(s *dynamo.State) rows { return tooEarly{s} },
	}, {
		name: "somebody comes back while it is about to be told that all have left",
		play: func(s *table) {
			s.subscribe(s.T, ann, news, "")
			s.check("first", look).Play(s.T, "*")
			s.unsubscribe(s.T, ann, news)
			p := s.check("check", look)
			p.Play(s.T, "Marker Occupied")
			s.subscribe(s.T, bob, news, "")
			p.Play(s.T, "*")
			s.check("bob's", look).Play(s.T, "*")
		},
		want: []string{occupied}, correction: "the flag as the condition",
		without: func(s *dynamo.State) rows { return unconditional{s} },
	}, {
		name: "somebody comes back just after it was told that all have left",
		play: func(s *table) {
			s.subscribe(s.T, ann, news, "")
			s.check("first", look).Play(s.T, "*")
			s.unsubscribe(s.T, ann, news)
			p := s.check("check", look)
			p.Play(s.T, "Marker Occupied SetAnnounced Announce")
			s.subscribe(s.T, bob, news, "")
			p.Play(s.T, "*")
			s.check("bob's", look).Play(s.T, "*")
		},
		want: []string{occupied, vacated, occupied}, correction: "the look at whether the marker could be removed",
		without: func(s *dynamo.State) rows { return trusting{s} },
	}, {
		name: "somebody comes back, and the check that told that all have left has died",
		play: func(s *table) {
			s.subscribe(s.T, ann, news, "")
			s.check("first", look).Play(s.T, "*")
			s.unsubscribe(s.T, ann, news)
			s.check("check", look).Play(s.T, "Marker Occupied SetAnnounced Announce")
			s.subscribe(s.T, bob, news, "")
			s.check("again", again).Play(s.T, "*")
			s.check("bob's", look).Play(s.T, "*")
		},
		want: []string{occupied, vacated, vacated, occupied}, correction: "the note that it was being told, or the second look",
		without: func(s *dynamo.State) rows { return forgetful{s} }, blind: true,
	}, {
		name: "a subscriber and whoever leaves meet, and the one who has left has died before it could say so",
		play: func(s *table) {
			s.subscribe(s.T, ann, news, "")
			s.check("first", look).Play(s.T, "*")
			_, err := s.state.TakeSubscription(s.Context(), state.Subscription{App: s.apps[0].ID, Channel: news, Connection: ann})
			must(s.T, err)
			s.check("check", look).Play(s.T, "*")
		},
		want: []string{occupied, vacated}, correction: "the look at the subscribers of a channel that is not flagged",
		without: func(s *dynamo.State) rows { return believing{s} },
	}, {
		name: "a check that dies before it has told of a member",
		play: func(s *table) {
			s.subscribe(s.T, ann, lobby, "u")
			s.check("check", user).Play(s.T, "Present SetAnnounced")
			s.check("again", userAgain).Play(s.T, "*")
		},
		want: []string{added}, correction: "the second look of a check that comes again", blind: true,
	}, {
		name: "a member comes back, and the check that told that it had left has died",
		play: func(s *table) {
			s.subscribe(s.T, ann, lobby, "u")
			s.check("first", user).Play(s.T, "*")
			s.unsubscribe(s.T, ann, lobby)
			s.check("check", user).Play(s.T, "Present Announce")
			s.subscribe(s.T, bob, lobby, "u")
			s.check("again", userAgain).Play(s.T, "*")
			s.check("bob's", user).Play(s.T, "*")
		},
		want: []string{added, removed, added}, correction: "the second look of a check that comes again", blind: true,
	}, {
		name: "a check that dies before it has told that a member left",
		play: func(s *table) {
			s.subscribe(s.T, ann, lobby, "u")
			s.check("first", user).Play(s.T, "*")
			s.unsubscribe(s.T, ann, lobby)
			s.check("check", user).Play(s.T, "Present")
			s.check("again", userAgain).Play(s.T, "*")
		},
		want: []string{added, added, removed}, correction: "the note that stays until it is told",
		without: func(s *dynamo.State) rows { return hasty{s} },
	}} {
		run := func(t *testing.T, wrap func(*dynamo.State) rows, blind bool) bool {
			s := newTable(t)
			s.blind = blind
			if wrap != nil {
				s.rows = wrap(s.state)
			}
			c.play(s)
			right := s.announced.are(c.want...)
			t.Logf("the app was sent %q", s.announced.all)
			return right
		}
		t.Run("13 "+c.name, func(t *testing.T) {
			if !run(t, nil, false) {
				t.Errorf("want %q", c.want)
			}
		})
		t.Run("13 "+c.name+", not without "+c.correction, func(t *testing.T) {
			if run(t, c.without, c.blind) {
				t.Error("ends right all the same")
			}
		})
	}
}

// Two checks of one channel at once would both find that nothing was told: that is why each channel is a group of the queue.
func TestOneCheckOfAChannelAtATime(t *testing.T) {
	for name, c := range map[string]struct {
		together bool
		right    bool
	}{"13 one after the other": {false, true}, "13 not together": {true, false}} {
		t.Run(name, func(t *testing.T) {
			s := newTable(t)
			s.subscribe(t, ann, news, "")
			one := s.check("one", state.Check{Channel: news})
			if !c.together {
				one.Play(t, "*")
			} else {
				one.Play(t, "Marker Occupied")
			}
			s.check("two", state.Check{Channel: news}).Play(t, "*")
			one.Play(t, "*")
			if s.announced.are(pusher.WebhookChannelOccupied) != c.right {
				t.Errorf("the app was sent %q", s.announced.all)
			}
		})
	}
}

// tooEarly removes the marker before it is told that all have left.
type tooEarly struct{ *dynamo.State }

func (s tooEarly) SetAnnounced(ctx context.Context, app string, ch pusher.Channel, announced state.Announced, nonce string) (bool, error) {
	if announced == state.AnnouncedVacated {
		return s.TakeMarker(ctx, app, ch, nonce)
	}
	return s.State.SetAnnounced(ctx, app, ch, announced, nonce)
}

// unconditional notes what is told whether the channel is still flagged or not.
type unconditional struct{ *dynamo.State }

func (s unconditional) SetAnnounced(ctx context.Context, app string, ch pusher.Channel, announced state.Announced, _ string) (bool, error) {
	return s.State.SetAnnounced(ctx, app, ch, announced, "")
}

// trusting believes that nobody has come since.
type trusting struct{ *dynamo.State }

func (s trusting) TakeMarker(ctx context.Context, app string, ch pusher.Channel, nonce string) (bool, error) {
	_, err := s.State.TakeMarker(ctx, app, ch, nonce)
	return true, err
}

// forgetful does not note that it is being told that all have left.
type forgetful struct{ *dynamo.State }

func (s forgetful) SetAnnounced(ctx context.Context, app string, ch pusher.Channel, announced state.Announced, nonce string) (bool, error) {
	if announced == state.AnnouncedVacated {
		return true, nil
	}
	return s.State.SetAnnounced(ctx, app, ch, announced, nonce)
}

// believing takes a channel that is not flagged for an occupied one.
type believing struct{ *dynamo.State }

func (believing) Occupied(context.Context, string, pusher.Channel) (bool, error) { return true, nil }

// hasty forgets that a member was told before it is told that the member left.
type hasty struct{ *dynamo.State }

func (s hasty) Present(ctx context.Context, app string, ch pusher.Channel, user string) (pusher.ConnectionID, bool, error) {
	id, there, err := s.State.Present(ctx, app, ch, user)
	if err == nil && !there {
		err = s.DropAnnouncedMember(ctx, app, ch, user)
	}
	return id, there, err
}
