package pusher_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"hark/shared/pusher"
)

var update = flag.Bool("update", false, "write the golden frames anew")

// The frames as clients read them. Each was checked against the section of docs/protocol.md that it
// names.
func TestGoldenFrames(t *testing.T) {
	for _, f := range []struct {
		file, section string
		frame         []byte
	}{
		{"connection_established", "§1.2", pusher.Established("482915.77120345", 120*time.Second)},
		{"pong", "§1.4", pusher.Pong()},
		{"subscription_succeeded", "§3.4", pusher.Succeeded("private-orders.7")},
		{
			"error_first_frame", "§1.6, §2.1",
			pusher.Errorf(pusher.CodeNoApp, "App key x does not exist").Frame(),
		},
		{
			"error", "§2",
			pusher.Errorf(pusher.CodeUnauthorized, "Auth info required to subscribe to %s",
				"private-x").Frame(),
		},
		{
			"subscription_error", "§3.5",
			pusher.Errorf(pusher.CodeUnauthorized,
				"The connection is unauthorized.").SubscriptionError("private-x"),
		},
		{
			"subscription_error_limit", "§3.5",
			pusher.Limitf(pusher.CodeLimit,
				"The channel presence-a is full").SubscriptionError("presence-a"),
		},
		{
			"error_limit", "§2",
			pusher.Limitf(pusher.CodeLimit, "The channel presence-a is full").Frame(),
		},
		{"subscription_succeeded_presence", "§3.4", pusher.Welcomed("presence-room.1", []pusher.Member{
			{UserID: "7", Info: json.RawMessage(`{"name":"<Ann>"}`)}, {UserID: "8"},
			{UserID: "7", Info: json.RawMessage(`"of another connection"`)},
		})},
		{"subscription_succeeded_presence_empty", "§3.4", pusher.Welcomed("presence-room.1", nil)},
		{
			"member_added", "§3.6",
			pusher.MemberAdded("presence-room.1", pusher.Member{
				UserID: "8", Info: json.RawMessage(`{"name":"Bob"}`),
			}),
		},
		{
			"member_added_without_info", "§3.6",
			pusher.MemberAdded("presence-room.1", pusher.Member{UserID: "8"}),
		},
		{"member_removed", "§3.6", pusher.MemberRemoved("presence-room.1", "8")},
		{"cache_miss", "§3.7", pusher.CacheMiss("cache-eur")},
		{"subscription_count", "§3.8", pusher.SubscriptionCount("orders", 42)},
		{
			"signin_success", "§3.11",
			pusher.SignedIn(`{"id":"7","user_info":{"name":"<Ann>"},"watchlist":["8","9"]}`),
		},
		{"watchlist_events", "§3.12", pusher.WatchlistEvents([]string{"8"}, []string{"9", "10"})},
		{"watchlist_events_offline", "§3.12", pusher.WatchlistEvents(nil, []string{"9"})},
		{
			"client_event", "§4",
			pusher.ClientEvent("client-typing", "private-a", `{"name":"Ann"}`, ""),
		},
		{
			"client_event_presence", "§4",
			pusher.ClientEvent("client-typing", "presence-room.1", `{"name":"Ann"}`, "7"),
		},
		{"client_event_without_data", "§4", pusher.ClientEvent("client-exit", "private-a", "", "")},
		{
			"event", "§5.3",
			pusher.EventFrame(`App\Events\OrderShipped`, "private-orders.7", `{"id":7}`),
		},
		{
			"event_nasty", "§0 (encoding rule)",
			pusher.EventFrame("a<b>&c", "orders", "\x00\t\"\\ <>& \u2028 \ufffe\uffff \U0001f600"),
		},
	} {
		t.Run(f.file+", docs/protocol.md "+f.section, func(t *testing.T) {
			path := filepath.Join("testdata", f.file+".json")
			if *update {
				if err := os.WriteFile(path, append(f.frame, '\n'), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got := append(bytes.Clone(f.frame), '\n'); !bytes.Equal(got, want) {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

// nasty are texts that an encoder may spoil.
func nasty() map[string]string {
	var controls strings.Builder
	for c := range rune(0x20) {
		controls.WriteRune(c)
	}
	return map[string]string{
		"empty":                         "",
		"all control characters":        controls.String() + "\x7f\u0080\u009f",
		"line and paragraph separators": "\u2028\u2029",
		"noncharacters":                 "\ufffe\uffff\ufdd0\U0001fffe\U0010ffff",
		"what HTML escapes":             `<script>&amp;</script>'"`,
		"an emoji":                      "\U0001f600\U0001f468\u200d\U0001f469",
		"lone surrogates, escaped":      `{"a":"\ud800","b":"\udfff\ud83d"}`,
		"escaped noncharacters":         `"\ufffe\uffff"`,
		"backslashes":                   `\\\"\/\b\u0000`,
		"a byte order mark":             "\ufeff{}",
		"the replacement character":     "\ufffd",
		"JSON in JSON in JSON":          `"{\"a\":\"{\\\"b\\\":1}\"}"`,
		"combining characters":          "e\u0301 \u00e9",
		"10 KB of quotes":               strings.Repeat(`"`, 10<<10),
	}
}

// Checklist 104: data is byte for byte what was published, as a string.
func TestEventFrameKeepsItsTexts(t *testing.T) {
	for name, text := range nasty() {
		t.Run(name, func(t *testing.T) {
			frame := pusher.EventFrame(text, "orders", text)
			var got struct{ Event, Channel, Data string }
			if err := json.Unmarshal(frame, &got); err != nil {
				t.Fatal(err)
			}
			if got.Event != text || got.Data != text || got.Channel != "orders" {
				t.Errorf("got %+q, want %+q", got, text)
			}
			legal(t, frame)
		})
	}
}

// legal asserts that the text may travel in an SQS message (docs/aws.md §C).
func legal(t *testing.T, text []byte) {
	t.Helper()
	if !utf8.Valid(text) {
		t.Fatalf("%q is not UTF-8", text)
	}
	for _, r := range string(text) {
		switch {
		case r == '\t', r == '\n', r == '\r':
		case r >= 0x20 && r <= 0xd7ff, r >= 0xe000 && r <= 0xfffd, r >= 0x10000 && r <= 0x10ffff:
		default:
			t.Fatalf("%q holds %U, which SQS refuses", text, r)
		}
	}
}

func TestEventFrameWritesNoHTMLEscapes(t *testing.T) {
	if frame := pusher.EventFrame("e", "c", "<>&"); !bytes.Contains(frame, []byte("<>&")) {
		t.Errorf("got %s", frame)
	}
}

// The cases of docs/protocol.md §0, §3.3 and §9 (21, 51).
func TestParseFrame(t *testing.T) {
	for _, c := range []struct{ name, text, event string }{
		{"a ping as pusher-js sends it", `{"event":"pusher:ping","data":{}}`, "pusher:ping"},
		{"a frame without data", `{"event":"pusher:ping"}`, "pusher:ping"},
		{"keys nobody knows", `{"event":"e","x":[1,{"y":null}],"user_id":7}`, "e"},
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

// 78 and 79: what a client event's data is relayed as.
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

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}
