package socket_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hark/shared/pusher"
)

// webhooks notes which webhook events apps are sent, or fails.
type webhooks struct {
	got []pusher.WebhookEvent
	err error
}

func (w *webhooks) Notify(_ context.Context, app pusher.App, e pusher.WebhookEvent) error {
	if app.ID != "3" || app.Secret == "" {
		return errors.New("of another app")
	}
	if w.err == nil {
		w.got = append(w.got, e)
	}
	return w.err
}

// The numbers are those of docs/protocol.md §9.
func TestAppsAreSentClientEvents(t *testing.T) {
	for _, c := range []struct {
		name, frame string
		mode        pusher.ClientEvents
		want        []pusher.WebhookEvent
	}{
		{
			"134 the data is a text", `{"event":"client-a","data":{"n":1},"channel":"private-a"}`,
			pusher.ClientEventsMembers,
			[]pusher.WebhookEvent{
				{
					Name: "client_event", Channel: "private-a", Event: "client-a",
					Data: new(`{"n":1}`), SocketID: socketID,
				},
			},
		},
		{
			"134 even if there is none", `{"event":"client-a","channel":"private-a"}`,
			pusher.ClientEventsMembers,
			[]pusher.WebhookEvent{
				{
					Name: "client_event", Channel: "private-a", Event: "client-a", Data: new(""),
					SocketID: socketID,
				},
			},
		},
		{
			"134 with the user on a presence channel, whom the frame does not name",
			`{"event":"client-a","data":"x","channel":"presence-a","user_id":"8"}`,
			pusher.ClientEventsMembers,
			[]pusher.WebhookEvent{
				{
					Name: "client_event", Channel: "presence-a", Event: "client-a", Data: new("x"),
					SocketID: socketID, UserID: "7",
				},
			},
		},
		{
			"a public channel where everybody may",
			`{"event":"client-a","data":"x","channel":"orders"}`, pusher.ClientEventsAll,
			[]pusher.WebhookEvent{
				{
					Name: "client_event", Channel: "orders", Event: "client-a", Data: new("x"),
					SocketID: socketID,
				},
			},
		},
		{
			"not of one that is refused", `{"event":"client-a","data":"x","channel":"orders"}`,
			pusher.ClientEventsMembers, nil,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, sent := newConversation(from(c.mode)), &webhooks{}
			v.members.in, v.Webhooks = everywhere(), sent
			v.says(t, c.frame)
			if diff := cmp.Diff(c.want, sent.got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAppsAreSentAnEventOnceItIsOnItsWay(t *testing.T) {
	event := frame("client-a", "private-a", "")
	t.Run("not if it could not be relayed", func(t *testing.T) {
		c, sent := newConversation(), &webhooks{}
		c.members.in, c.Webhooks, c.published.err = everywhere(), sent, errors.New("broken")
		c.says(t, event)
		if len(sent.got) != 0 {
			t.Errorf("sent %+v", sent.got)
		}
	})
	t.Run("and a client whose event was relayed is not told otherwise", func(t *testing.T) {
		c := newConversation()
		c.members.in, c.Webhooks = everywhere(), &webhooks{err: errors.New("inner-text")}
		c.says(t, event)
		c.has(t)
		if len(c.published.got) != 1 || !strings.Contains(c.log(), "app not told of a client event") {
			t.Errorf("published %d, log %s", len(c.published.got), c.log())
		}
	})
}
