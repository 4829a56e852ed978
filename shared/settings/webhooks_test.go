package settings_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hark/shared/pusher"
	"hark/shared/settings"
)

const hookURL = "https://example.com/hook"

// hook is the stored form of one webhook with the URL, and with another field if a name is given.
func hook(name string, v any) []any {
	m := map[string]any{"url": hookURL}
	if name != "" {
		m[name] = v
	}
	return []any{m}
}

func TestDecodeWebhooks(t *testing.T) {
	for _, c := range []struct {
		name  string
		value any
		want  []pusher.Webhook
	}{
		{"none", []any{}, []pusher.Webhook{}},
		{"one with a URL only", hook("", nil), []pusher.Webhook{{URL: hookURL}}},
		{
			"one with everything",
			[]any{map[string]any{
				"url":         hookURL,
				"event_types": []any{"cache_miss"},
				"filter": map[string]any{
					"channel_name_starts_with": "a", "channel_name_ends_with": "z",
				},
				"headers": map[string]any{"X-A": "1"},
			}},
			[]pusher.Webhook{{
				URL: hookURL, Events: []string{"cache_miss"}, Prefix: "a", Suffix: "z",
				Headers: map[string]string{"X-A": "1"},
			}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := settings.Decode(stored("webhooks", c.value))
			if diff := cmp.Diff(c.want, got.Webhooks); err != nil || diff != "" {
				t.Errorf("error %v:\n%s", err, diff)
			}
		})
	}
}

// refused is a stored value of webhooks, and what its error says after "webhooks ".
type refused struct {
	name  string
	value any
	want  string
}

func (c refused) check(t *testing.T) {
	t.Helper()
	_, err := settings.Decode(stored("webhooks", c.value))
	if err == nil || !strings.HasPrefix(err.Error(), "webhooks "+c.want) {
		t.Errorf("%s: error %v, want %q", c.name, err, "webhooks "+c.want)
	}
}

func TestDecodeWebhooksRefusesTypes(t *testing.T) {
	for _, c := range []refused{
		{"no list", hookURL, "is a text, it must be a list"},
		{"a URL alone", []any{hookURL}, "at 0: is a text, it must be a map"},
		{"a number for a URL", hook("url", int64(1)), "at 0: url is a number, it must be a text"},
		{
			"a text for event types", hook("event_types", "cache_miss"),
			"at 0: event_types is a text, it must be a list",
		},
		{
			"a number for an event type", hook("event_types", []any{"cache_miss", int64(1)}),
			"at 0: event_types at 1 is a number, it must be a text",
		},
		{"a text for a filter", hook("filter", "a"), "at 0: filter is a text, it must be a map"},
		{
			"a number in a header", hook("headers", map[string]any{"X-A": int64(1)}),
			"at 0: headers has X-A, which is a number, it must be a text",
		},
		{
			"an unknown field", hook("lambda_function", "f"),
			"at 0: lambda_function is no setting of a webhook",
		},
		{
			"an unknown filter", hook("filter", map[string]any{"channel": "a"}),
			`at 0: filter has "channel", which is no filter`,
		},
	} {
		c.check(t)
	}
}

func TestDecodeWebhooksRefusesValues(t *testing.T) {
	header := func(name, text string) []any {
		return hook("headers", map[string]any{name: text})
	}
	const url = "at 0: the URL must be https://host/path or http://host/path, " +
		"with a password in a header if there is one" // the error does not show the URL
	for _, c := range []refused{
		{"no URL", []any{map[string]any{}}, url},
		{"another scheme", hook("url", "ftp://example.com"), url},
		{"no host", hook("url", "https:///hook"), url},
		{"a URL with a space", hook("url", "https://exa mple.com"), url},
		{"a URL with a fragment", hook("url", "https://example.com#a"), url},
		{"a password in the URL", hook("url", "https://a:b@example.com"), url},
		{
			"one URL twice", append(hook("", nil), hook("", nil)...),
			"at 1: the URL is that of another one",
		},
		{
			"an event type that does not exist", hook("event_types", []any{"vacated"}),
			`at 0: the event type "vacated" is none of channel_occupied, channel_vacated, `,
		},
		{
			"two lines in a header", header("X-A", "1\r\nX-B: 2"),
			`at 0: "X-A" is not the name and value of a header`,
		},
		{
			"a space in a header's name", header("X A", "1"),
			`at 0: "X A" is not the name and value of a header`,
		},
		{"a header without a name", header("", "1"), `at 0: "" is not the name and value`},
	} {
		c.check(t)
	}
}

// webhooks returns the text of the setting.
func webhooks(t *testing.T, s pusher.Settings) string {
	t.Helper()
	for _, one := range settings.List(s) {
		if one.Name == "webhooks" {
			return one.Value
		}
	}
	t.Fatal("there is no setting webhooks")
	return ""
}

func TestWebhooksArePrintedAsTheyAreTyped(t *testing.T) {
	s := settings.Default()
	if got := webhooks(t, s); got != "" {
		t.Errorf("no webhooks are printed as %s", got)
	}
	for _, text := range []string{
		`[{"url":"https://example.com/hook?a=1&b=2"}]`,
		`[{"url":"https://example.com/a","event_types":["cache_miss"],` +
			`"filter":{"channel_name_ends_with":"z"},"headers":{"X-A":"<1>"}},` +
			`{"url":"http://b.com"}]`,
		"",
	} {
		if err := settings.Set(&s, settings.Setting{Name: "webhooks", Value: text}); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if got := webhooks(t, s); got != text {
			t.Errorf("%s is printed as %s", text, got)
		}
	}
}

func TestSetWebhooksRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`https://example.com`:                                 "webhooks is not a list such as",
		`{"url":"https://example.com"}`:                       "is not a list such as",
		`[{"url":"https://example.com"}] x`:                   "is not a list such as",
		`[{"url":"https://example.com","events":[]}]`:         `unknown field "events"`,
		`[{"url":"https://example.com","filter":{"name":1}}]`: `unknown field "name"`,
		`[{"url":"example.com"}]`:                             `webhooks at 0: the URL must be`,
	} {
		s := settings.Default()
		err := settings.Set(&s, settings.Setting{Name: "webhooks", Value: text})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q in it", text, err, want)
		}
	}
}
