package dynamo_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"hark/shared/dynamo"
	"hark/shared/pusher"
)

// all is a map of several attributes.
func all(pairs ...any) types.AttributeValue {
	m := make(map[string]types.AttributeValue)
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i].(string)] = pairs[i+1].(types.AttributeValue)
	}
	return &types.AttributeValueMemberM{Value: m}
}

func TestReadWebhooks(t *testing.T) {
	const u = "https://example.com/hook"
	for _, c := range []struct {
		name  string
		value types.AttributeValue
		want  []pusher.Webhook
		wrong string
	}{
		{name: "one", value: l(m("url", s(u))), want: []pusher.Webhook{{URL: u}}},
		{name: "none", value: l(), want: []pusher.Webhook{}},
		{
			name: "one with everything",
			value: l(all("url", s(u), "event_types", l(s("cache_miss")), "headers", m("X-A", s("1")),
				"filter", all("channel_name_starts_with", s("a"), "channel_name_ends_with", s("z")))),
			want: []pusher.Webhook{{URL: u, Events: []string{"cache_miss"}, Prefix: "a", Suffix: "z", Headers: map[string]string{"X-A": "1"}}},
		},
		{name: "no list", value: s(u), wrong: "webhooks is S, it must be L"},
		{name: "a URL alone", value: l(s(u)), wrong: "webhooks at 0: is S, it must be M"},
		{name: "no URL", value: l(m("headers", m("X-A", s("1")))), wrong: `the URL must be https`},
		{name: "a number for a URL", value: l(m("url", n("1"))), wrong: "at 0: url is N, it must be S"},
		{name: "another scheme", value: l(m("url", s("ftp://example.com"))), wrong: `the URL must be`},
		{name: "no host", value: l(m("url", s("https:///hook"))), wrong: `must be https://host/path`},
		{name: "no URL at all", value: l(m("url", s("https://exa mple.com"))), wrong: `must be https://host/path`},
		{name: "a password in the URL", value: l(m("url", s("https://a:b@example.com"))), wrong: "with a password in a header"},
		{name: "one URL twice", value: l(m("url", s(u)), m("url", s(u))), wrong: "at 1: the URL is that of another one"},
		{name: "an event that there is not", value: l(all("url", s(u), "event_types", l(s("vacated")))), wrong: `the event type "vacated" is none of channel_occupied`},
		{name: "one event", value: l(all("url", s(u), "event_types", s("cache_miss"))), wrong: "event_types is S, it must be L"},
		{name: "a number for an event", value: l(all("url", s(u), "event_types", l(n("1")))), wrong: "event_types at 0 is N, it must be S"},
		{name: "a filter that there is not", value: l(all("url", s(u), "filter", m("channel", s("a")))), wrong: `filter has "channel", which is no filter`},
		{name: "a text for a filter", value: l(all("url", s(u), "filter", s("a"))), wrong: "filter is S, it must be M"},
		{name: "a number in a header", value: l(all("url", s(u), "headers", m("X-A", n("1")))), wrong: "headers has X-A, which is N, it must be S"},
		{name: "two lines in a header", value: l(all("url", s(u), "headers", m("X-A", s("1\r\nX-B: 2")))), wrong: `"X-A" is not the name and value of a header`},
		{name: "a header with a blank", value: l(all("url", s(u), "headers", m("X A", s("1")))), wrong: `"X A" is not the name`},
		{name: "something else", value: l(all("url", s(u), "lambda_function", s("f"))), wrong: "lambda_function is no setting of a webhook"},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := local(t)
			putApp(t, client, appItem("webhooks", c.value))
			got, err := appsOf(t, client).ByID(t.Context(), "shop")
			if c.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), c.wrong) || strings.Contains(err.Error(), "a:b") {
					t.Errorf("error %v, want %q in it, and no password", err, c.wrong)
				}
				return
			}
			if diff := cmp.Diff(c.want, got.Webhooks); err != nil || diff != "" {
				t.Errorf("error %v:\n%s", err, diff)
			}
		})
	}
}

// What scripts/app shows is what it takes, and it says what is wrong with what it does not take.
func TestWebhooksAreTyped(t *testing.T) {
	client := local(t)
	putApp(t, client, appItem("", nil))
	set := func(text string) error {
		return appsOf(t, client).Change(t.Context(), "shop", []dynamo.Setting{{Name: "webhooks", Value: text}})
	}
	shown := func() string {
		t.Helper()
		app, err := appsOf(t, client).ByID(t.Context(), "shop")
		do(t, err)
		for _, setting := range dynamo.Settings(app.Settings) {
			if setting.Name == "webhooks" {
				return setting.Value
			}
		}
		t.Fatal("there is no setting webhooks")
		return ""
	}
	if got := shown(); got != "" {
		t.Errorf("without webhooks it shows %s", got)
	}
	for _, text := range []string{
		`[{"url":"https://example.com/hook?a=1&b=2"}]`,
		`[{"url":"https://example.com/a","event_types":["cache_miss"],"filter":{"channel_name_ends_with":"z"},"headers":{"X-A":"<1>"}},{"url":"http://b.com"}]`,
		"",
	} {
		do(t, set(text))
		if got := shown(); got != text {
			t.Errorf("shows %s, want %s", got, text)
		}
	}
	for text, wrong := range map[string]string{
		`https://example.com`:                                 "is not a list such as",
		`{"url":"https://example.com"}`:                       "is not a list such as",
		`[{"url":"https://example.com"}] x`:                   "is not a list such as",
		`[{"url":"https://example.com","events":[]}]`:         `unknown field "events"`,
		`[{"url":"https://example.com","filter":{"name":1}}]`: `unknown field "name"`,
		`[{"url":"example.com"}]`:                             `at 0: the URL must be`,
	} {
		if err := set(text); err == nil || !strings.Contains(err.Error(), "webhooks ") || !strings.Contains(err.Error(), wrong) {
			t.Errorf("%s: error %v, want %q in it", text, err, wrong)
		}
	}
}
