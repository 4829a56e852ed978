package dynamo_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	awsdb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"hark/shared/dynamo"
	"hark/shared/pusher"
)

// unusual has no setting at its default.
func unusual() pusher.Settings {
	return pusher.Settings{
		Disabled:           true,
		AllowedOrigins:     []string{"*.example.com", "::1"},
		MaxConnections:     500,
		ActivityTimeout:    30 * time.Second,
		MaxMessageSize:     20_000,
		ClientEvents:       pusher.ClientEventsAll,
		RateLimit:          pusher.RateLimit{Enabled: true, Max: 5, Window: 2 * time.Second, Terminate: true},
		UserAuthentication: false,
		Watchlist:          false,
		SubscriptionCount:  true,
		MaxChannelName:     164,
		MaxMembers:         1000,
		MaxMemberSize:      2 << 10,
		MaxClientEvents:    -1,
		MaxEventName:       50,
		MaxEventData:       100 << 10,
		MaxEventChannels:   7,
		MaxBatch:           3,
		TerminateByMembers: false,
		Bans:               true,
		Webhooks: []pusher.Webhook{
			{URL: "https://example.com/hook?a=1&b=2"},
			{
				URL: "http://example.com/", Events: []string{"channel_occupied", "member_added"}, Prefix: "private-", Suffix: "-a",
				Headers: map[string]string{"X-Token": "<t>", "X-Empty": ""},
			},
		},
	}
}

// appItem is an app as DynamoDB holds it, with one attribute more.
func appItem(name string, v types.AttributeValue) map[string]types.AttributeValue {
	it := map[string]types.AttributeValue{
		"pk": s("app#shop"), "id": s("shop"), "key": s("shop-key"), "secret": s("s3cret"), "note": s("of somebody else"),
	}
	if v != nil {
		it[name] = v
	}
	return it
}

// What DynamoDB calls S, N, BOOL, L and M.

func s(text string) types.AttributeValue { return &types.AttributeValueMemberS{Value: text} }

func n(text string) types.AttributeValue { return &types.AttributeValueMemberN{Value: text} }

func b(v bool) types.AttributeValue { return &types.AttributeValueMemberBOOL{Value: v} }

func l(vs ...types.AttributeValue) types.AttributeValue {
	return &types.AttributeValueMemberL{Value: vs}
}

func m(name string, v types.AttributeValue) types.AttributeValue {
	return &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{name: v}}
}

func appsOf(t *testing.T, client *awsdb.Client) *dynamo.Apps {
	return &dynamo.Apps{Client: client, Table: tableName(t, "apps")}
}

func putApp(t *testing.T, client *awsdb.Client, it map[string]types.AttributeValue) {
	t.Helper()
	table := tableName(t, "apps")
	_, err := client.PutItem(t.Context(), &awsdb.PutItemInput{TableName: &table, Item: it})
	do(t, err)
}

// TestEverySettingIsKept writes and reads back, so that a setting which one of the two forgets is found.
func TestEverySettingIsKept(t *testing.T) {
	onEngines(t, func(t *testing.T, client *awsdb.Client) {
		apps := appsOf(t, client)
		for _, app := range []pusher.App{
			{ID: "plain", Key: "plain-key", Secret: "a", Settings: pusher.DefaultSettings()},
			{ID: "unusual", Key: "unusual-key", Secret: "b", Settings: unusual()},
		} {
			do(t, apps.Add(t.Context(), app))
			got, err := apps.ByKey(t.Context(), app.Key)
			if diff := cmp.Diff(app, got); err != nil || diff != "" {
				t.Errorf("error %v:\n%s", err, diff)
			}
		}
	})
}

func TestReadSettings(t *testing.T) {
	for _, c := range []struct {
		name      string
		attribute string
		value     types.AttributeValue
		want      func(*pusher.Settings) // of an app that can be read
		wrong     string                 // of one that cannot
	}{
		{name: "nothing but the credentials", want: func(*pusher.Settings) {}},
		{name: "switched off", attribute: "enabled", value: b(false), want: func(s *pusher.Settings) { s.Disabled = true }},
		{name: "switched on", attribute: "enabled", value: b(true), want: func(*pusher.Settings) {}},
		{name: "no origins", attribute: "allowed_origins", value: l(), want: func(*pusher.Settings) {}},
		{name: "origins", attribute: "allowed_origins", value: l(s("a.com"), s("*")), want: func(s *pusher.Settings) { s.AllowedOrigins = []string{"a.com", "*"} }},
		{name: "seconds", attribute: "activity_timeout", value: n("540"), want: func(s *pusher.Settings) { s.ActivityTimeout = 9 * time.Minute }},
		{name: "kilobytes", attribute: "max_event_payload_in_kb", value: n("20"), want: func(s *pusher.Settings) { s.MaxEventData = 20_480 }},
		{name: "some of the rates", attribute: "rate_limiting", value: m("enabled", b(true)), want: func(s *pusher.Settings) { s.RateLimit.Enabled = true }},
		{name: "no limit of client events", attribute: "max_client_events_per_second", value: n("-1"), want: func(s *pusher.Settings) { s.MaxClientEvents = -1 }},

		{name: "a text for a switch", attribute: "enabled", value: s("false"), wrong: "enabled is S, it must be BOOL"},
		{name: "a text for a number", attribute: "max_connections", value: s("5"), wrong: "max_connections is S, it must be N"},
		{name: "NULL for a number", attribute: "max_connections", value: &types.AttributeValueMemberNULL{Value: true}, wrong: "max_connections is NULL, it must be N"},
		{name: "a part of a connection", attribute: "max_connections", value: n("0.5"), wrong: `max_connections is "0.5", it must be a whole number from 0 to`},
		{name: "fewer connections than none", attribute: "max_connections", value: n("-1"), wrong: `max_connections is "-1"`},
		{name: "more than a number can be", attribute: "max_message_size", value: n("99999999999999999999"), wrong: "max_message_size is"},
		{name: "less of a frame than is served unread", attribute: "max_message_size", value: n("255"), wrong: "it must be a whole number from 256"},
		{name: "silence for longer than the gateway bears", attribute: "activity_timeout", value: n("541"), wrong: "it must be a whole number from 0 to 540"},
		{name: "a name that no key could hold", attribute: "max_channel_name_length", value: n("201"), wrong: "from 1 to 200"},
		{name: "a window of no time", attribute: "rate_limiting", value: m("decay_seconds", n("0")), wrong: `rate_limiting.decay_seconds is "0"`},
		{name: "a number for the rates", attribute: "rate_limiting", value: n("5"), wrong: "rate_limiting.enabled is in rate_limiting, which is N, it must be M"},
		{name: "a text among the rates", attribute: "rate_limiting", value: m("max_attempts", s("5")), wrong: "rate_limiting.max_attempts is S, it must be N"},
		{name: "one origin", attribute: "allowed_origins", value: s("*"), wrong: "allowed_origins is S, it must be L"},
		{name: "a set of origins", attribute: "allowed_origins", value: &types.AttributeValueMemberSS{Value: []string{"*"}}, wrong: "allowed_origins is SS, it must be L"},
		{name: "a number among the origins", attribute: "allowed_origins", value: l(s("*"), n("1")), wrong: "allowed_origins has N at 1, it must be S"},
		{name: "an origin for a host", attribute: "allowed_origins", value: l(s("https://a.com")), wrong: `allowed_origins has "https://a.com", it must be the pattern of a host`},
		{name: "a host and port", attribute: "allowed_origins", value: l(s("a.com:3000")), wrong: `allowed_origins has "a.com:3000"`},
		{name: "client events of nobody known", attribute: "accept_client_events_from", value: s("everyone"), wrong: `accept_client_events_from is "everyone", it must be all, members or none`},
		{name: "client events by number", attribute: "accept_client_events_from", value: n("1"), wrong: "accept_client_events_from is N, it must be S"},
		{name: "a number for a key", attribute: "key", value: n("1"), wrong: "key is N, it must be S"},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := local(t)
			putApp(t, client, appItem(c.attribute, c.value))
			got, err := appsOf(t, client).ByID(t.Context(), "shop")
			if c.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), "app shop: ") || !strings.Contains(err.Error(), c.wrong) {
					t.Errorf("error %v, want %q of app shop in it", err, c.wrong)
				}
				if err != nil && strings.Contains(err.Error(), "s3cret") {
					t.Error("the error shows the secret")
				}
				if _, err := appsOf(t, client).List(t.Context()); err == nil {
					t.Error("the app is listed")
				}
				return
			}
			want := pusher.App{ID: "shop", Key: "shop-key", Secret: "s3cret", Settings: pusher.DefaultSettings()}
			c.want(&want.Settings)
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
				t.Errorf("error %v:\n%s", err, diff)
			}
		})
	}
}

func TestAnAppThatLacksItsCredentials(t *testing.T) {
	client := local(t)
	it := appItem("", nil)
	delete(it, "secret")
	putApp(t, client, it)
	if _, err := appsOf(t, client).ByID(t.Context(), "shop"); err == nil || !strings.Contains(err.Error(), "app shop: secret is absent") {
		t.Errorf("no secret: %v", err)
	}
	putApp(t, client, map[string]types.AttributeValue{"pk": s("key#shop-key"), "app": n("1")})
	if _, err := appsOf(t, client).ByKey(t.Context(), "shop-key"); err == nil || !strings.Contains(err.Error(), "key shop-key: app is N") {
		t.Errorf("a key that leads nowhere: %v", err)
	}
}

func TestAddRefusesWhatCouldNotBeRead(t *testing.T) {
	client := local(t)
	err := appsOf(t, client).Add(t.Context(), pusher.App{ID: "shop", Key: "shop-key", Secret: "x"}) // no settings are not the default ones
	if err == nil || !strings.Contains(err.Error(), "app shop: max_message_size") {
		t.Errorf("error %v", err)
	}
	if _, err := appsOf(t, client).ByID(t.Context(), "shop"); !errors.Is(err, pusher.ErrNoApp) {
		t.Errorf("it was added: %v", err)
	}
}

func TestChangesAreSeenAfterTenSeconds(t *testing.T) {
	client := local(t)
	clock := now
	apps := appsOf(t, client)
	apps.Now = func() time.Time { return clock }
	putApp(t, client, appItem("", nil))
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{0, 0}, {9 * time.Second, 0}, {time.Second, 5}} {
		clock = clock.Add(c.after)
		if got, err := apps.ByID(t.Context(), "shop"); err != nil || got.MaxConnections != c.want {
			t.Errorf("after %s: %d, error %v, want %d", c.after, got.MaxConnections, err, c.want)
		}
		do(t, appsOf(t, client).Change(t.Context(), "shop", []dynamo.Setting{{Name: "max_connections", Value: "5"}}))
	}
}
