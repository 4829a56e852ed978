package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	sdk "github.com/pusher/pusher-http-go/v5"

	"hark/shared/httpapi"
	"hark/shared/pusher"
)

// channels is a list of n names in JSON.
func channels(n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf("%q", fmt.Sprint("c", i)))
	}
	return "[" + strings.Join(list, ",") + "]"
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// The numbers are those of protocol.md §9.
func TestPublish(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       []string // channels
	}{
		{"101 channel", `{"name":"e","data":"","channel":"orders"}`, []string{"orders"}},
		{"101 channels with one", `{"name":"e","data":"","channels":["orders"]}`, []string{"orders"}},
		{"101 channels with two", `{"name":"e","data":"","channels":["orders","private-a"]}`, []string{"orders", "private-a"}},
		{"101 channels wins over channel", `{"name":"e","data":"","channel":"a","channels":["b"]}`, []string{"b"}},
		{"101 an empty list beside a channel", `{"name":"e","data":"","channel":"a","channels":[]}`, []string{"a"}},
		{"a channel named twice is served once", `{"name":"e","data":"","channels":["a","b","a","b","a"]}`, []string{"a", "b"}},
		{"keys nobody knows", `{"name":"e","data":"","channel":"a","x":{"y":[]},"tags":null}`, []string{"a"}},
		{"a socket ID that is null", `{"name":"e","data":"","channel":"a","socket_id":null}`, []string{"a"}},
		{"105 a name with backslashes", `{"name":"App\\Events\\Shipped","data":"","channel":"a"}`, []string{"a"}},
		{"a name of 200 characters", `{"name":"` + strings.Repeat("é", 200) + `","data":"","channel":"a"}`, []string{"a"}},
		{"124 a name that only looks reserved", `{"name":"pusher_x","data":"","channel":"a"}`, []string{"a"}},
		{"106 data of 10240 bytes", `{"name":"e","data":"` + strings.Repeat("x", 10240) + `","channel":"a"}`, []string{"a"}},
		{
			"106 data of 10240 bytes that are longer in JSON", `{"name":"e","data":"` + strings.Repeat(`\u0000`, 10240) + `","channel":"a"}`,
			[]string{"a"},
		},
		{
			"presence, encrypted and cache channels", `{"name":"e","data":"","channels":["presence-a","private-encrypted-a","cache-a"]}`,
			[]string{"presence-a", "private-encrypted-a", "cache-a"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			s.do(t, request{body: c.body}).accepted(t, "{}") // 100
			var got []string
			for _, b := range s.got {
				got = append(got, string(b.Channel))
				if b.App != "3" || b.Except != "" {
					t.Errorf("got %+v", b)
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("published to %v, want %v", got, c.want)
			}
		})
	}
	t.Run("102 100 channels", func(t *testing.T) {
		s := newServer(t)
		s.do(t, request{body: `{"name":"e","data":"","channels":` + channels(100) + `}`}).accepted(t, "{}")
		if len(s.got) != 100 {
			t.Errorf("published to %d channels", len(s.got))
		}
	})
	t.Run("103 the socket ID is excepted on every channel, known or not", func(t *testing.T) {
		s := newServer(t)
		s.do(t, request{body: `{"name":"e","data":"","channels":["a","b"],"socket_id":"482915.77120345"}`}).accepted(t, "{}")
		if len(s.got) != 2 || s.got[0].Except != "482915.77120345" || s.got[1].Except != "482915.77120345" {
			t.Errorf("got %+v", s.got)
		}
	})
}

// Checklist 104: data is delivered byte for byte, as a string.
func TestPublishKeepsItsTexts(t *testing.T) {
	var controls strings.Builder
	for r := range rune(0x20) {
		controls.WriteRune(r)
	}
	for name, text := range map[string]string{
		"JSON": `{"a":"\"<b>&\\u0041"}`, "no JSON": "hello", "empty": "", "an empty list, as Laravel sends it": "[]",
		"control characters": controls.String() + "\x7f", "separators": "\u2028\u2029", "noncharacters": "\ufffe\uffff",
		"an emoji": "\U0001f600", "lone surrogates, escaped": `"\ud800"`, "what HTML escapes": "<>&'",
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.do(t, request{body: `{"name":` + quoted("App\\"+text+"e") + `,"channel":"orders","data":` + quoted(text) + `}`}).accepted(t, "{}")
			var got map[string]string // event, channel and data: strings, and nothing else
			if err := json.Unmarshal(s.got[0].Frame, &got); err != nil {
				t.Fatal(err)
			}
			if len(got) != 3 || got["event"] != "App\\"+text+"e" || got["channel"] != "orders" || got["data"] != text {
				t.Errorf("got %+q", got)
			}
		})
	}
}

// The numbers are those of protocol.md §9.
func TestRefusals(t *testing.T) {
	with := func(field string) string { return `{"name":"e","data":"d","channel":"a",` + field + `}` }
	for _, c := range []struct {
		name, body string
		status     int
		says       string
	}{
		{"102 101 channels", `{"name":"e","data":"","channels":` + channels(101) + `}`, 400, "more than 100 channels at once: there are 101"},
		{"103 a malformed socket ID", with(`"socket_id":"abc"`), 400, "socket_id"},
		{"103 a connection ID for a socket ID", with(`"socket_id":"L0SM9cOFvHcCIhw="`), 400, "socket_id"},
		{"103 a number for a socket ID", with(`"socket_id":1.2`), 400, "socket_id"},
		{
			"106 data of 10241 bytes", `{"name":"e","channel":"a","data":"` + strings.Repeat("x", 10241) + `"}`,
			413, "exceeds the allowed maximum (10240 bytes)",
		},
		{
			"106 data of 10241 bytes in longer characters", `{"name":"e","channel":"a","data":"x` + strings.Repeat("é", 5120) + `"}`,
			413, "10241",
		},
		{"107 no name", `{"data":"d","channel":"a"}`, 400, "name"},
		{"107 an empty name", `{"name":"","data":"d","channel":"a"}`, 400, "name"},
		{"107 a name of 201 characters", `{"name":"` + strings.Repeat("é", 201) + `","data":"d","channel":"a"}`, 400, "200"},
		{"107 no data", `{"name":"e","channel":"a"}`, 400, "data"},
		{"107 data that is null", `{"name":"e","channel":"a","data":null}`, 400, "data"},
		{"107 data that is an object", `{"name":"e","channel":"a","data":{"a":1}}`, 400, "data"},
		{"107 data that is a number", `{"name":"e","channel":"a","data":7}`, 400, "data"},
		{"107 no channel", `{"name":"e","data":"d"}`, 400, "channel"},
		{"107 an empty channel", `{"name":"e","data":"d","channel":""}`, 400, "channel"},
		{"107 an empty channel in a list", `{"name":"e","data":"d","channels":["a",""]}`, 400, "channel"},
		{"107 a list that is a string", `{"name":"e","data":"d","channels":"a"}`, 400, "channels"},
		{"107 a channel with a space", `{"name":"e","data":"d","channels":["a","a b"]}`, 400, "a b"},
		{"107 a channel of 201 bytes", `{"name":"e","data":"d","channel":"` + strings.Repeat("x", 201) + `"}`, 400, "200"},
		{"107 a channel with a hash", `{"name":"e","data":"d","channel":"#x"}`, 400, "#x"},
		{"108 no JSON", `hello`, 400, "JSON"},
		{"108 half", `{"name":"e"`, 400, "JSON"},
		{"108 nothing", ``, 400, "JSON"},
		{"108 an array", `[` + event + `]`, 400, "JSON"},
		{"108 something behind it", event + `x`, 400, "JSON"},
		{"108 null", `null`, 400, "name"},
		{"124 pusher:", `{"name":"pusher:error","data":"d","channel":"a"}`, 400, "reserved"},
		{"124 pusher_internal:", `{"name":"pusher_internal:member_added","data":"d","channel":"a"}`, 400, "reserved"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			s.refused(t, s.do(t, request{body: c.body}), c.status, c.says)
		})
	}
}

// Checklist 109 and 110.
func TestInfo(t *testing.T) {
	for _, c := range []struct{ name, info, channels, want string }{
		{"nothing asked", "", `["orders"]`, `{}`},
		{
			"subscription_count", "subscription_count", `["orders","private-orders.7"]`,
			`{"channels":{"orders":{"subscription_count":3},"private-orders.7":{"subscription_count":1}}}`,
		},
		{"an empty channel", "subscription_count", `["empty"]`, `{"channels":{"empty":{"subscription_count":0}}}`},
		{"one object for a channel named twice", "subscription_count", `["orders","orders"]`, `{"channels":{"orders":{"subscription_count":3}}}`},
		{"what a channel does not have is left out", "user_count", `["orders"]`, `{"channels":{"orders":{}}}`},
		{"several, with a space", "user_count, subscription_count", `["orders"]`, `{"channels":{"orders":{"subscription_count":3}}}`},
		{"presence has no subscription_count", "subscription_count", `["presence-room"]`, `{"channels":{"presence-room":{}}}`},
		{"what nobody knows", "weather", `["orders"]`, `{"channels":{"orders":{}}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			s.do(t, request{body: `{"name":"e","data":"d","channels":` + c.channels + `,"info":"` + c.info + `"}`}).accepted(t, c.want)
		})
	}
}

// Checklist 93, by an SDK that nobody here wrote. It signs with the time of day.
func TestGoSDK(t *testing.T) {
	p := &publisher{}
	app := pusher.App{ID: "3", Key: "278d425bdf160c739803", Secret: "7ad3773142a6692b25b8"}
	api := &httpapi.API{Apps: apps{"3": app}, Publisher: p, Counter: counts{"orders": 3}}
	server := httptest.NewServer(api.Handler())
	t.Cleanup(server.Close)
	client := sdk.Client{
		AppID: app.ID, Key: app.Key, Secret: app.Secret, Host: strings.TrimPrefix(server.URL, "http://"),
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
		got, err := client.TriggerMultiWithParams([]string{"orders", "presence-room", "a@b,c;d=e.f"}, "e", "d",
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
