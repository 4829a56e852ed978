package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	sdk "github.com/pusher/pusher-http-go/v5"

	"hark/shared/state"
)

// newSDK returns a server with some subscribers, and Pusher's SDK for Go, which signs with the time
// of day.
func newSDK(t *testing.T) (*server, sdk.Client) {
	t.Helper()
	s := newServer(t)
	s.api.Now = time.Now
	s.subscribe(t, "orders", "a", "b", "c")
	s.join(t, "presence-room", "a", "7")
	s.join(t, "presence-room", "b", "7")
	return s, sdk.Client{
		AppID: s.app.ID, Key: s.app.Key, Secret: s.app.Secret,
		Host:       strings.TrimPrefix(s.URL, "http://"),
		HTTPClient: &http.Client{Timeout: time.Minute},
	}
}

// last returns the event that was published last.
func (p *publisher) last() state.Event { return p.got[len(p.got)-1] }

// Checklist 93, by an SDK that is not Hark's.
func TestGoSDKPublishes(t *testing.T) {
	s, client := newSDK(t)
	t.Run("one channel", func(t *testing.T) {
		data := map[string]any{"id": 7, "note": "<&>"}
		if err := client.Trigger("orders", `App\Events\Shipped`, data); err != nil {
			t.Fatal(err)
		}
		last := s.last()
		named := strings.Contains(string(last.Frame), `"App\\Events\\Shipped"`)
		if last.Channel != "orders" || !named {
			t.Errorf("got %+v", last)
		}
	})
	t.Run("several channels but one connection, and info", func(t *testing.T) {
		socket, info := "482915.77120345", "subscription_count,user_count"
		channels := []string{"orders", "presence-room", "a@b,c;d=e.f"}
		params := sdk.TriggerParams{SocketID: &socket, Info: &info}
		got, err := client.TriggerMultiWithParams(channels, "e", "d", params)
		if err != nil {
			t.Fatal(err)
		}
		n := got.Channels["orders"].SubscriptionCount
		if n == nil || *n != 3 || len(got.Channels) != 3 {
			t.Errorf("got %+v", got.Channels)
		}
		if last := s.last(); last.Except != "482915.77120345" || last.Channel != "a@b,c;d=e.f" {
			t.Errorf("got %+v", last)
		}
	})
	t.Run("a user", func(t *testing.T) {
		if err := client.SendToUser("7", "e", "d"); err != nil {
			t.Fatal(err)
		}
		if last := s.last(); last.Channel != "#server-to-user-7" {
			t.Errorf("got %+v", last)
		}
	})
}

// Checklist 93.
func TestGoSDKPublishesBatches(t *testing.T) {
	_, client := newSDK(t)
	info := "user_count"
	got, err := client.TriggerBatch([]sdk.Event{
		{Channel: "presence-room", Name: "e", Data: "d", Info: &info},
		{Channel: "orders", Name: "e", Data: "d"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Batch) != 2 || *got.Batch[0].UserCount != 1 || got.Batch[1].UserCount != nil {
		t.Errorf("got %+v", got.Batch)
	}
	got, err = client.TriggerBatch([]sdk.Event{{Channel: "orders", Name: "e", Data: "d"}})
	if err != nil || len(got.Batch) != 0 {
		t.Errorf("got %+v, %v", got, err)
	}
}

// Checklist 93.
func TestGoSDKReads(t *testing.T) {
	_, client := newSDK(t)
	t.Run("channels", func(t *testing.T) {
		prefix, info := "presence-", "user_count,subscription_count"
		got, err := client.Channels(sdk.ChannelsParams{FilterByPrefix: &prefix, Info: &info})
		if err != nil || len(got.Channels) != 1 || got.Channels["presence-room"].UserCount != 1 {
			t.Errorf("got %+v, %v", got, err)
		}
		none := "a;b"
		got, err = client.Channels(sdk.ChannelsParams{FilterByPrefix: &none})
		if err != nil || len(got.Channels) != 0 {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	t.Run("a channel", func(t *testing.T) {
		info := "subscription_count"
		got, err := client.Channel("orders", sdk.ChannelParams{Info: &info})
		if err != nil || !got.Occupied || got.SubscriptionCount != 3 {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	t.Run("users", func(t *testing.T) {
		got, err := client.GetChannelUsers("presence-room")
		if err != nil || len(got.List) != 1 || got.List[0].ID != "7" {
			t.Errorf("got %+v, %v", got, err)
		}
		_, err = client.GetChannelUsers("orders")
		says(t, err, "400")
	})
}

// Checklist 93.
func TestGoSDKIsRefused(t *testing.T) {
	s, client := newSDK(t)
	t.Run("the wrong secret", func(t *testing.T) {
		wrong := client
		wrong.Secret = "wrong"
		says(t, wrong.Trigger("orders", "e", "d"), "401", "Invalid signature")
	})
	t.Run("an unknown app", func(t *testing.T) {
		wrong := client
		wrong.AppID = "4"
		says(t, wrong.Trigger("orders", "e", "d"), "404")
	})
	if len(s.got) != 0 {
		t.Errorf("published %+v", s.got)
	}
}

// says asserts an error that contains all the texts.
func says(t *testing.T, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Error("got no error")
		return
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("got %v, want %q in it", err, text)
		}
	}
}
