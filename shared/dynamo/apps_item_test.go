package dynamo_test

import (
	"testing"

	awsdb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"hark/shared/internal/testkit"
	"hark/shared/pusher"
	"hark/shared/settings"
)

// unusualItem is the item of an app with testkit.UnusualSettings.
func unusualItem() map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		"pk": s("app#shop"), "id": s("shop"), "key": s("shop-key"), "secret": s("s3cret"),
		"enabled":                   b(false),
		"allowed_origins":           l(s("*.example.com"), s("::1")),
		"max_connections":           n("500"),
		"activity_timeout":          n("30"),
		"max_message_size":          n("20000"),
		"accept_client_events_from": s("all"),
		"rate_limiting": all(
			"enabled", b(true), "max_attempts", n("5"), "decay_seconds", n("2"),
			"terminate_on_limit", b(true),
		),
		"enable_user_authentication":       b(false),
		"watchlist":                        b(false),
		"subscription_count":               b(true),
		"max_channel_name_length":          n("164"),
		"max_presence_members_per_channel": n("1000"),
		"max_presence_member_size_in_kb":   n("2"),
		"max_client_events_per_second":     n("-1"),
		"max_event_name_length":            n("50"),
		"max_event_payload_in_kb":          n("100"),
		"max_event_channels_at_once":       n("7"),
		"max_event_batch_size":             n("3"),
		"terminate_by_members":             b(false),
		"bans":                             b(true),
		"webhooks": l(
			m("url", s("https://example.com/hook?a=1&b=2")),
			all(
				"url", s("http://example.com/"),
				"event_types", l(s("channel_occupied"), s("member_added")),
				"filter", all(
					"channel_name_starts_with", s("private-"), "channel_name_ends_with", s("-a"),
				),
				"headers", all("X-Token", s("<t>"), "X-Empty", s("")),
			),
		),
	}
}

// TestAppItem has the whole items of apps, because another version of a function must be able to
// read what this one wrote. A setting at its default has no attribute.
func TestAppItem(t *testing.T) {
	for _, c := range []struct {
		name     string
		settings pusher.Settings
		want     map[string]types.AttributeValue
	}{
		{"an app with the default settings", settings.Default(), map[string]types.AttributeValue{
			"pk": s("app#shop"), "id": s("shop"), "key": s("shop-key"), "secret": s("s3cret"),
		}},
		{"an app that changes every setting", testkit.UnusualSettings(), unusualItem()},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := local(t)
			app := pusher.App{ID: "shop", Key: "shop-key", Secret: "s3cret", Settings: c.settings}
			must(t, appsOf(t, client).Add(t.Context(), app))
			table := tableName(t, "apps")
			out, err := client.GetItem(t.Context(), &awsdb.GetItemInput{
				TableName: &table, Key: map[string]types.AttributeValue{"pk": s("app#shop")},
			})
			must(t, err)
			unexported := cmpopts.IgnoreUnexported(
				types.AttributeValueMemberBOOL{}, types.AttributeValueMemberL{},
				types.AttributeValueMemberM{}, types.AttributeValueMemberN{},
				types.AttributeValueMemberS{},
			)
			if diff := cmp.Diff(c.want, out.Item, unexported); diff != "" {
				t.Error(diff)
			}
		})
	}
}
