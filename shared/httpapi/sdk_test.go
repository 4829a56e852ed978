package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	sdk "github.com/pusher/pusher-http-go/v5"
)

// Checklist 93, by an SDK that nobody here wrote. It signs with the time of day.
func TestGoSDK(t *testing.T) {
	s := newServer(t)
	s.api.Now = time.Now
	s.subscribe(t, "orders", "a", "b", "c")
	s.join(t, "presence-room", "a", "7")
	s.join(t, "presence-room", "b", "7")
	p := s.publisher
	client := sdk.Client{
		AppID: s.app.ID, Key: s.app.Key, Secret: s.app.Secret,
		Host:       strings.TrimPrefix(s.URL, "http://"),
		HTTPClient: &http.Client{Timeout: time.Minute},
	}

	t.Run("one channel", func(t *testing.T) {
		if err := client.Trigger("orders", `App\Events\Shipped`, map[string]any{"id": 7, "note": "<&>"}); err != nil {
			t.Fatal(err)
		}
		last := p.got[len(p.got)-1]
		if last.Channel != "orders" || !strings.Contains(string(last.Frame), `"App\\Events\\Shipped"`) {
			t.Errorf("got %+v", last)
		}
	})
	t.Run("several channels but one connection, and info", func(t *testing.T) {
		socket, info := "482915.77120345", "subscription_count,user_count"
		got, err := client.TriggerMultiWithParams([]string{
			"orders", "presence-room", "a@b,c;d=e.f",
		}, "e", "d",
			sdk.TriggerParams{SocketID: &socket, Info: &info})
		if err != nil {
			t.Fatal(err)
		}
		if n := got.Channels["orders"].SubscriptionCount; n == nil || *n != 3 || len(got.Channels) != 3 {
			t.Errorf("got %+v", got.Channels)
		}
		if last := p.got[len(p.got)-1]; last.Except != "482915.77120345" || last.Channel != "a@b,c;d=e.f" {
			t.Errorf("got %+v", last)
		}
	})
	t.Run("a user", func(t *testing.T) {
		if err := client.SendToUser("7", "e", "d"); err != nil {
			t.Fatal(err)
		}
		if last := p.got[len(p.got)-1]; last.Channel != "#server-to-user-7" {
			t.Errorf("got %+v", last)
		}
	})
	t.Run("a batch", func(t *testing.T) {
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
		if got, err = client.TriggerBatch([]sdk.Event{{Channel: "orders", Name: "e", Data: "d"}}); err != nil || len(got.Batch) != 0 {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	t.Run("channels", func(t *testing.T) {
		prefix, info := "presence-", "user_count,subscription_count"
		got, err := client.Channels(sdk.ChannelsParams{FilterByPrefix: &prefix, Info: &info})
		if err != nil || len(got.Channels) != 1 || got.Channels["presence-room"].UserCount != 1 {
			t.Errorf("got %+v, %v", got, err)
		}
		none := "a;b"
		if got, err = client.Channels(sdk.ChannelsParams{FilterByPrefix: &none}); err != nil || len(got.Channels) != 0 {
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
		if _, err := client.GetChannelUsers("orders"); err == nil || !strings.Contains(err.Error(), "400") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("the wrong secret", func(t *testing.T) {
		before := len(p.got)
		wrong := client
		wrong.Secret = "wrong"
		err := wrong.Trigger("orders", "e", "d")
		if err == nil || !strings.Contains(err.Error(), "401") || !strings.Contains(err.Error(), "Invalid signature") || len(p.got) != before {
			t.Errorf("got %v", err)
		}
	})
	t.Run("an unknown app", func(t *testing.T) {
		wrong := client
		wrong.AppID = "4"
		if err := wrong.Trigger("orders", "e", "d"); err == nil || !strings.Contains(err.Error(), "404") {
			t.Errorf("got %v", err)
		}
	})
}
