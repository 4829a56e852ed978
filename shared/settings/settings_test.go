package settings_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hark/shared/internal/testkit"
	"hark/shared/pusher"
	"hark/shared/settings"
)

// The defaults of docs/protocol.md §7, §3.1, §3.2 and §4.
func TestDefault(t *testing.T) {
	want := pusher.Settings{
		MaxMessageSize:     10_000,
		ClientEvents:       "members",
		RateLimit:          pusher.RateLimit{Max: 60, Window: time.Minute},
		UserAuthentication: true,
		Watchlist:          true,
		MaxChannelName:     200,
		MaxMembers:         100,
		MaxMemberSize:      1024,
		MaxClientEvents:    10,
		MaxEventName:       200,
		MaxEventData:       10_240,
		MaxEventChannels:   100,
		MaxBatch:           10,
		TerminateByMembers: true,
	}
	if diff := cmp.Diff(want, settings.Default()); diff != "" {
		t.Error(diff)
	}
}

// TestEveryFieldIsInTheCatalogue changes one field of pusher.Settings after the other: each must be
// stored as one setting, or the catalogue has forgotten it.
func TestEveryFieldIsInTheCatalogue(t *testing.T) {
	var try func(path string, at func(*pusher.Settings) reflect.Value)
	try = func(path string, at func(*pusher.Settings) reflect.Value) {
		s := settings.Default()
		v := at(&s)
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				inner := func(s *pusher.Settings) reflect.Value { return at(s).Field(i) }
				try(path+"."+v.Type().Field(i).Name, inner)
			}
			return
		case reflect.Bool:
			v.SetBool(!v.Bool())
		case reflect.Int:
			v.SetInt(v.Int() + 1<<10)
		case reflect.Int64: // a time.Duration
			v.SetInt(v.Int() + int64(time.Second))
		case reflect.String:
			v.SetString("another")
		case reflect.Slice:
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		default:
			t.Fatalf("%s is a %s, which this test cannot change", path, v.Kind())
		}
		if n := len(settings.Encode(s)); n != 1 {
			t.Errorf("%s: %d settings differ from the defaults, want 1", path, n)
		}
	}
	try("Settings", func(s *pusher.Settings) reflect.Value { return reflect.ValueOf(s).Elem() })
}

func TestSettingsAreKept(t *testing.T) {
	for name, s := range map[string]pusher.Settings{
		"default settings": settings.Default(), "unusual settings": testkit.UnusualSettings(),
	} {
		got, err := settings.Decode(settings.Encode(s))
		if diff := cmp.Diff(s, got); err != nil || diff != "" {
			t.Errorf("%s, encoded and decoded: error %v:\n%s", name, err, diff)
		}
		got = settings.Default()
		err = settings.Set(&got, settings.List(s)...)
		if diff := cmp.Diff(s, got); err != nil || diff != "" {
			t.Errorf("%s, listed and set: error %v:\n%s", name, err, diff)
		}
	}
}

func TestDefaultsAreNotStored(t *testing.T) {
	if got := settings.Encode(settings.Default()); len(got) != 0 {
		t.Errorf("the defaults are stored as %v", got)
	}
	s := settings.Default()
	s.RateLimit.Max = 5
	want := map[string]any{"rate_limiting": map[string]any{"max_attempts": int64(5)}}
	if diff := cmp.Diff(want, settings.Encode(s)); diff != "" {
		t.Error(diff)
	}
}

func TestSet(t *testing.T) {
	s := testkit.UnusualSettings()
	want := testkit.UnusualSettings()
	want.Disabled, want.RateLimit.Max, want.AllowedOrigins, want.Webhooks = false, 9, nil, nil
	err := settings.Set(&s,
		settings.Setting{Name: "enabled", Value: "true"},
		settings.Setting{Name: "rate_limiting.max_attempts", Value: "9"},
		settings.Setting{Name: "allowed_origins"},
		settings.Setting{Name: "webhooks"},
	)
	if diff := cmp.Diff(want, s); err != nil || diff != "" {
		t.Errorf("error %v:\n%s", err, diff)
	}
}

func TestSetRefuses(t *testing.T) {
	for _, c := range []struct {
		name    string
		changes string // with spaces between them
		want    string
	}{
		{"an unknown name", "max_conections=5", `there is no setting "max_conections"`},
		{"an unknown name alone", "max_conections=", `there is no setting "max_conections"`},
		{"the credentials", "secret=x", `there is no setting "secret"`},
		{"a whole map", "rate_limiting=true", `there is no setting "rate_limiting"`},
		{"another word for true", "enabled=yes", `enabled is "yes", it must be true or false`},
		{
			"a word for a number", "max_connections=many",
			`max_connections is "many", it must be a whole number from 0 to 2147483647`,
		},
		{
			"an origin instead of a host", "allowed_origins=https://a.com,b.com",
			`allowed_origins has "https://a.com", it must be the pattern of a host`,
		},
		{"two values", "max_connections=5 max_connections=", "max_connections is given twice"},
		{
			"one good value and one bad", "max_connections=5 accept_client_events_from=me",
			`accept_client_events_from is "me", it must be all, members or none`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var changes []settings.Setting
			for _, change := range strings.Fields(c.changes) {
				name, text, _ := strings.Cut(change, "=")
				changes = append(changes, settings.Setting{Name: name, Value: text})
			}
			s := settings.Default()
			err := settings.Set(&s, changes...)
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestWithout(t *testing.T) {
	stored := func() map[string]any {
		return map[string]any{
			"max_connections": "5",
			"rate_limiting":   map[string]any{"max_attempts": "5", "decay_seconds": int64(1)},
			"watchlist":       false,
		}
	}
	for _, c := range []struct {
		name string
		want func(map[string]any)
	}{
		{"max_connections", func(m map[string]any) { delete(m, "max_connections") }},
		{"rate_limiting.max_attempts", func(m map[string]any) {
			m["rate_limiting"] = map[string]any{"decay_seconds": int64(1)}
		}},
		{"watchlist.is_no_map", func(m map[string]any) { delete(m, "watchlist") }},
		{"bans", func(map[string]any) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			want, from := stored(), stored()
			c.want(want)
			got := settings.Without(from, settings.Setting{Name: c.name})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(stored(), from); diff != "" {
				t.Errorf("it changed its argument:\n%s", diff)
			}
		})
	}
}
