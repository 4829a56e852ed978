package e2e_test

import (
	"net/url"
	"strings"
	"testing"

	pusher "github.com/pusher/pusher-http-go/v5"
)

// 93: the Go SDK as it is.
func sdk(t *testing.T) *pusher.Client {
	t.Helper()
	u, err := url.Parse(hark.APIURL)
	if err != nil {
		t.Fatal(err)
	}
	return &pusher.Client{
		AppID: hark.App.ID, Key: hark.App.Key, Secret: hark.App.Secret, Host: u.Host, Secure: u.Scheme == "https",
	}
}

func TestGoSDK(t *testing.T) {
	a, b := channel("room-"), channel("private-room-")
	c := subscriber(t, a)
	t.Run("AuthorizePrivateChannel opens a private channel", func(t *testing.T) {
		form := url.Values{"socket_id": {c.SocketID}, "channel_name": {b}}
		answer, err := sdk(t).AuthorizePrivateChannel([]byte(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		c.send(`{"event":"pusher:subscribe","data":{"channel":"` + b + `",` + string(answer[1:]) + `}`)
		c.succeeds(b)
	})
	t.Run("Trigger delivers", func(t *testing.T) {
		if err := sdk(t).Trigger(a, "hello", map[string]string{"from": "Go"}); err != nil {
			t.Fatal(err)
		}
		if f := c.next("hello", a); f.Data != `{"from":"Go"}` {
			t.Errorf("got %s", f.Raw)
		}
	})
	t.Run("TriggerMulti delivers to each channel", func(t *testing.T) {
		if err := sdk(t).TriggerMulti([]string{a, b}, "both", "x"); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if f, err := c.Next(patience); err != nil || f.Event != "both" {
				t.Fatalf("got %s (%v)", f.Raw, err)
			}
		}
	})
	t.Run("TriggerWithParams leaves the sender out", func(t *testing.T) {
		if _, err := sdk(t).TriggerWithParams(a, "mine", "x", pusher.TriggerParams{SocketID: &c.SocketID}); err != nil {
			t.Fatal(err)
		}
		c.hears(a)
		c.quiet()
	})
	t.Run("a wrong secret is told", func(t *testing.T) {
		wrong := sdk(t)
		wrong.Secret = "wrong"
		if err := wrong.Trigger(a, "hello", "x"); err == nil || !strings.Contains(err.Error(), "401") {
			t.Errorf("got %v, want 401", err)
		}
	})
}
