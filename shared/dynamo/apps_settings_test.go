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
	"hark/shared/internal/testkit"
	"hark/shared/pusher"
	"hark/shared/settings"
)

// appItem returns the item of an app. It has an attribute that Hark does not know and, if v is not
// nil, the attribute name.
func appItem(name string, v types.AttributeValue) map[string]types.AttributeValue {
	it := map[string]types.AttributeValue{
		"pk": s("app#shop"), "id": s("shop"), "key": s("shop-key"), "secret": s("s3cret"),
		"note": s("not Hark's"),
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

// all returns a map with several attributes.
func all(pairs ...any) types.AttributeValue {
	m := make(map[string]types.AttributeValue)
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i].(string)] = pairs[i+1].(types.AttributeValue)
	}
	return &types.AttributeValueMemberM{Value: m}
}

func appsOf(t *testing.T, client *awsdb.Client) *dynamo.Apps {
	return &dynamo.Apps{Client: client, Table: tableName(t, "apps")}
}

func putApp(t *testing.T, client *awsdb.Client, it map[string]types.AttributeValue) {
	t.Helper()
	table := tableName(t, "apps")
	_, err := client.PutItem(t.Context(), &awsdb.PutItemInput{TableName: &table, Item: it})
	must(t, err)
}

func TestSettingsAreKept(t *testing.T) {
	testEngines(t, func(t *testing.T, client *awsdb.Client) {
		apps := appsOf(t, client)
		for _, app := range []pusher.App{
			{ID: "plain", Key: "plain-key", Secret: "a", Settings: settings.Default()},
			{ID: "unusual", Key: "unusual-key", Secret: "b", Settings: testkit.UnusualSettings()},
		} {
			must(t, apps.Add(t.Context(), app))
			got, err := apps.ByKey(t.Context(), app.Key)
			if diff := cmp.Diff(app, got); err != nil || diff != "" {
				t.Errorf("error %v:\n%s", err, diff)
			}
		}
	})
}

// TestReadSettings has an attribute of each type. Package settings tests what each setting may be.
func TestReadSettings(t *testing.T) {
	for _, c := range []struct {
		name  string
		value types.AttributeValue
		want  func(*pusher.Settings)
	}{
		{"other", nil, func(*pusher.Settings) {}},
		{"note", &types.AttributeValueMemberBS{Value: [][]byte{{1}}}, func(*pusher.Settings) {}},
		{"enabled", b(false), func(s *pusher.Settings) { s.Disabled = true }},
		{"allowed_origins", l(), func(*pusher.Settings) {}},
		{"allowed_origins", l(s("a.com"), s("*")), func(s *pusher.Settings) {
			s.AllowedOrigins = []string{"a.com", "*"}
		}},
		{"max_connections", n("5"), func(s *pusher.Settings) { s.MaxConnections = 5 }},
		{"accept_client_events_from", s("all"), func(s *pusher.Settings) {
			s.ClientEvents = pusher.ClientEventsAll
		}},
		{"rate_limiting", m("enabled", b(true)), func(s *pusher.Settings) {
			s.RateLimit.Enabled = true
		}},
	} {
		client := local(t)
		putApp(t, client, appItem(c.name, c.value))
		got, err := appsOf(t, client).ByID(t.Context(), "shop")
		want := pusher.App{
			ID: "shop", Key: "shop-key", Secret: "s3cret", Settings: settings.Default(),
		}
		c.want(&want.Settings)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Errorf("%s: error %v:\n%s", c.name, err, diff)
		}
	}
}

func TestReadSettingsRefuses(t *testing.T) {
	set := &types.AttributeValueMemberSS{Value: []string{"*"}}
	null := &types.AttributeValueMemberNULL{Value: true}
	for _, c := range []struct {
		name  string
		value types.AttributeValue
		want  string
	}{
		{"key", n("1"), "key is a number, it must be a text"},
		{"enabled", s("false"), "enabled is a text, it must be true or false"},
		{"watchlist", &types.AttributeValueMemberB{Value: []byte{1}}, "watchlist is binary data"},
		{"max_connections", null, "max_connections is null"},
		{"max_connections", b(true), "max_connections is a boolean"},
		{"max_connections", n("0.5"), `max_connections is "0.5", it must be a whole number from 0`},
		{"max_connections", n("99999999999999999999"), `is "99999999999999999999", it must be`},
		{"allowed_origins", set, "allowed_origins is a set, it must be a list"},
		{"allowed_origins", l(s("*"), n("1")), "allowed_origins has a number at 1"},
		{"allowed_origins", m("a", s("b")), "allowed_origins is a map"},
		{"rate_limiting", l(), "rate_limiting.enabled is in rate_limiting, which is a list"},
		{"webhooks", l(m("url", set)), "webhooks at 0: url is a set"},
	} {
		client := local(t)
		putApp(t, client, appItem(c.name, c.value))
		_, err := appsOf(t, client).ByID(t.Context(), "shop")
		if err == nil || !strings.HasPrefix(err.Error(), "app shop: ") {
			t.Errorf("%s: error %v does not name the app", c.name, err)
		}
		if err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q in it", c.name, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the error shows the secret", c.name)
		}
		if _, err := appsOf(t, client).List(t.Context()); err == nil {
			t.Errorf("%s: the app is listed", c.name)
		}
	}
}

func TestAppsWithoutCredentials(t *testing.T) {
	client := local(t)
	it := appItem("", nil)
	delete(it, "secret")
	putApp(t, client, it)
	_, err := appsOf(t, client).ByID(t.Context(), "shop")
	if err == nil || !strings.Contains(err.Error(), "app shop: secret is absent") {
		t.Errorf("no secret: %v", err)
	}
	putApp(t, client, map[string]types.AttributeValue{"pk": s("key#shop-key"), "app": n("1")})
	_, err = appsOf(t, client).ByKey(t.Context(), "shop-key")
	if err == nil || !strings.Contains(err.Error(), "key shop-key: app is a number") {
		t.Errorf("a key without an app: %v", err)
	}
}

func TestAddRefusesWhatCouldNotBeRead(t *testing.T) {
	client := local(t)
	app := pusher.App{ID: "shop", Key: "shop-key", Secret: "x"} // with settings that are all 0
	err := appsOf(t, client).Add(t.Context(), app)
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
		got, err := apps.ByID(t.Context(), "shop")
		if err != nil || got.MaxConnections != c.want {
			t.Errorf("after %s: %d, error %v, want %d", c.after, got.MaxConnections, err, c.want)
		}
		must(t, appsOf(t, client).Change(t.Context(), "shop", set("max_connections=5")))
	}
}
