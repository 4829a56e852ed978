package pusher_test

import (
	"strings"
	"testing"
	"time"

	"hark/shared/pusher"
)

// 28 and docs/protocol.md §7.1: the patterns are Reverb's.
func TestAllowsOrigin(t *testing.T) {
	for _, c := range []struct {
		name     string
		patterns []string
		origin   string
		want     bool
	}{
		{"no pattern lets everybody in", nil, "https://example.com", true},
		{"no pattern lets a client without an origin in", nil, "", true},
		{"* lets everybody in", []string{"*"}, "https://example.com", true},
		{"* lets a client without an origin in", []string{"*"}, "", true},
		{"* lets an origin in that is none", []string{"*"}, "null", true},
		{"the host", []string{"example.com"}, "https://example.com", true},
		{"the second of two", []string{"localhost", "example.com"}, "https://example.com", true},
		{"whatever the scheme", []string{"example.com"}, "http://example.com", true},
		{"whatever the port", []string{"example.com"}, "https://example.com:8443", true},
		{"whatever the case", []string{"Example.COM"}, "https://eXample.com", true},
		{"an address", []string{"127.0.0.1"}, "http://127.0.0.1:5173", true},
		{"an IPv6 address", []string{"::1"}, "http://[::1]:5173", true},
		{"another host", []string{"example.com"}, "https://example.org", false},
		{"the host in front of another", []string{"example.com"}, "https://example.com.evil.org", false},
		{"the host behind another's name", []string{"example.com"}, "https://evil-example.com", false},
		{"the host as a user", []string{"example.com"}, "https://example.com@evil.org", false},
		{"the host as a path", []string{"example.com"}, "https://evil.org/example.com", false},
		{"a subdomain", []string{"*.example.com"}, "https://shop.example.com", true},
		{"a subdomain of one", []string{"*.example.com"}, "https://a.shop.example.com", true},
		{"a subdomain only: not the domain", []string{"*.example.com"}, "https://example.com", false},
		{"a subdomain only: not a name that ends like it", []string{"*.example.com"}, "https://evilexample.com", false},
		{"nor one that goes on", []string{"*.example.com"}, "https://shop.example.com.evil.org", false},
		{"a * at the end", []string{"shop.*"}, "https://shop.example.com", true},
		{"a * at the end, another beginning", []string{"shop.*"}, "https://myshop.example.com", false},
		{"a * inside", []string{"shop-*.example.com"}, "https://shop-7.example.com", true},
		{"a * inside stands for nothing, too", []string{"shop*.example.com"}, "https://shop.example.com", true},
		{"two *, in order", []string{"*-7.*.com"}, "https://shop-7.example.com", true},
		{"two *, not in order", []string{"*b*a.com"}, "https://ab.com", false},
		{"no text is used for two parts of the pattern", []string{"aba*aba"}, "https://ababa", false},
		{"nor for a part inside", []string{"a*b*b"}, "https://ab", false},
		{"no origin, where not everybody may", []string{"*.example.com", "**"}, "", false},
		{"null, as a page without an origin says", []string{"*.example.com", "null"}, "null", false},
		{"an origin that is no URL", []string{"example.com"}, "example.com", false},
		{"an origin that cannot be parsed", []string{"example.com"}, "https://exa mple.com\x7f", false},
		{"a dot is a dot", []string{"example.com"}, "https://exampleXcom", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := (pusher.Settings{AllowedOrigins: c.patterns}).AllowsOrigin(c.origin); got != c.want {
				t.Errorf("%q allow %q: %t", c.patterns, c.origin, got)
			}
		})
	}
	t.Run("a pattern without end ends", func(t *testing.T) {
		s := pusher.Settings{AllowedOrigins: []string{strings.Repeat("*a", 5000) + "b"}}
		if s.AllowsOrigin("https://" + strings.Repeat("a", 10_000)) {
			t.Error("it matches")
		}
	})
}

// The defaults of docs/protocol.md §7, §3.1, §3.2 and §4.
func TestDefaultSettings(t *testing.T) {
	s := pusher.DefaultSettings()
	if s.Disabled || s.MaxConnections != 0 || s.ActivityTimeout != 0 || s.MaxMessageSize != 10_000 || s.ClientEvents != "members" {
		t.Errorf("got %+v", s)
	}
	if s.RateLimit != (pusher.RateLimit{Max: 60, Window: time.Minute}) {
		t.Errorf("rate limit %+v", s.RateLimit)
	}
	if s.MaxChannelName != 200 || s.MaxMembers != 100 || s.MaxMemberSize != 1024 || s.MaxClientEvents != 10 || s.MaxEventName != 200 ||
		s.MaxEventData != 10240 || s.MaxEventChannels != 100 || s.MaxBatch != 10 {
		t.Errorf("limits %+v", s)
	}
}
