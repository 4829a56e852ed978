package pusher_test

import (
	"encoding/json"
	"strings"
	"testing"

	"hark/shared/pusher"
)

// The cases of docs/protocol.md §0, §3.3 and §9 (21, 51).
func TestParseFrame(t *testing.T) {
	for _, c := range []struct{ name, text, event string }{
		{"a ping as pusher-js sends it", `{"event":"pusher:ping","data":{}}`, "pusher:ping"},
		{"a frame without data", `{"event":"pusher:ping"}`, "pusher:ping"},
		{"unknown keys", `{"event":"e","x":[1,{"y":null}],"user_id":7}`, "e"},
		{"space around it", " \n{\"event\":\"e\"}\r\n", "e"},
		{"21 nothing", ``, ""},
		{"21 no JSON", `hello`, ""},
		{"21 half a frame", `{"event":"e"`, ""},
		{"21 two frames", `{"event":"e"}{"event":"e"}`, ""},
		{"21 an array", `["event"]`, ""},
		{"21 a number", `7`, ""},
		{"21 a string", `"event"`, ""},
		{"21 null", `null`, ""},
		{"21 no event", `{"data":{}}`, ""},
		{"21 an empty event", `{"event":""}`, ""},
		{"21 an event that is null", `{"event":null}`, ""},
		{"21 an event that is a number", `{"event":7}`, ""},
		{"21 a channel that is an object", `{"event":"e","channel":{}}`, ""},
		{"21 nesting without end", `{"event":"e","data":` + strings.Repeat("[", 50_000), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := pusher.ParseFrame([]byte(c.text))
			if c.event == "" {
				refused(t, err, pusher.CodeReconnect)
				return
			}
			if err != nil || f.Event != c.event {
				t.Errorf("got %q, %v", f.Event, err)
			}
		})
	}
}

func TestSubscribeData(t *testing.T) {
	const presence = `{"user_id":"7","user_info":{"name":"Ann"}}`
	for _, c := range []struct {
		name, data string
		want       *pusher.SubscribeData
	}{
		{
			"29 a public channel as pusher-js sends it", `{"auth":"","channel":"orders"}`,
			&pusher.SubscribeData{Channel: "orders"},
		},
		{
			"a presence channel",
			`{"auth":"K:s","channel_data":` + quote(presence) + `,"channel":"presence-a"}`,
			&pusher.SubscribeData{Channel: "presence-a", Auth: "K:s", ChannelData: presence},
		},
		{
			"51 a string that holds the object", quote(`{"auth":"K:s","channel":"a"}`),
			&pusher.SubscribeData{Channel: "a", Auth: "K:s"},
		},
		{
			"null for auth and channel data", `{"auth":null,"channel_data":null,"channel":"a"}`,
			&pusher.SubscribeData{Channel: "a"},
		},
		{"an empty object", `{}`, &pusher.SubscribeData{}},
		{"no data", ``, nil},
		{"null", `null`, nil},
		{"a number", `7`, nil},
		{"an array", `["orders"]`, nil},
		{"the bare channel", `"orders"`, nil},
		{"a string in a string", quote(quote(`{"channel":"a"}`)), nil},
		{"channel data that is an object", `{"channel":"a","channel_data":{}}`, nil},
		{"a channel that is a number", `{"channel":7}`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := pusher.Frame{
				Event: "pusher:subscribe", Data: json.RawMessage(c.data),
			}.SubscribeData()
			if c.want == nil {
				refused(t, err, pusher.CodeReconnect)
			} else if err != nil || got != *c.want {
				t.Errorf("got %+v, %v; want %+v", got, err, *c.want)
			}
		})
	}
}

// The cases of docs/protocol.md §3.11 and §9 (83).
func TestSignInData(t *testing.T) {
	const user = `{"id":"7","user_info":{"name":"Ann"}}`
	for _, c := range []struct {
		name, data string
		want       *pusher.SignInData
	}{
		{
			"as pusher-js sends it", `{"auth":"K:s","user_data":` + quote(user) + `}`,
			&pusher.SignInData{Auth: "K:s", UserData: user},
		},
		{
			"a string that holds the object", quote(`{"auth":"K:s","user_data":"{}"}`),
			&pusher.SignInData{Auth: "K:s", UserData: "{}"},
		},
		{"an empty object", `{}`, &pusher.SignInData{}},
		{"no data", ``, nil},
		{"null", `null`, nil},
		{"a number", `7`, nil},
		{"an array", `["7"]`, nil},
		{"a string", `"7"`, nil},
		{"user data that is an object", `{"auth":"K:s","user_data":{"id":"7"}}`, nil},
		{"an auth that is a number", `{"auth":7,"user_data":"{}"}`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := pusher.Frame{
				Event: "pusher:signin", Data: json.RawMessage(c.data),
			}.SignInData()
			if c.want == nil {
				refused(t, err, pusher.CodeReconnect)
			} else if err != nil || got != *c.want {
				t.Errorf("got %+v, %v; want %+v", got, err, *c.want)
			}
		})
	}
}

// 78 and 79: the data that a client event is relayed with.
func TestFrameText(t *testing.T) {
	for _, c := range []struct{ name, data, want string }{
		{"a string, as it is", `" { \"a\" : 1 } "`, ` { "a" : 1 } `},
		{"a string that is no JSON", `"hello"`, `hello`},
		{"an empty string", `""`, ``},
		{"an object, without spaces", `{ "a" : [ 1 , "b c" ] }`, `{"a":[1,"b c"]}`},
		{"what HTML escapes, as it is", `{"a":"<&>"}`, `{"a":"<&>"}`},
		{"a number, as it is written", `1.50e3`, `1.50e3`},
		{"true", `true`, `true`},
		{"no data", ``, ``},
		{"null, which is as good as none", `null`, ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := pusher.ParseFrame(
				[]byte(
					`{"event":"client-a"` + strings.TrimSuffix(`,"data":`+c.data, `,"data":`) + `}`,
				),
			)
			if err != nil || f.Text() != c.want {
				t.Errorf("got %q, %v; want %q", f.Text(), err, c.want)
			}
		})
	}
}
