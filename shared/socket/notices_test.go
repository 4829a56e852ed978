package socket_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hark/shared/pusher"
)

// notices notes what apps are told, or fails.
type notices struct {
	got []pusher.Notice
	err error
}

func (n *notices) Notify(_ context.Context, app pusher.App, notice pusher.Notice) error {
	if app.ID != "3" || app.Secret == "" {
		return errors.New("of another app")
	}
	if n.err == nil {
		n.got = append(n.got, notice)
	}
	return n.err
}

// The numbers are those of protocol.md §9.
func TestAppsAreToldOfClientEvents(t *testing.T) {
	for _, c := range []struct {
		name, frame string
		mode        pusher.ClientEvents
		want        []pusher.Notice
	}{
		{
			"134 the data is a text", `{"event":"client-a","data":{"n":1},"channel":"private-a"}`, pusher.ClientEventsMembers,
			[]pusher.Notice{{Name: "client_event", Channel: "private-a", Event: "client-a", Data: new(`{"n":1}`), SocketID: socketID}},
		},
		{
			"134 even if there is none", `{"event":"client-a","channel":"private-a"}`, pusher.ClientEventsMembers,
			[]pusher.Notice{{Name: "client_event", Channel: "private-a", Event: "client-a", Data: new(""), SocketID: socketID}},
		},
		{
			"134 with the user on a presence channel, whom the frame does not name", `{"event":"client-a","data":"x","channel":"presence-a","user_id":"8"}`,
			pusher.ClientEventsMembers,
			[]pusher.Notice{{Name: "client_event", Channel: "presence-a", Event: "client-a", Data: new("x"), SocketID: socketID, UserID: "7"}},
		},
		{
			"a public channel where everybody may", `{"event":"client-a","data":"x","channel":"orders"}`, pusher.ClientEventsAll,
			[]pusher.Notice{{Name: "client_event", Channel: "orders", Event: "client-a", Data: new("x"), SocketID: socketID}},
		},
		{"not of one that is refused", `{"event":"client-a","data":"x","channel":"orders"}`, pusher.ClientEventsMembers, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, told := newConversation(from(c.mode)), &notices{}
			v.members.in, v.Notices = everywhere(), told
			v.says(t, c.frame)
			if diff := cmp.Diff(c.want, told.got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAppsAreToldAfterTheEventIsOnItsWay(t *testing.T) {
	event := frame("client-a", "private-a", "")
	t.Run("not if it could not be relayed", func(t *testing.T) {
		c, told := newConversation(), &notices{}
		c.members.in, c.Notices, c.published.err = everywhere(), told, errors.New("broken")
		c.says(t, event)
		if len(told.got) != 0 {
			t.Errorf("told %+v", told.got)
		}
	})
	t.Run("and a client whose event was relayed is not told otherwise", func(t *testing.T) {
		c := newConversation()
		c.members.in, c.Notices = everywhere(), &notices{err: errors.New("inner-text")}
		c.says(t, event)
		c.has(t)
		if len(c.published.got) != 1 || !strings.Contains(c.log(), "app not told of a client event") {
			t.Errorf("published %d, log %s", len(c.published.got), c.log())
		}
	})
}
