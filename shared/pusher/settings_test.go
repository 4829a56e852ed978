package pusher_test

import (
	"strings"
	"testing"

	"hark/shared/pusher"
)

// The patterns are Reverb's (docs/protocol.md §7.1, and line 28 of the checklist).
func TestAllowsOrigin(t *testing.T) {
	for _, c := range []struct {
		name     string
		patterns []string
		origin   string
		want     bool
	}{
		{"no pattern allows every page", nil, "https://example.com", true},
		{"no pattern allows a client without an origin", nil, "", true},
		{"* allows every page", []string{"*"}, "https://example.com", true},
		{"* allows a client without an origin", []string{"*"}, "", true},
		{"* allows the origin null", []string{"*"}, "null", true},
		{"the host", []string{"example.com"}, "https://example.com", true},
		{"the second of two", []string{"localhost", "example.com"}, "https://example.com", true},
		{"the scheme does not matter", []string{"example.com"}, "http://example.com", true},
		{"the port does not matter", []string{"example.com"}, "https://example.com:8443", true},
		{"the case does not matter", []string{"Example.COM"}, "https://eXample.com", true},
		{"an address", []string{"127.0.0.1"}, "http://127.0.0.1:5173", true},
		{"an IPv6 address", []string{"::1"}, "http://[::1]:5173", true},
		{"another host", []string{"example.com"}, "https://example.org", false},
		{"a longer host", []string{"example.com"}, "https://example.com.evil.org", false},
		{"a host that ends alike", []string{"example.com"}, "https://evil-example.com", false},
		{"the host as a user", []string{"example.com"}, "https://example.com@evil.org", false},
		{"the host as a path", []string{"example.com"}, "https://evil.org/example.com", false},
		{"a subdomain", []string{"*.example.com"}, "https://shop.example.com", true},
		{"a subdomain of one", []string{"*.example.com"}, "https://a.shop.example.com", true},
		{"the domain itself is none", []string{"*.example.com"}, "https://example.com", false},
		{"another domain", []string{"*.example.com"}, "https://evilexample.com", false},
		{"a longer domain", []string{"*.example.com"}, "https://shop.example.com.evil.org", false},
		{"a * at the end", []string{"shop.*"}, "https://shop.example.com", true},
		{"a * at the end only", []string{"shop.*"}, "https://myshop.example.com", false},
		{"a * inside", []string{"shop-*.example.com"}, "https://shop-7.example.com", true},
		{"a * for no text", []string{"shop*.example.com"}, "https://shop.example.com", true},
		{"two *, in order", []string{"*-7.*.com"}, "https://shop-7.example.com", true},
		{"two *, not in order", []string{"*b*a.com"}, "https://ab.com", false},
		{"two parts need two texts", []string{"aba*aba"}, "https://ababa", false},
		{"so do two parts inside", []string{"a*b*b"}, "https://ab", false},
		{"no origin", []string{"*.example.com", "**"}, "", false},
		{"null", []string{"*.example.com", "null"}, "null", false},
		{"an origin that is no URL", []string{"example.com"}, "example.com", false},
		{"an origin with a space", []string{"example.com"}, "https://exa mple.com\x7f", false},
		{"a dot matches a dot only", []string{"example.com"}, "https://exampleXcom", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := pusher.Settings{AllowedOrigins: c.patterns}
			if got := s.AllowsOrigin(c.origin); got != c.want {
				t.Errorf("%q allow %q: %t", c.patterns, c.origin, got)
			}
		})
	}
}

// A pattern with many * is compared in little time.
func TestAllowsOriginWithALongPattern(t *testing.T) {
	s := pusher.Settings{AllowedOrigins: []string{strings.Repeat("*a", 5000) + "b"}}
	if s.AllowsOrigin("https://" + strings.Repeat("a", 10_000)) {
		t.Error("the pattern matches")
	}
}
