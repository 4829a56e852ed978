package webhook_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"hark/shared/pusher"
	"hark/shared/state"
	"hark/shared/webhook"
)

// boxes are a queue and a bus that keep what they are sent.
type boxes struct {
	sent []state.Delivery
	put  []string
	err  error
}

func (b *boxes) Send(_ context.Context, d ...state.Delivery) error {
	b.sent = append(b.sent, d...)
	return b.err
}

func (b *boxes) Put(_ context.Context, detailType string, detail []byte, at time.Time) error {
	b.put = append(b.put, detailType+" "+string(detail)+" "+at.UTC().Format(time.RFC3339Nano))
	return b.err
}

// 137: an event that a webhook's filters leave out is not even queued for it.
func TestFiltersOfWebhooks(t *testing.T) {
	app := tenant()
	app.Webhooks = []pusher.Webhook{
		{URL: "all"},
		{URL: "occupied", Events: []string{"channel_occupied"}},
		{URL: "private", Prefix: "private-"},
		{URL: "ends", Suffix: "-a"},
		{
			URL: "both", Prefix: "private-", Suffix: "-a",
			Events: []string{"channel_occupied", "channel_vacated"},
		},
	}
	for _, c := range []struct {
		event pusher.WebhookEvent
		want  []string // URLs; "" is the bus, which is sent everything
	}{
		{
			pusher.WebhookEvent{Name: "channel_occupied", Channel: "private-a"},
			[]string{"", "all", "occupied", "private", "ends", "both"},
		},
		{
			pusher.WebhookEvent{Name: "channel_vacated", Channel: "private-a"},
			[]string{"", "all", "private", "ends", "both"},
		},
		{
			pusher.WebhookEvent{Name: "cache_miss", Channel: "private-a"},
			[]string{"", "all", "private", "ends"},
		},
		{
			pusher.WebhookEvent{Name: "channel_occupied", Channel: "b"},
			[]string{"", "all", "occupied"},
		},
	} {
		var b boxes
		n := webhook.Notifier{Deliveries: &b, Now: func() time.Time { return time.UnixMilli(5) }}
		given := state.Delivery{Event: c.event, SocketID: "1.2", Lasted: 3}
		must(t, n.Announce(t.Context(), app, given))
		var urls []string
		for _, d := range b.sent {
			urls = append(urls, d.URL)
			want := state.Delivery{App: "3", URL: d.URL, Event: c.event, At: 5}
			if d.URL == "" {
				want.SocketID, want.Lasted = "1.2", 3
			}
			if d != want {
				t.Errorf("sent %+v, want %+v", d, want)
			}
		}
		if !slices.Equal(urls, c.want) {
			t.Errorf("%+v goes to %q, want %q", c.event, urls, c.want)
		}
	}
	b := boxes{err: errors.New("broken")}
	n := webhook.Notifier{Deliveries: &b}
	event := pusher.WebhookEvent{Name: "channel_occupied", Channel: "b"}
	if err := n.Notify(t.Context(), app, event); !errors.Is(err, b.err) {
		t.Errorf("error %v of a queue that is away", err)
	}
}

func TestWebhookEventsAsTheBusGetsThem(t *testing.T) {
	data := ""
	for _, c := range []struct {
		d    state.Delivery
		want string
	}{
		{
			state.Delivery{
				Event: pusher.WebhookEvent{
					Name: "member_removed", Channel: "presence-a", UserID: "7",
				},
				SocketID: "1.2", Lasted: 60_000,
			},
			`{"app":"3","name":"member_removed","channel":"presence-a","user_id":"7",` +
				`"time_ms":1,"socket_id":"1.2","duration_ms":60000}`,
		},
		{
			state.Delivery{Event: pusher.WebhookEvent{
				Name: "client_event", Channel: "private-a", Event: "client-a", Data: &data,
				SocketID: "1.2",
			}},
			`{"app":"3","name":"client_event","channel":"private-a","event":"client-a",` +
				`"data":"","time_ms":1,"socket_id":"1.2"}`,
		},
		{
			state.Delivery{Event: pusher.WebhookEvent{Name: "channel_occupied", Channel: "a"}},
			`{"app":"3","name":"channel_occupied","channel":"a","time_ms":1}`,
		},
	} {
		b := &boxes{}
		d := &webhook.Deliverer{Bus: b, Log: slog.New(slog.DiscardHandler)}
		c.d.App, c.d.At = "3", 1
		must(t, d.Deliver(t.Context(), c.d))
		want := c.d.Event.Name + " " + c.want + " 1970-01-01T00:00:00.001Z"
		if len(b.put) != 1 || b.put[0] != want {
			t.Errorf("put  %s\nwant %s", b.put, want)
		}
		b.err = errors.New("broken")
		if err := d.Deliver(t.Context(), c.d); !errors.Is(err, b.err) {
			t.Errorf("error %v of a bus that is away", err)
		}
	}
}
