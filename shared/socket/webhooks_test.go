package socket_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hark/shared/pusher"
)

// webhooks records the webhook events that apps are sent, or fails.
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

// sentEvent returns the webhook event of client-a with the data on the channel, sent by the user.
func sentEvent(channel pusher.Channel, data, user string) []pusher.WebhookEvent {
	return []pusher.WebhookEvent{{
		Name: "client_event", Channel: channel, Event: "client-a", Data: &data,
		SocketID: socketID, UserID: user,
	}}
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
			pusher.ClientEventsMembers, sentEvent("private-a", `{"n":1}`, ""),
		},
		{
			"134 even if there is none", `{"event":"client-a","channel":"private-a"}`,
			pusher.ClientEventsMembers, sentEvent("private-a", "", ""),
		},
		{
			"134 with the user on a presence channel, whom the frame does not name",
			`{"event":"client-a","data":"x","channel":"presence-a","user_id":"8"}`,
			pusher.ClientEventsMembers, sentEvent("presence-a", "x", "7"),
		},
		{
			"a public channel in the mode all",
			`{"event":"client-a","data":"x","channel":"orders"}`,
			pusher.ClientEventsAll, sentEvent("orders", "x", ""),
		},
		{
			"not of one that is refused", `{"event":"client-a","data":"x","channel":"orders"}`,
			pusher.ClientEventsMembers, nil,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, sent := newConversation(from(c.mode)), &webhooks{}
			v.members.in, v.Webhooks = everywhere(), sent
			v.sends(t, c.frame)
			if diff := cmp.Diff(c.want, sent.got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAppsAreSentAClientEventAfterItIsPublished(t *testing.T) {
	event := frame("client-a", "private-a", "")
	t.Run("not if it could not be relayed", func(t *testing.T) {
		c, sent := newConversation(), &webhooks{}
		c.members.in, c.Webhooks, c.published.err = everywhere(), sent, errors.New("broken")
		c.sends(t, event)
		if len(sent.got) != 0 {
			t.Errorf("sent %+v", sent.got)
		}
	})
	t.Run("and an error of the webhooks is not sent to the client", func(t *testing.T) {
		c := newConversation()
		c.members.in, c.Webhooks = everywhere(), &webhooks{err: errors.New("inner-text")}
		c.sends(t, event)
		c.wasSent(t)
		logged := strings.Contains(c.log(), "webhook event of a client event not queued")
		if len(c.published.got) != 1 || !logged {
			t.Errorf("published %d, log %s", len(c.published.got), c.log())
		}
	})
}
