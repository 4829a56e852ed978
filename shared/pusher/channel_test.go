package pusher_test

import (
	"errors"
	"strings"
	"testing"

	"hark/shared/pusher"
)

// The kinds of docs/protocol.md §3.1. The numbers are those of §9.
func TestChannelKind(t *testing.T) {
	for _, c := range []struct {
		name                     string
		channel                  pusher.Channel
		private, presence, cache bool
	}{
		{"a plain name is public", "orders", false, false, false},
		{"cache- is public, with a cache", "cache-eur", false, false, true},
		{"private- is private", "private-x", true, false, false},
		{"private-cache- is private, with a cache", "private-cache-x", true, false, true},
		{"private-encrypted- is private", "private-encrypted-x", true, false, false},
		{
			"43 private-encrypted-cache- is private, with a cache", "private-encrypted-cache-x",
			true, false, true,
		},
		{"presence- is private and has presence", "presence-x", true, true, false},
		{
			"presence-cache- is private and has presence, with a cache", "presence-cache-x", true,
			true, true,
		},
		{"41 privatex is public", "privatex", false, false, false},
		{"41 privateer is public", "privateer", false, false, false},
		{"41 presencex is public", "presencex", false, false, false},
		{"42 my-private-x is public", "my-private-x", false, false, false},
		{"42 my-presence-x is public", "my-presence-x", false, false, false},
		{"42 my-cache-x has no cache", "my-cache-x", false, false, false},
		{"42 nor has a private name with cache- inside", "private-my-cache-x", true, false, false},
		{"41 cachex has no cache", "cachex", false, false, false},
		{"41 private-cachex has no cache", "private-cachex", true, false, false},
		{"41 private-encryptedx is private", "private-encryptedx", true, false, false},
		{"presence-encrypted-cache- has no cache", "presence-encrypted-cache-x", true, true, false},
		{"another case is public", "Private-x", false, false, false},
		{"a user's channel is of no kind", "#server-to-user-private-x", false, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			ch := c.channel
			if ch.Private() != c.private || ch.Presence() != c.presence || ch.Cache() != c.cache {
				t.Errorf("private %t, presence %t, cache %t", ch.Private(), ch.Presence(),
					ch.Cache())
			}
			if user := c.channel.User(); (user != "") != strings.HasPrefix(string(c.channel), "#") {
				t.Errorf("of user %q", user)
			}
		})
	}
}

// The names of docs/protocol.md §3.1. The numbers are those of §9.
func TestChannelValidate(t *testing.T) {
	for _, c := range []struct {
		name    string
		channel pusher.Channel
		ok      bool
	}{
		{"every character that is allowed", "azAZ09_-=@,.;", true},
		{"one character", "x", true},
		{"200 bytes", pusher.Channel(strings.Repeat("x", 200)), true},
		{"40 201 bytes", pusher.Channel(strings.Repeat("x", 201)), false},
		{"nothing", "", false},
		{"39 a space", "a b", false},
		{"39 a slash", "a/b", false},
		{"39 a colon", "a:b", false},
		{"39 a percent sign", "a%20", false},
		{"39 a line feed at the end", "a\n", false},
		{"39 a zero byte", "a\x00", false},
		{"39 a letter that is not ASCII", "caf\u00e9", false},
		{"39 a letter that only looks like ASCII", "\u0430", false},
		{"39 bytes that are not UTF-8", "a\xff", false},
		{"44 the user channel", "#server-to-user-7", false},
		{"44 any other name with a hash", "a#b", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.channel.Validate(pusher.MaxChannelName)
			if !c.ok {
				refused(t, err, pusher.CodeUnauthorized)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// 40: the limit is the app's. The refusal is soketi's (docs/protocol.md §3.5) with both numbers.
func TestChannelValidateUsesTheAppsLimit(t *testing.T) {
	ch := pusher.Channel(strings.Repeat("x", 165))
	if err := ch.Validate(165); err != nil {
		t.Error(err)
	}
	err := ch.Validate(164)
	refused(t, err, pusher.CodeUnauthorized)
	text := err.Error()
	if !strings.Contains(text, "165") || !strings.Contains(text, "164") || len(text) > 200 {
		t.Errorf("got %s", text)
	}
	var refusal *pusher.Error
	if !errors.As(err, &refusal) || refusal.Type != pusher.LimitReached || refusal.Status != 4009 {
		t.Errorf("got %+v", refusal)
	}
}

// 44 and docs/protocol.md §5.9.
func TestUserChannel(t *testing.T) {
	for ch, user := range map[pusher.Channel]string{
		"#server-to-user-7": "7", "#server-to-user-a-b@c.d": "a-b@c.d",
		"#server-to-user-#server-to-user-7": "#server-to-user-7",
		"#server-to-user-":                  "", "#server-to-user": "", "server-to-user-7": "",
		"#Server-to-user-7": "", " #server-to-user-7": "", "#": "", "": "",
	} {
		t.Run(string(ch), func(t *testing.T) {
			if got := ch.User(); got != user {
				t.Errorf("got %q, want %q", got, user)
			}
			if user != "" && pusher.UserChannel(user) != ch {
				t.Errorf("the channel of %q is %s", user, pusher.UserChannel(user))
			}
		})
	}
}
