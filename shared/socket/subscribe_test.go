package socket_test

import (
	"strings"
	"testing"

	"hark/shared/pusher"
)

// The numbers are those of docs/protocol.md §9.
func TestSubscribeToAPublicChannel(t *testing.T) {
	for name, data := range map[string]string{
		"29 with empty auth": `{"auth":"","channel":"orders"}`,
		"29 without auth":    `{"channel":"orders"}`,
		"29 with garbage for auth": `{"auth":"gar:ba:ge","channel":"orders",` +
			`"channel_data":"garbage"}`,
		"51 with a string that holds the data": `"{\"auth\":\"\",\"channel\":\"orders\"}"`,
	} {
		t.Run(name, func(t *testing.T) {
			c := newConversation()
			c.sends(t, `{"event":"pusher:subscribe","data":`+data+`}`)
			// package membership sends the success
			c.wasSent(t)
			c.recorded(t, "on orders 1795521601000")
		})
	}
	for _, name := range []string{
		"cache-eur", "privatex", "presencex", "my-private-x", "my-presence-x", "my-cache-x",
		"privateer", "cache",
	} {
		t.Run("41 and 42 "+name, func(t *testing.T) {
			c := newConversation()
			c.sends(t, subscribe(name, "", ""))
			c.wasSent(t)
			c.recorded(t, "on "+name+" 1795521601000")
		})
	}
}

type privateCase struct {
	name, channel, auth, data string
	ok                        bool
}

func (c privateCase) check(t *testing.T) {
	t.Helper()
	v := newConversation()
	v.sends(t, subscribe(c.channel, c.auth, c.data))
	if c.ok {
		v.wasSent(t)
		v.recorded(t, "on "+c.channel+" 1795521601000")
		return
	}
	v.notSubscribed(t, c.channel, "AuthError", 401, 4009)
}

// The numbers are those of docs/protocol.md §9.
func TestSubscribeToAPrivateChannel(t *testing.T) {
	const data = `{"user_id":"7","user_info":{"name":"<Ann>"}}`
	for _, c := range []privateCase{
		{"with its signature", "private-a", sign(socketID + ":private-a"), "", true},
		{
			"encrypted, with its signature", "private-encrypted-a",
			sign(socketID + ":private-encrypted-a"), "", true,
		},
		{
			"with a cache, with its signature", "private-cache-a",
			sign(socketID + ":private-cache-a"), "", true,
		},
		{
			"43 encrypted with a cache", "private-encrypted-cache-a",
			sign(socketID + ":private-encrypted-cache-a"), "", true,
		},
		{"43 encrypted with a cache, without auth", "private-encrypted-cache-a", "", "", false},
		{"31 without auth", "private-a", "", "", false},
		{
			"32 with a wrong signature", "private-a", app().Key + ":" + strings.Repeat("0", 64), "",
			false,
		},
		{
			"32 with a signature by another secret", "private-a",
			app().Key + ":" + pusher.App{Secret: "x"}.Sign(socketID+":private-a"), "", false,
		},
		{
			"33 with another app's key", "private-a", "other:" + app().Sign(socketID+":private-a"),
			"", false,
		},
		{
			"34 with a signature for another socket ID", "private-a", sign("1.2:private-a"), "",
			false,
		},
		{
			"34 with a signature for the connection ID", "private-a",
			sign(string(connection) + ":private-a"), "", false,
		},
		{
			"35 with a signature for another channel", "private-a", sign(socketID + ":private-b"),
			"", false,
		},
		{
			"36 with channel data that was signed", "private-a",
			sign(socketID + ":private-a:" + data), data, true,
		},
		{
			"36 with channel data that was not signed", "private-a", sign(socketID + ":private-a"),
			data, false,
		},
	} {
		t.Run(c.name, c.check)
	}
}

// The numbers are those of docs/protocol.md §9.
func TestSubscribeToAnInvalidChannel(t *testing.T) {
	const data = `{"user_id":"7"}`
	for _, c := range []privateCase{
		{"39 a bad name", "private a", "", "", false},
		{"44 a user's channel", "#server-to-user-7", "", "", false},
		{"44 a user's channel without a user", "#server-to-user-", "", "", false},
		{"44 any other name with a hash", "#room", sign(socketID + ":#room"), "", false},
		{"an empty name", "", "", "", false},
		{"presence without auth", "presence-a", "", data, false},
	} {
		t.Run(c.name, c.check)
	}
}

// 40: the limit is the app's, and the refusal names it.
func TestSubscribeToALongName(t *testing.T) {
	long := strings.Repeat("x", 201)
	t.Run("refused by default", func(t *testing.T) {
		c := newConversation()
		c.sends(t, subscribe(long, "", ""))
		c.notSubscribed(t, long, "LimitReached", 4009, 4009, "201", "200")
	})
	t.Run("Pusher's own limit", func(t *testing.T) {
		c := newConversation(func(s *pusher.Settings) { s.MaxChannelName = 164 })
		c.sends(t, subscribe(long[:165], "", ""))
		c.notSubscribed(t, long[:165], "LimitReached", 4009, 4009, "165", "164")
	})
	t.Run("as long as it may be", func(t *testing.T) {
		c := newConversation()
		c.sends(t, subscribe(long[:200], "", ""))
		c.recorded(t, "on "+long[:200]+" 1795521601000")
	})
}

// The numbers are those of docs/protocol.md §9.
func TestSubscribeToAPresenceChannel(t *testing.T) {
	auth := func(data string) string { return sign(socketID + ":presence-a:" + data) }
	plain := sign(socketID + ":presence-a")
	for _, c := range []struct {
		name, auth, data string
		user, info       string // that the connection is signed in as
		want             string
	}{
		{
			"with channel data", auth(`{"user_id":"7","user_info":{"name":"Ann"}}`),
			`{"user_id":"7","user_info":{"name":"Ann"}}`, "", "", `7 {"name":"Ann"}`,
		},
		{"61 with a number for an ID", auth(`{"user_id":7}`), `{"user_id":7}`, "", "", `7 `},
		{
			"89 signed in, without channel data", plain, "", "8", `{"name":"Bob"}`,
			`8 {"name":"Bob"}`,
		},
		{"89 signed in, without info", plain, "", "8", "", `8 `},
		{
			"89 channel data wins over the sign-in", auth(`{"user_id":"7"}`), `{"user_id":"7"}`,
			"8", `{"name":"Bob"}`, `7 `,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := newConversation()
			v.members.user, v.members.info = c.user, c.info
			v.sends(t, subscribe("presence-a", c.auth, c.data))
			v.wasSent(t) // the consumer sends the success, in the order of joins
			v.recorded(t, "enter presence-a as "+c.want+" 1795521601000")
		})
	}
}

// The numbers are those of docs/protocol.md §9.
func TestSubscribeToAPresenceChannelIsRefused(t *testing.T) {
	auth := func(data string) string { return sign(socketID + ":presence-a:" + data) }
	plain := sign(socketID + ":presence-a")
	longID := `{"user_id":"` + strings.Repeat("7", 129) + `"}`
	largeInfo := `"` + strings.Repeat("x", 1022) + `"`
	large := `{"user_id":"7","user_info":` + largeInfo + `}`
	for _, c := range []struct {
		name, auth, data string
		info             string // of the user it is signed in as
		kind             string
		status           int
		says             []string
	}{
		{
			"52 without channel data and not signed in", plain, "", "", "AuthError", 401,
			[]string{"presence-a", "channel_data"},
		},
		{"53 no JSON", auth("Ann"), "Ann", "", "AuthError", 401, []string{"presence-a", "JSON"}},
		{
			"53 no user_id", auth(`{"user_info":{}}`), `{"user_info":{}}`, "", "AuthError", 401,
			[]string{"presence-a", "user_id"},
		},
		{
			"53 an empty user_id", auth(`{"user_id":""}`), `{"user_id":""}`, "", "AuthError", 401,
			[]string{"presence-a", "user_id"},
		},
		{
			"with channel data that was not signed", plain, `{"user_id":"7"}`, "", "AuthError", 401,
			nil,
		},
		{
			"64 a user ID that is too long", auth(longID), longID, "", "LimitReached", 4301,
			[]string{"presence-a", "129", "128"},
		},
		{
			"64 a user that is too large", auth(large), large, "", "LimitReached", 4301,
			[]string{"presence-a", "1025", "1024"},
		},
		{
			"64 a signed-in user that is too large", plain, "", largeInfo, "LimitReached", 4301,
			[]string{"presence-a", "1025", "1024"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := newConversation()
			if c.info != "" {
				v.members.user, v.members.info = "8", c.info
			}
			v.sends(t, subscribe("presence-a", c.auth, c.data))
			v.notSubscribed(t, "presence-a", c.kind, c.status, 4009, c.says...)
		})
	}
}

// 87: only a connection that is signed in as the user may subscribe to the user's channel. No row
// is written, because such a connection is a subscriber already.
func TestSubscribeToAUsersChannel(t *testing.T) {
	t.Run("signed in as the user", func(t *testing.T) {
		c := newConversation()
		c.members.user = "7"
		c.sends(t, subscribe("#server-to-user-7", "", ""))
		c.wasSent(t,
			`{"event":"pusher_internal:subscription_succeeded",`+
				`"channel":"#server-to-user-7","data":"{}"}`)
		c.recorded(t)
	})
	for _, name := range []string{
		"#server-to-user-8", "#server-to-user-77", "#server-to-user-", "#server-to-user-7 ",
		"#Server-to-user-7",
	} {
		t.Run("signed in as 7, asking for "+name, func(t *testing.T) {
			c := newConversation()
			c.members.user = "7"
			c.sends(t, subscribe(name, sign(socketID+":"+name), ""))
			c.notSubscribed(t, name, "AuthError", 401, 4009, "#")
		})
	}
	t.Run("leaving it does nothing", func(t *testing.T) {
		c := newConversation()
		c.members.user = "7"
		c.sends(t, unsubscribe("#server-to-user-7"))
		c.wasSent(t)
		c.recorded(t)
	})
}

// 47 and 48.
func TestUnsubscribeIsSilent(t *testing.T) {
	for _, ch := range []string{"orders", "private-a", "presence-a", "private-encrypted-cache-a"} {
		t.Run(ch, func(t *testing.T) {
			c := newConversation()
			c.sends(t, unsubscribe(ch))
			c.wasSent(t)
			c.recorded(t, "off "+ch+" 1795521601000")
		})
	}
	t.Run("with a string that holds the data", func(t *testing.T) {
		c := newConversation()
		c.sends(t, `{"event":"pusher:unsubscribe","data":"{\"channel\":\"orders\"}"}`)
		c.wasSent(t)
		c.recorded(t, "off orders 1795521601000")
	})
	for _, ch := range []string{"a b", "", "#room", strings.Repeat("x", 201)} {
		t.Run("but not for a name that cannot be: "+ch, func(t *testing.T) {
			c := newConversation()
			c.sends(t, unsubscribe(ch))
			c.refused(t, 4009)
		})
	}
}
