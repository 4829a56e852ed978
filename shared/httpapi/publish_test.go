package httpapi_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"hark/shared/pusher"
)

// channels returns a JSON list of n names.
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

// publishCase is a publish that is accepted.
type publishCase struct {
	name, body string
	want       []string // channels
}

func (c publishCase) check(t *testing.T) {
	t.Helper()
	s := newServer(t)
	s.do(t, request{body: c.body}).accepted(t, "{}") // 100
	var got []string
	for _, b := range s.got {
		got = append(got, string(b.Channel))
		cache := strings.Contains(string(b.Channel), "cache-")
		if b.App != "3" || b.Except != "" || b.Cache != cache {
			t.Errorf("got %+v", b)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(c.want) {
		t.Errorf("published to %v, want %v", got, c.want)
	}
}

// The numbers are those of docs/protocol.md §9.
func TestPublish(t *testing.T) {
	for _, c := range []publishCase{
		{"101 channel", `{"name":"e","data":"","channel":"orders"}`, []string{"orders"}},
		{
			"101 channels with one", `{"name":"e","data":"","channels":["orders"]}`,
			[]string{"orders"},
		},
		{
			"101 channels with two", `{"name":"e","data":"","channels":["orders","private-a"]}`,
			[]string{"orders", "private-a"},
		},
		{
			"101 channels wins over channel",
			`{"name":"e","data":"","channel":"a","channels":["b"]}`,
			[]string{"b"},
		},
		{
			"101 an empty list beside a channel",
			`{"name":"e","data":"","channel":"a","channels":[]}`,
			[]string{"a"},
		},
		{
			"a channel named twice is served once",
			`{"name":"e","data":"","channels":["a","b","a","b","a"]}`,
			[]string{"a", "b"},
		},
		{
			"unknown keys", `{"name":"e","data":"","channel":"a","x":{"y":[]},"tags":null}`,
			[]string{"a"},
		},
		{
			"a socket ID that is null", `{"name":"e","data":"","channel":"a","socket_id":null}`,
			[]string{"a"},
		},
		{
			"105 a name with backslashes",
			`{"name":"App\\Events\\Shipped","data":"","channel":"a"}`,
			[]string{"a"},
		},
		{
			"a name of 200 characters",
			`{"name":"` + strings.Repeat("é", 200) + `","data":"","channel":"a"}`,
			[]string{"a"},
		},
		{
			"124 a name that only looks reserved", `{"name":"pusher_x","data":"","channel":"a"}`,
			[]string{"a"},
		},
	} {
		t.Run(c.name, c.check)
	}
}

// The numbers are those of docs/protocol.md §9.
func TestPublishTheLargestData(t *testing.T) {
	for _, c := range []publishCase{
		{
			"106 data of 10240 bytes",
			`{"name":"e","data":"` + strings.Repeat("x", 10240) + `","channel":"a"}`,
			[]string{"a"},
		},
		{
			"106 data of 10240 bytes that are longer in JSON",
			`{"name":"e","data":"` + strings.Repeat(`\u0000`, 10240) + `","channel":"a"}`,
			[]string{"a"},
		},
	} {
		t.Run(c.name, c.check)
	}
}

// The numbers are those of docs/protocol.md §9.
func TestPublishToSpecialChannels(t *testing.T) {
	for _, c := range []publishCase{
		{
			"presence, encrypted and cache channels",
			`{"name":"e","data":"","channels":["presence-a","private-encrypted-a","cache-a"]}`,
			[]string{"presence-a", "private-encrypted-a", "cache-a"},
		},
		{
			"123 a user", `{"name":"e","data":"","channels":["#server-to-user-7"]}`,
			[]string{"#server-to-user-7"},
		},
		{
			"123 a user with a long name, as the PHP SDK names one",
			`{"name":"e","data":"","channel":"#server-to-user-` + strings.Repeat("x", 128) + `"}`,
			[]string{"#server-to-user-" + strings.Repeat("x", 128)},
		},
	} {
		t.Run(c.name, c.check)
	}
}

// The numbers are those of docs/protocol.md §9.
func TestPublishToManyChannels(t *testing.T) {
	t.Run("102 100 channels", func(t *testing.T) {
		s := newServer(t)
		s.do(t, request{
			body: `{"name":"e","data":"","channels":` + channels(100) + `}`,
		}).accepted(t, "{}")
		if len(s.got) != 100 {
			t.Errorf("published to %d channels", len(s.got))
		}
	})
	t.Run("103 the socket ID is excepted on every channel, known or not", func(t *testing.T) {
		s := newServer(t)
		s.do(t, request{
			body: `{"name":"e","data":"","channels":["a","b"],"socket_id":"482915.77120345"}`,
		}).accepted(t, "{}")
		const except = "482915.77120345"
		if len(s.got) != 2 || s.got[0].Except != except || s.got[1].Except != except {
			t.Errorf("got %+v", s.got)
		}
	})
}

// Checklist 104: data is delivered byte for byte, as a string, beside event and channel only.
func TestPublishKeepsItsTexts(t *testing.T) {
	var controls strings.Builder
	for r := range rune(0x20) {
		controls.WriteRune(r)
	}
	for name, text := range map[string]string{
		"JSON": `{"a":"\"<b>&\\u0041"}`, "no JSON": "hello", "empty": "",
		"an empty list, as Laravel sends it": "[]",
		"control characters":                 controls.String() + "\x7f",
		"separators":                         "\u2028\u2029",
		"noncharacters":                      "\ufffe\uffff",
		"an emoji":                           "\U0001f600",
		"lone surrogates, escaped":           `"\ud800"`,
		"what HTML escapes":                  "<>&'",
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			name := "App\\" + text + "e"
			s.do(t, request{
				body: `{"name":` + quoted(name) + `,"channel":"orders",` +
					`"data":` + quoted(text) + `}`,
			}).accepted(t, "{}")
			var got map[string]string
			if err := json.Unmarshal(s.got[0].Frame, &got); err != nil {
				t.Fatal(err)
			}
			want := map[string]string{"event": name, "channel": "orders", "data": text}
			if !maps.Equal(got, want) {
				t.Errorf("got %+q", got)
			}
		})
	}
}

// withField returns a publish with one more field.
func withField(field string) string {
	return `{"name":"e","data":"d","channel":"a",` + field + `}`
}

// refusalCase is a publish that is refused.
type refusalCase struct {
	name, body string
	status     int
	says       string
}

func (c refusalCase) check(t *testing.T) {
	t.Helper()
	s := newServer(t)
	s.refused(t, s.do(t, request{body: c.body}), c.status, c.says)
}

// The numbers are those of docs/protocol.md §9.
func TestRefusedEvents(t *testing.T) {
	for _, c := range []refusalCase{
		{
			"102 101 channels", `{"name":"e","data":"","channels":` + channels(101) + `}`, 400,
			"more than 100 channels at once: there are 101",
		},
		{"103 a malformed socket ID", withField(`"socket_id":"abc"`), 400, "socket_id"},
		{
			"103 a connection ID for a socket ID", withField(`"socket_id":"L0SM9cOFvHcCIhw="`), 400,
			"socket_id",
		},
		{"103 a number for a socket ID", withField(`"socket_id":1.2`), 400, "socket_id"},
		{
			"106 data of 10241 bytes",
			`{"name":"e","channel":"a","data":"` + strings.Repeat("x", 10241) + `"}`,
			413, "exceeds the allowed maximum (10240 bytes): 10241 bytes for channel a",
		},
		{
			"106 data of 10241 bytes in longer characters",
			`{"name":"e","channel":"a","data":"x` + strings.Repeat("é", 5120) + `"}`,
			413, "10241",
		},
		{"107 no name", `{"data":"d","channel":"a"}`, 400, "name"},
		{"107 an empty name", `{"name":"","data":"d","channel":"a"}`, 400, "name"},
		{
			"107 a name of 201 characters",
			`{"name":"` + strings.Repeat("é", 201) + `","data":"d","channel":"a"}`, 400, "200",
		},
		{"107 no data", `{"name":"e","channel":"a"}`, 400, "data"},
		{"107 data that is null", `{"name":"e","channel":"a","data":null}`, 400, "data"},
		{"107 data that is an object", `{"name":"e","channel":"a","data":{"a":1}}`, 400, "data"},
		{"107 data that is a number", `{"name":"e","channel":"a","data":7}`, 400, "data"},
	} {
		t.Run(c.name, c.check)
	}
}

// The numbers are those of docs/protocol.md §9.
func TestRefusedChannels(t *testing.T) {
	for _, c := range []refusalCase{
		{"107 no channel", `{"name":"e","data":"d"}`, 400, "channel"},
		{"107 an empty channel", `{"name":"e","data":"d","channel":""}`, 400, "channel"},
		{
			"107 an empty channel in a list", `{"name":"e","data":"d","channels":["a",""]}`, 400,
			"channel",
		},
		{"107 a list that is a string", `{"name":"e","data":"d","channels":"a"}`, 400, "channels"},
		{
			"107 a channel with a space", `{"name":"e","data":"d","channels":["a","a b"]}`, 400,
			"a b",
		},
		{
			"107 a channel of 201 bytes",
			`{"name":"e","data":"d","channel":"` + strings.Repeat("x", 201) + `"}`, 400, "200",
		},
		{
			"123 a user without an ID", `{"name":"e","data":"d","channel":"#server-to-user-"}`, 400,
			"#server-to-user-",
		},
		{
			"123 a user that cannot be", `{"name":"e","data":"d","channel":"#server-to-user-a b"}`,
			400, `user id "a b"`,
		},
		{
			"123 a user with too long a name",
			`{"name":"e","data":"d","channel":"#server-to-user-` + strings.Repeat("x", 129) + `"}`,
			400, "129",
		},
		{
			"123 another hash", `{"name":"e","data":"d","channels":["a","#private-a"]}`, 400,
			"#private-a",
		},
		{"107 a channel with a hash", `{"name":"e","data":"d","channel":"#x"}`, 400, "#x"},
	} {
		t.Run(c.name, c.check)
	}
}

// The numbers are those of docs/protocol.md §9.
func TestRefusedBodies(t *testing.T) {
	for _, c := range []refusalCase{
		{"108 no JSON", `hello`, 400, "JSON"},
		{"108 half", `{"name":"e"`, 400, "JSON"},
		{"108 nothing", ``, 400, "JSON"},
		{"108 an array", `[` + event + `]`, 400, "JSON"},
		{"108 something behind it", event + `x`, 400, "JSON"},
		{"108 null", `null`, 400, "name"},
		{"124 pusher:", `{"name":"pusher:error","data":"d","channel":"a"}`, 400, "reserved"},
		{
			"124 pusher_internal:",
			`{"name":"pusher_internal:member_added","data":"d","channel":"a"}`, 400, "reserved",
		},
	} {
		t.Run(c.name, c.check)
	}
}

// Each app has its own limits (docs/settings.md).
func TestLimitsOfTheApp(t *testing.T) {
	s := newServer(t, func(a *pusher.App) {
		a.MaxEventData, a.MaxEventName, a.MaxEventChannels = 5, 3, 2
		a.MaxChannelName, a.MaxBatch = 4, 1
	})
	publish := func(body string) answer { return s.do(t, request{body: body}) }
	publish(`{"name":"abc","data":"12345","channels":["abcd","abce"]}`).accepted(t, "{}")
	s.got = nil
	s.refused(t, publish(`{"name":"abcd","data":"","channel":"a"}`), 400,
		"4 characters, the limit is 3")
	s.refused(t, publish(`{"name":"a","data":"123456","channel":"a"}`), 413,
		"(5 bytes): 6 bytes for channel a")
	s.refused(t, publish(`{"name":"a","data":"","channels":["a","b","c"]}`), 400,
		"more than 2 channels at once: there are 3")
	s.refused(t, publish(`{"name":"a","data":"","channel":"abcde"}`), 400,
		"5 bytes, the limit is 4")
	s.refused(t, s.do(t, request{path: "/apps/3/batch_events", body: batch(2)}), 400,
		"more than 1 events at once: there are 2")
	s.refused(t, s.get(t, "/channels/abcde", ""), 400, "5 bytes, the limit is 4")
}
