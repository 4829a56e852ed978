package pusher_test

import (
	"strings"
	"testing"

	"hark/shared/pusher"
)

// The kinds of protocol.md §3.1. The numbers are those of §9.
func TestChannelKind(t *testing.T) {
	for _, c := range []struct {
		name              string
		channel           pusher.Channel
		private, presence bool
	}{
		{"a plain name is public", "orders", false, false},
		{"cache- is public", "cache-eur", false, false},
		{"private- is private", "private-x", true, false},
		{"private-cache- is private", "private-cache-x", true, false},
		{"private-encrypted- is private", "private-encrypted-x", true, false},
		{"43 private-encrypted-cache- is private", "private-encrypted-cache-x", true, false},
		{"presence- is private and has presence", "presence-x", true, true},
		{"presence-cache- is private and has presence", "presence-cache-x", true, true},
		{"41 privatex is public", "privatex", false, false},
		{"41 privateer is public", "privateer", false, false},
		{"41 presencex is public", "presencex", false, false},
		{"42 my-private-x is public", "my-private-x", false, false},
		{"42 my-presence-x is public", "my-presence-x", false, false},
		{"another case is public", "Private-x", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.channel.Private() != c.private || c.channel.Presence() != c.presence {
				t.Errorf("private %t, presence %t", c.channel.Private(), c.channel.Presence())
			}
		})
	}
}

// The names of protocol.md §3.1. The numbers are those of §9.
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
			err := c.channel.Validate()
			if !c.ok {
				refused(t, err, pusher.CodeUnauthorized)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}
