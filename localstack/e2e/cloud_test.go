package e2e_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"hark/localstack/e2e/wire"
)

// What tests see of a local cloud behind the scenes: its tables, through the AWS SDK as it is.

func tables() *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(hark.AWS),
		Credentials:  credentials.NewStaticCredentialsProvider("admin", "admin", ""),
	})
}

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// subscribers counts the subscription rows of a channel (design.md §4).
func subscribers(t *testing.T, channel string) int {
	t.Helper()
	out, err := tables().Query(t.Context(), &dynamodb.QueryInput{
		TableName:              aws.String(hark.Tables["State"]),
		ConsistentRead:         aws.Bool(true),
		KeyConditionExpression: aws.String("pk = :channel AND begins_with(sk, :sub)"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":channel": str("chan#" + hark.App.ID + "#" + channel), ":sub": str("sub#"),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return int(out.Count)
}

// rows lists the keys of the state table, but for the row in which sweep notes how far it is.
func rows(t *testing.T) []string {
	t.Helper()
	var keys []string
	pages := dynamodb.NewScanPaginator(tables(), &dynamodb.ScanInput{
		TableName: aws.String(hark.Tables["State"]), ConsistentRead: aws.Bool(true),
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range out.Items {
			pk, _ := item["pk"].(*types.AttributeValueMemberS)
			sk, _ := item["sk"].(*types.AttributeValueMemberS)
			if pk == nil || sk == nil {
				t.Fatalf("row without keys: %v", item)
			}
			if pk.Value != "sweep" {
				keys = append(keys, pk.Value+" "+sk.Value)
			}
		}
	}
	return keys
}

// addApp puts an app into the table of apps, as scripts/app does (decisions.md 17).
func addApp(t *testing.T, app wire.App, disabled bool) {
	t.Helper()
	item := map[string]types.AttributeValue{
		"pk": str("app#" + app.ID), "id": str(app.ID), "key": str(app.Key), "secret": str(app.Secret),
	}
	if disabled {
		item["enabled"] = &types.AttributeValueMemberBOOL{Value: false}
	}
	key := map[string]types.AttributeValue{"pk": str("key#" + app.Key), "app": str(app.ID)}
	for _, it := range []map[string]types.AttributeValue{item, key} {
		_, err := tables().PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(hark.Tables["Apps"]), Item: it})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// The numbers of the cases are those of protocol.md §9.

func TestDisabledApp(t *testing.T) {
	local(t)
	app := wire.App{ID: channel("off-"), Key: channel("off-key-"), Secret: "s"}
	addApp(t, app, true)
	t.Run("10 and 13 its clients are told 4003 and closed", func(t *testing.T) {
		c := dial(t, "/app/"+app.Key)
		c.errs(4003)
		c.ends()
	})
	t.Run("128 its publishers get 403", func(t *testing.T) {
		a, err := wire.API{Base: hark.APIURL, App: app}.Publish(t.Context(), wire.Event{Name: "a", Channel: "b", Data: "c"})
		if err != nil || a.Status != 403 {
			t.Errorf("got %+v (%v), want 403", a, err)
		}
	})
}

func TestTwoApps(t *testing.T) {
	local(t)
	other := wire.App{ID: channel("two-"), Key: channel("two-key-"), Secret: "other-secret"}
	addApp(t, other, false)
	ch := channel("private-room-")
	mine := subscriber(t, ch)
	theirs := dial(t, "/app/"+other.Key)
	if _, err := theirs.Greeting(patience); err != nil {
		t.Fatal(err)
	}
	t.Run("33 a signature by another app's key is refused", func(t *testing.T) {
		theirs.subscribe(ch, hark.App.Auth(theirs.SocketID, ch, ""))
		theirs.refused(ch)
	})
	t.Run("channels of equal names never meet", func(t *testing.T) {
		theirs.subscribe(ch, other.Auth(theirs.SocketID, ch, ""))
		theirs.succeeds(ch)
		mine.hears(ch)
		theirs.quiet()
	})
	t.Run("96 one app's key does not open another's API", func(t *testing.T) {
		a, err := wire.API{Base: hark.APIURL, App: wire.App{ID: hark.App.ID, Key: other.Key, Secret: other.Secret}}.
			Publish(t.Context(), wire.Event{Name: "a", Channel: ch, Data: "c"})
		if err != nil || a.Status != 401 {
			t.Errorf("got %+v (%v), want 401", a, err)
		}
		mine.quiet()
	})
}
