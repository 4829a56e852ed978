package settings_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"hark/shared/pusher"
	"hark/shared/settings"
)

// stored is the stored form of one setting.
func stored(name string, v any) map[string]any {
	if key, inner, nested := strings.Cut(name, "."); nested {
		return map[string]any{key: map[string]any{inner: v}}
	}
	return map[string]any{name: v}
}

func TestDecode(t *testing.T) {
	for _, c := range []struct {
		name  string
		value any
		want  func(*pusher.Settings)
	}{
		{"note", "of somebody else", func(*pusher.Settings) {}},
		{"enabled", false, func(s *pusher.Settings) { s.Disabled = true }},
		{"enabled", true, func(*pusher.Settings) {}},
		{"allowed_origins", []any{}, func(*pusher.Settings) {}},
		{"allowed_origins", []any{"a.com", "*"}, func(s *pusher.Settings) {
			s.AllowedOrigins = []string{"a.com", "*"}
		}},
		{"activity_timeout", int64(540), func(s *pusher.Settings) {
			s.ActivityTimeout = 9 * time.Minute
		}},
		{"max_event_payload_in_kb", int64(20), func(s *pusher.Settings) {
			s.MaxEventData = 20_480
		}},
		{"rate_limiting.enabled", true, func(s *pusher.Settings) { s.RateLimit.Enabled = true }},
		{"max_client_events_per_second", int64(-1), func(s *pusher.Settings) {
			s.MaxClientEvents = -1
		}},
	} {
		got, err := settings.Decode(stored(c.name, c.value))
		want := settings.Default()
		c.want(&want)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Errorf("%s %v: error %v:\n%s", c.name, c.value, err, diff)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		value any
		want  string // after the name
	}{
		{"enabled", "false", "is a text, it must be true or false"},
		{"max_connections", "5", "is a text, it must be a whole number from 0 to 2147483647"},
		{"max_connections", settings.Other("null"), "is null, it must be a whole number from 0 to"},
		{"max_connections", true, "is a boolean, it must be a whole number from 0 to"},
		{"max_connections", json.Number("0.5"), `is "0.5", it must be a whole number from 0 to`},
		{"max_connections", int64(-1), `is "-1", it must be a whole number from 0 to`},
		{"max_message_size", json.Number("99999999999999999999"), `is "99999999999999999999", `},
		{"max_message_size", int64(255), `is "255", it must be a whole number from 256 to`},
		{"activity_timeout", int64(541), `is "541", it must be a whole number from 0 to 540`},
		{"max_channel_name_length", int64(201), `is "201", it must be a whole number from 1 to`},
		{"rate_limiting.decay_seconds", int64(0), `is "0", it must be a whole number from 1 to`},
		{"rate_limiting.max_attempts", "5", "is a text, it must be a whole number from 1 to"},
		{"allowed_origins", "*", "is a text, it must be a list"},
		{"allowed_origins", settings.Other("a set"), "is a set, it must be a list"},
		{"allowed_origins", []any{"*", int64(1)}, "has a number at 1, it must be a text"},
		{
			"allowed_origins",
			[]any{"https://a.com"},
			`has "https://a.com", it must be the pattern of a host, such as example.com`,
		},
		{"allowed_origins", []any{"a.com:3000"}, `has "a.com:3000", it must be the pattern of`},
		{"allowed_origins", []any{""}, `has "", it must be the pattern of a host`},
		{"accept_client_events_from", "everyone", `is "everyone", it must be all, members or none`},
		{"accept_client_events_from", int64(1), "is a number, it must be all, members or none"},
		{"webhooks", map[string]any{}, "is a map, it must be a list"},
	} {
		_, err := settings.Decode(stored(c.name, c.value))
		if err == nil || !strings.HasPrefix(err.Error(), c.name+" "+c.want) {
			t.Errorf("%v: error %v, want %q", c.value, err, c.name+" "+c.want)
		}
	}
	_, err := settings.Decode(map[string]any{"rate_limiting": int64(5)})
	want := "rate_limiting.enabled is in rate_limiting, which is a number, it must be a map"
	if err == nil || err.Error() != want {
		t.Errorf("a number for a map: error %v, want %q", err, want)
	}
}
