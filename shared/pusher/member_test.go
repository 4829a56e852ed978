package pusher_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"hark/shared/pusher"
)

type parsedMember struct {
	name, data, id, info string
}

func (c parsedMember) check(t *testing.T) {
	t.Helper()
	m, err := pusher.ParseMember("presence-a", c.data, 1024)
	if err != nil || m.UserID != c.id || string(m.Info) != c.info {
		t.Errorf("got %q %s, %v", m.UserID, m.Info, err)
	}
}

// The numbers are those of docs/protocol.md §9.
func TestParseMember(t *testing.T) {
	for _, c := range []parsedMember{
		{"an ID and its info", `{"user_id":"7","user_info":{"name":"Ann"}}`, "7", `{"name":"Ann"}`},
		{"an ID alone", `{"user_id":"7"}`, "7", ""},
		{"61 a number is the same as its text", `{"user_id":7}`, "7", ""},
		{
			"61 a large number keeps its digits", `{"user_id":12345678901234567890}`,
			"12345678901234567890", "",
		},
		{"61 a fraction, as it is written", `{"user_id":1.50}`, "1.50", ""},
		{"null for an info is none", `{"user_id":"7","user_info":null}`, "7", ""},
		{"an info of any type", `{"user_id":"7","user_info":[1, "a b"]}`, "7", `[1,"a b"]`},
		{
			"an info without spaces between its values",
			"{\"user_id\":\"7\",\"user_info\":{ \"a\" :\n1 }}", "7", `{"a":1}`,
		},
		{"an ID that is no channel's name", `{"user_id":"Ann Lee/ä #1"}`, "Ann Lee/ä #1", ""},
		{"unknown keys", `{"user_id":"7","x":{}}`, "7", ""},
		{
			"64 an ID of 128 characters", `{"user_id":"` + strings.Repeat("ä", 128) + `"}`,
			strings.Repeat("ä", 128), "",
		},
		{
			"64 a member of 1024 bytes",
			`{"user_id":"7","user_info":"` + strings.Repeat("x", 1021) + `"}`, "7",
			`"` + strings.Repeat("x", 1021) + `"`,
		},
	} {
		t.Run(c.name, c.check)
	}
}

// The numbers are those of docs/protocol.md §9.
func TestParseMemberRefuses(t *testing.T) {
	for _, c := range []struct {
		name, data string
		kind       string // of the subscription_error
		says       []string
	}{
		{"53 nothing", ``, "", []string{"JSON"}},
		{"53 no JSON", `Ann`, "", []string{"JSON"}},
		{"53 half of it", `{"user_id":"7"`, "", []string{"JSON"}},
		{"53 an array", `["7"]`, "", []string{"JSON"}},
		{"53 a string", `"7"`, "", []string{"JSON"}},
		{"53 null", `null`, "", []string{"user_id"}},
		{"53 no user_id", `{"user_info":{}}`, "", []string{"user_id"}},
		{"53 an empty user_id", `{"user_id":""}`, "", []string{"user_id"}},
		{"53 null for a user_id", `{"user_id":null}`, "", []string{"user_id"}},
		{"53 true for a user_id", `{"user_id":true}`, "", []string{"user_id"}},
		{"53 an object for a user_id", `{"user_id":{"id":7}}`, "", []string{"user_id"}},
		{
			"64 an ID of 129 characters", `{"user_id":"` + strings.Repeat("ä", 129) + `"}`,
			pusher.LimitReached,
			[]string{"129", "128"},
		},
		{
			"64 a number of 129 digits", `{"user_id":` + strings.Repeat("7", 129) + `}`,
			pusher.LimitReached,
			[]string{"129", "128"},
		},
		{
			"64 a member of 1025 bytes",
			`{"user_id":"7","user_info":"` + strings.Repeat("x", 1022) + `"}`, pusher.LimitReached,
			[]string{"1025", "1024"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := pusher.ParseMember("presence-a", c.data, 1024)
			refused(t, err, pusher.CodeUnauthorized)
			var refusal *pusher.Error
			if !errors.As(err, &refusal) || refusal.Type != c.kind {
				t.Errorf("got %+v", refusal)
			}
			for _, s := range append(c.says, "presence-a") {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("got %v, want it to say %q", err, s)
				}
			}
			if len(err.Error()) > 300 {
				t.Errorf("the refusal has %d bytes", len(err.Error()))
			}
		})
	}
}

// ids returns a JSON list of n user IDs.
func ids(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("u%d", i)
	}
	b, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return string(b)
}

type parsedUser struct {
	name, data string
	want       pusher.User
}

func (c parsedUser) check(t *testing.T) {
	t.Helper()
	u, err := pusher.ParseUser(c.data)
	if err != nil || fmt.Sprint(u) != fmt.Sprint(c.want) {
		t.Errorf("got %+v, %v; want %+v", u, err, c.want)
	}
}

// The numbers are those of docs/protocol.md §9.
func TestParseUser(t *testing.T) {
	for _, c := range []parsedUser{
		{"an ID alone", `{"id":"7"}`, pusher.User{ID: "7"}},
		{
			"everything", `{"id":"7","user_info":{ "name": "Ann" },"watchlist":["8","9"]}`,
			pusher.User{
				ID: "7", Info: json.RawMessage(`{"name":"Ann"}`), Watchlist: []string{"8", "9"},
			},
		},
		{
			"an ID of every character there is", `{"id":"azAZ09_-=@,.;"}`,
			pusher.User{ID: "azAZ09_-=@,.;"},
		},
		{
			"null for everything else", `{"id":"7","user_info":null,"watchlist":null}`,
			pusher.User{ID: "7"},
		},
		{"unknown keys", `{"id":"7","name":"Ann"}`, pusher.User{ID: "7"}},
		{
			"watching a user twice", `{"id":"7","watchlist":["8","9","8"]}`,
			pusher.User{ID: "7", Watchlist: []string{"8", "9"}},
		},
		{
			"watching oneself", `{"id":"7","watchlist":["7"]}`,
			pusher.User{ID: "7", Watchlist: []string{"7"}},
		},
		{
			"watching users that cannot exist", `{"id":"7","watchlist":["","a b","#x","8"]}`,
			pusher.User{ID: "7", Watchlist: []string{"8"}},
		},
	} {
		t.Run(c.name, c.check)
	}
}

// The numbers are those of docs/protocol.md §9.
func TestParseUserCutsTheWatchlist(t *testing.T) {
	for n, cut := range map[int]bool{0: false, 100: false, 101: true, 500: true} {
		t.Run(fmt.Sprintf("91 watching %d", n), func(t *testing.T) {
			u, err := pusher.ParseUser(`{"id":"7","watchlist":` + ids(n) + `}`)
			if err != nil || u.Cut != cut || len(u.Watchlist) != min(n, 100) {
				t.Errorf("%d watched, cut: %t, %v", len(u.Watchlist), u.Cut, err)
			}
			if n > 100 && (u.Watchlist[0] != "u0" || u.Watchlist[99] != "u99") {
				t.Errorf("not the first: %q", u.Watchlist)
			}
		})
	}
	t.Run("91 the same hundred twice are a hundred", func(t *testing.T) {
		var list []string
		if err := json.Unmarshal([]byte(ids(100)), &list); err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(slices.Repeat(list, 2))
		if err != nil {
			t.Fatal(err)
		}
		u, err := pusher.ParseUser(`{"id":"7","watchlist":` + string(b) + `}`)
		if err != nil || u.Cut || len(u.Watchlist) != 100 {
			t.Errorf("%d watched, cut: %t, %v", len(u.Watchlist), u.Cut, err)
		}
	})
}

// The numbers are those of docs/protocol.md §9.
func TestParseUserRefuses(t *testing.T) {
	for name, data := range map[string]string{
		"86 nothing":                      ``,
		"86 no JSON":                      `Ann`,
		"86 null":                         `null`,
		"86 an array":                     `["7"]`,
		"86 a string":                     `"7"`,
		"86 no id":                        `{"user_info":{}}`,
		"86 an empty id":                  `{"id":""}`,
		"86 null for an id":               `{"id":null}`,
		"86 an id that is a number":       `{"id":7}`,
		"86 an id that is an object":      `{"id":{}}`,
		"an id with a hash":               `{"id":"a#b"}`,
		"an id with a space":              `{"id":"a b"}`,
		"an id that is not ASCII":         `{"id":"ä"}`,
		"an id of 129 characters":         `{"id":"` + strings.Repeat("7", 129) + `"}`,
		"an id without end":               `{"id":"` + strings.Repeat("#", 9000) + `"}`,
		"a watchlist that is a text":      `{"id":"7","watchlist":"8"}`,
		"a watchlist that is an object":   `{"id":"7","watchlist":{"0":"8"}}`,
		"a watchlist with one null in it": `{"id":7,"watchlist":[null]}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := pusher.ParseUser(data)
			refused(t, err, pusher.CodeUnauthorized)
			if len(err.Error()) > 300 {
				t.Errorf("the refusal has %d bytes", len(err.Error()))
			}
		})
	}
}

func TestValidateUserID(t *testing.T) {
	for id, ok := range map[string]bool{
		"7": true, "azAZ09_-=@,.;": true, strings.Repeat("a", 128): true,
		"": false, strings.Repeat("a", 129): false, "a#b": false, "a b": false, "ä": false,
		"a\xff": false, "a\n": false,
	} {
		if err := pusher.ValidateUserID(id); ok != (err == nil) {
			t.Errorf("%q: got %v", id, err)
		}
	}
}
