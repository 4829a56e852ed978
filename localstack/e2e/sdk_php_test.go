package e2e_test

import (
	"crypto/md5"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"hark/localstack/e2e/wire"
)

// What pusher-http-php 7 and Guzzle 7 send, byte for byte, according to their sources. The SDK
// itself is only available through Composer, which the machines of these tests do not reach. It
// throws for a status other than 200 and for a body that is no object, because of PHP's types
// (docs/protocol.md §5.2).

// php sends a request as the SDK's get and post do. Every POST has the MD5 of its body. The
// parameters are in the order of their names, with the signature last; Guzzle writes them with
// http_build_query and RFC 3986. An array is signed with commas and sent as name[0], name[1].
func php(
	t *testing.T, method, path, text string, params map[string][]string,
) (object map[string]json.RawMessage) {
	t.Helper()
	r := wire.Request{Method: method, Path: path, Params: map[string]string{}}
	if method == http.MethodPost {
		r.Body = []byte(text)
		r.Params["body_md5"] = fmt.Sprintf("%x", md5.Sum(r.Body))
	}
	for name, values := range params {
		r.Params[name] = strings.Join(values, ",")
	}
	r.Encode = func(q url.Values) string {
		var pairs []string
		for _, name := range append(
			slices.Sorted(maps.Keys(r.Params)), "auth_key", "auth_timestamp", "auth_version",
		) {
			if values := params[name]; len(values) > 1 {
				for i, v := range values {
					pairs = append(pairs,
						rawurlencode(fmt.Sprintf("%s[%d]", name, i))+"="+rawurlencode(v))
				}
				continue
			}
			pairs = append(pairs, rawurlencode(name)+"="+rawurlencode(q.Get(name)))
		}
		slices.Sort(pairs)
		return strings.Join(append(pairs, "auth_signature="+q.Get("auth_signature")), "&")
	}
	a := request(t, hark.App, r)
	if a.Status != http.StatusOK {
		t.Fatalf("ApiErrorException: %d %s", a.Status, a.Body)
	}
	if err := json.Unmarshal([]byte(a.Body), &object); err != nil || object == nil {
		t.Fatalf("TypeError: %s is no object", a.Body)
	}
	return object
}

// rawurlencode is PHP's.
func rawurlencode(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// jsonEncode is PHP's json_encode of a string: it escapes slashes and everything outside ASCII.
func jsonEncode(s string) string {
	var out strings.Builder
	for _, r := range s {
		switch {
		case r == '"' || r == '\\' || r == '/':
			out.WriteString(`\` + string(r))
		case r < ' ' || r > '~':
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			out.WriteRune(r)
		}
	}
	return `"` + out.String() + `"`
}

func (c client) reads(event, channel, data string) {
	c.t.Helper()
	if f := c.next(event, channel); f.Data != data {
		c.t.Errorf("got %s, want %s", f.Raw, data)
	}
}

func TestPHPSDK_Publishes(t *testing.T) {
	ch, room := unique("room-"), unique("presence-room-")
	c := subscriber(t, ch)
	// json_encode(['url' => 'https://example.com/é'])
	const data = `{"url":"https:\/\/example.com\/\u00e9"}`
	trigger := func(to string) string {
		name := jsonEncode(`App\Events\OrderShipped`)
		return `{"name":` + name + `,"data":` + jsonEncode(data) + `,` + to + `}`
	}
	t.Run("trigger", func(t *testing.T) {
		php(t, "POST", "events", trigger(`"channel":"`+ch+`"`), nil)
		c.reads(`App\Events\OrderShipped`, ch, data)
	})
	t.Run("trigger to several but one connection, with info", func(t *testing.T) {
		got := php(
			t, "POST", "events",
			trigger(`"channels":["`+ch+`","`+room+`"],"socket_id":"`+c.SocketID+
				`","info":"subscription_count,user_count"`),
			nil,
		)
		want := `{"` + room + `":{"user_count":0},"` + ch + `":{"subscription_count":1}}`
		if normal(t, string(got["channels"])) != normal(t, want) {
			t.Errorf("got %s, want %s", got["channels"], want)
		}
		c.receives(ch)
	})
	t.Run("trigger of nothing: an empty array is the list [] in PHP", func(t *testing.T) {
		php(t, "POST", "events", `{"name":"e","data":"[]","channel":"`+ch+`"}`, nil)
		c.reads("e", ch, "[]")
	})
	t.Run("trigger once, by a parameter that the SDK passes on", func(t *testing.T) {
		text := trigger(`"channel":"` + ch + `","idempotency_key":"` + unique("order-") + `"`)
		for range 2 {
			php(t, "POST", "events", text, nil)
		}
		c.reads(`App\Events\OrderShipped`, ch, data)
		c.receives(ch)
	})
	t.Run("triggerBatch", func(t *testing.T) {
		got := php(
			t, "POST", "batch_events",
			`{"batch":[{"channel":"`+ch+`","name":"a","data":"{}"},`+
				`{"name":"b","data":"{}","channel":"`+ch+`"}]}`,
			nil,
		)
		if len(got) != 0 {
			t.Errorf("got %v", got)
		}
		c.reads("a", ch, "{}")
		c.reads("b", ch, "{}")
	})
}

func TestPHPSDK_ReadsChannelsAndUsers(t *testing.T) {
	room := unique("presence-room-")
	member(t, room, "7", "")
	t.Run("getChannels, without any, and with several attributes", func(t *testing.T) {
		got := php(t, "GET", "channels", "",
			map[string][]string{"filter_by_prefix": {unique("presence-nobody-")}})
		if string(got["channels"]) != "{}" {
			t.Errorf("get_object_vars: %s is no object", got["channels"])
		}
		got = php(t, "GET", "channels", "", map[string][]string{
			"filter_by_prefix": {room}, "info": {"user_count", "subscription_count"},
		})
		answers(t, wire.Answer{Status: 200, Body: string(got["channels"])}, 200,
			`{"`+room+`":{"user_count":1,"subscription_count":1}}`)
	})
	t.Run("getChannelInfo", func(t *testing.T) {
		got := php(t, "GET", "channels/"+room, "",
			map[string][]string{"info": {"user_count,subscription_count"}})
		if string(got["occupied"]) != "true" || string(got["user_count"]) != "1" {
			t.Errorf("got %s", got)
		}
	})
	t.Run("getPresenceUsers", func(t *testing.T) {
		got := php(t, "GET", "channels/"+room+"/users", "", nil)
		if string(got["users"]) != `[{"id":"7"}]` {
			t.Errorf("got %s", got["users"])
		}
	})
	t.Run("sendToUser and terminateUserConnections", func(t *testing.T) {
		id := unique("user-")
		me := user(t, id)
		php(t, "POST", "events", `{"name":"e","data":"\"x\"","channel":"#server-to-user-`+id+`"}`,
			nil)
		me.reads("e", "#server-to-user-"+id, `"x"`)
		if got := php(t, "POST", "users/"+id+"/terminate_connections", "{}", nil); len(got) != 0 {
			t.Errorf("got %v", got)
		}
		me.isClosed()
	})
}
