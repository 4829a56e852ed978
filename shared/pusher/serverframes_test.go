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

// goldenFrame is a frame as clients are sent it, byte for byte.
type goldenFrame struct {
	file, section string
	frame         []byte
}

func (f goldenFrame) check(t *testing.T) {
	t.Helper()
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
}

// Each golden file was checked against the section of docs/protocol.md that the test names.
func TestGoldenFramesOfConnections(t *testing.T) {
	for _, f := range []goldenFrame{
		{"connection_established", "§1.2", pusher.Established("482915.77120345", 120*time.Second)},
		{"pong", "§1.4", pusher.Pong()},
		{"subscription_succeeded", "§3.4", pusher.Succeeded("private-orders.7")},
		{
			"error_first_frame", "§1.6, §2.5",
			pusher.Errorf(pusher.CodeNoApp, "App key x does not exist").Frame(),
		},
		{
			"error", "§2.5",
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
			"error_limit", "§2.5",
			pusher.Limitf(pusher.CodeLimit, "The channel presence-a is full").Frame(),
		},
	} {
		t.Run(f.file+", docs/protocol.md "+f.section, f.check)
	}
}

// See TestGoldenFramesOfConnections.
func TestGoldenFramesOfChannels(t *testing.T) {
	for _, f := range []goldenFrame{
		{
			"subscription_succeeded_presence", "§3.4",
			pusher.Welcomed("presence-room.1", []pusher.Member{
				{UserID: "7", Info: json.RawMessage(`{"name":"<Ann>"}`)},
				{UserID: "8"},
				{UserID: "7", Info: json.RawMessage(`"of another connection"`)},
			}),
		},
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
	} {
		t.Run(f.file+", docs/protocol.md "+f.section, f.check)
	}
}

// See TestGoldenFramesOfConnections.
func TestGoldenEvents(t *testing.T) {
	for _, f := range []goldenFrame{
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
		t.Run(f.file+", docs/protocol.md "+f.section, f.check)
	}
}

// nasty returns texts that an encoder could spoil.
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

// Checklist 104: data is a string, byte for byte what was published.
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

// legal asserts that an SQS message may hold the text (docs/aws.md §C).
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

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}
