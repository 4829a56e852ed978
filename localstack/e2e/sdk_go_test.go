package e2e_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	pusher "github.com/pusher/pusher-http-go/v5"
)

// The calls of pusher-http-go that line 93 does not test: signatures for clients, and webhooks. It
// has no call for terminate_connections.

// signed turns an SDK's answer to an auth endpoint into the data of a frame.
func signed(t *testing.T, answer []byte, more map[string]string) map[string]string {
	t.Helper()
	if err := json.Unmarshal(answer, &more); err != nil {
		t.Fatal(err)
	}
	return more
}

func TestGoSDK_SignsForClients(t *testing.T) {
	c, room := connect(t), unique("presence-room-")
	form := func(more ...string) []byte {
		v := url.Values{"socket_id": {c.SocketID}}
		for i := 0; i < len(more); i += 2 {
			v.Set(more[i], more[i+1])
		}
		return []byte(v.Encode())
	}
	t.Run("AuthorizePresenceChannel", func(t *testing.T) {
		info := map[string]string{"name": "<Ann> & Bob"}
		answer, err := sdk(t).AuthorizePresenceChannel(form("channel_name", room),
			pusher.MemberData{UserID: "7", UserInfo: info})
		if err != nil {
			t.Fatal(err)
		}
		c.sendEvent("pusher:subscribe", signed(t, answer, map[string]string{"channel": room}))
		c.welcomed(room).has(t, "7")
	})
	t.Run("AuthenticateUser", func(t *testing.T) {
		goSignsIn(t, c, form())
	})
	t.Run("AuthorizePrivateChannel and Trigger on an encrypted channel", func(t *testing.T) {
		ch := unique("private-encrypted-room-")
		client := sdk(t)
		client.EncryptionMasterKeyBase64 = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="
		answer, err := client.AuthorizePrivateChannel(form("channel_name", ch))
		if err != nil {
			t.Fatal(err)
		}
		c.subscribe(ch, signed(t, answer, map[string]string{})["auth"])
		c.succeeds(ch)
		if err := client.Trigger(ch, "secret", "x"); err != nil {
			t.Fatal(err)
		}
		var d struct{ Nonce, Ciphertext string }
		f := c.next("secret", ch)
		if json.Unmarshal([]byte(f.Data), &d) != nil || d.Nonce == "" || d.Ciphertext == "" {
			t.Errorf("got %s", f.Raw)
		}
	})
	t.Run("TriggerBatch with info", func(t *testing.T) {
		count := "user_count"
		got, err := sdk(t).TriggerBatch([]pusher.Event{
			{Channel: room, Name: "e", Data: "x", Info: &count, SocketID: &c.SocketID},
			{Channel: unique("room-"), Name: "e", Data: "y"},
		})
		if err != nil || len(got.Batch) != 2 || got.Batch[0].UserCount == nil ||
			*got.Batch[0].UserCount != 1 || got.Batch[1].UserCount != nil {
			t.Errorf("got %+v (%v)", got, err)
		}
		c.quiet()
	})
}

// goSignsIn signs the client in with the Go SDK and sends the user an event.
func goSignsIn(t *testing.T, c client, form []byte) {
	t.Helper()
	id := unique("user-")
	answer, err := sdk(t).AuthenticateUser(form,
		map[string]any{"id": id, "user_info": map[string]string{"name": "Ann"}})
	if err != nil {
		t.Fatal(err)
	}
	in := signed(t, answer, map[string]string{})
	c.sendEvent("pusher:signin", in)
	c.signedIn(in["user_data"])
	if err := sdk(t).SendToUser(id, "hello", "x"); err != nil {
		t.Fatal(err)
	}
	c.next("hello", "#server-to-user-"+id)
}

// hook is what an endpoint for webhooks was sent.
type hook struct {
	header http.Header
	body   []byte
}

// Webhook accepts the vector of docs/protocol.md §6.1 and the requests that Hark sends.
func TestGoSDK_ReadsWebhooks(t *testing.T) {
	const event = `{"name":"channel_occupied","channel":"my-channel"}`
	const text = `{"time_ms":1327078148132,"events":[` + event + `]}`
	const signature = "c19001ae3963ccb13bf618e5b16ba9848e7e74df0993aa0689168e341c6833cf"
	vector := pusher.Client{Key: "278d425bdf160c739803", Secret: "7ad3773142a6692b25b8"}
	header := http.Header{"X-Pusher-Key": {vector.Key}, "X-Pusher-Signature": {signature}}
	if _, err := vector.Webhook(header, []byte(text)); err != nil {
		t.Error(err)
	}
	if _, err := vector.Webhook(header, []byte(text+" ")); err == nil {
		t.Error("a changed body is accepted")
	}

	if hark.Queues["Checks"] == "" {
		t.Skip("this stack has no webhooks")
	}
	hooks := make(chan hook, 10)
	endpoint := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if body, err := io.ReadAll(r.Body); err == nil {
			hooks <- hook{r.Header, body}
		}
	}))
	t.Cleanup(endpoint.Close)
	app := newApp(t, item{"webhooks": []any{map[string]any{"url": endpoint.URL}}})
	room := "presence-room"
	c := connectTo(t, app)
	c.enter(room, channelData("7", ""))
	c.welcomed(room)
	client := pusher.Client{Key: app.Key, Secret: app.Secret}
	seen := map[string]pusher.WebhookEvent{}
	for len(seen) < 2 {
		select {
		case h := <-hooks:
			got, err := client.Webhook(h.header, h.body)
			if err != nil {
				t.Fatalf("%v of %s", err, h.body)
			}
			for _, e := range got.Events {
				seen[e.Name] = e
			}
		case <-time.After(2 * patience):
			t.Fatalf("got only %v", seen)
		}
	}
	e := seen["member_added"]
	if e.UserID != "7" || e.Channel != room || seen["channel_occupied"].Channel != room {
		t.Errorf("got %+v", seen)
	}
}
