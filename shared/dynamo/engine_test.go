package dynamo_test

import (
	"context"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsdb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"hark/localstack/cloud/dynamodb"
	"hark/localstack/cloud/meter"
	"hark/shared/dynamo"
	"hark/shared/pusher"
)

// now is the time at which these tests write rows.
var now = time.UnixMilli(1_795_521_600_000) //nolint:gochecknoglobals // never changes

// The app, the connection and the channel of most tests.
const (
	app  = "shop"
	id   = pusher.ConnectionID("L0SM9cOFvHcCIhw=")
	news = pusher.Channel("news")
)

func stateTable(t *testing.T, c *awsdb.Client) *dynamo.State {
	return &dynamo.State{Client: c, Table: tableName(t, "state")}
}

// testState runs a test of the state table on both engines.
func testState(t *testing.T, test func(t *testing.T, s *dynamo.State)) {
	t.Helper()
	testEngines(t, func(t *testing.T, client *awsdb.Client) { test(t, stateTable(t, client)) })
}

// must fails the test if there is an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// held checks whether the condition of a step held.
func held(t *testing.T, step string, want, got bool, err error) {
	t.Helper()
	if err != nil || got != want {
		t.Errorf("%s: held %t, error %v, want %t", step, got, err, want)
	}
}

// testEngines runs a test on the local engine and, if HARK_DYNAMODB_LOCAL has its URL, on AWS's
// DynamoDB Local. An expression that only the local engine accepts would be of no use.
func testEngines(t *testing.T, test func(t *testing.T, client *awsdb.Client)) {
	t.Helper()
	t.Run("local engine", func(t *testing.T) { test(t, local(t)) })
	t.Run("DynamoDB Local", func(t *testing.T) {
		url := os.Getenv("HARK_DYNAMODB_LOCAL")
		if url == "" {
			t.Skip("HARK_DYNAMODB_LOCAL does not name a DynamoDB Local; scripts/test starts one")
		}
		c := client(url)
		for _, name := range []string{"apps", "state"} {
			create(t, c, tableName(t, name), name == "state")
		}
		test(t, c)
	})
}

// tableName returns the name of a table. On DynamoDB Local it is the test's own, because tests
// share the server.
func tableName(t *testing.T, name string) string {
	if !strings.HasSuffix(t.Name(), "/DynamoDB_Local") {
		return name
	}
	return name + "-" + strings.NewReplacer("/", "-", " ", "_", ",", "").Replace(t.Name())
}

// local returns a client of the local engine, which is enough for tests that use no expression of
// their own. Its tables are apps and state.
func local(t *testing.T) *awsdb.Client {
	t.Helper()
	server := httptest.NewServer(engine(t))
	t.Cleanup(server.Close)
	return client(server.URL)
}

func engine(t *testing.T) *dynamodb.Service { return metered(t, nil) }

// metered returns an engine with the tables apps and state, which bills its requests.
func metered(t *testing.T, bill *meter.Meter) *dynamodb.Service {
	t.Helper()
	s := dynamodb.New(dynamodb.Options{Region: "us-east-1", Account: "000000000000", Meter: bill})
	pk := dynamodb.KeyElement{AttributeName: "pk", KeyType: "HASH"}
	sk := dynamodb.KeyElement{AttributeName: "sk", KeyType: "RANGE"}
	texts := []dynamodb.AttributeDefinition{
		{AttributeName: "pk", AttributeType: "S"}, {AttributeName: "sk", AttributeType: "S"},
	}
	for _, spec := range []dynamodb.TableSpec{
		{TableName: "apps", KeySchema: []dynamodb.KeyElement{pk}, AttributeDefinitions: texts[:1]},
		{TableName: "state", KeySchema: []dynamodb.KeyElement{pk, sk}, AttributeDefinitions: texts},
	} {
		if err := s.Create(spec); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func client(url string) *awsdb.Client {
	return awsdb.New(awsdb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(url),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

func create(t *testing.T, c *awsdb.Client, name string, sorted bool) {
	t.Helper()
	in := &awsdb.CreateTableInput{
		TableName: &name, BillingMode: types.BillingModePayPerRequest,
	}
	key := func(attribute string, kind types.KeyType) {
		in.KeySchema = append(in.KeySchema, types.KeySchemaElement{
			AttributeName: &attribute, KeyType: kind,
		})
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{
			AttributeName: &attribute, AttributeType: types.ScalarAttributeTypeS,
		})
	}
	key("pk", types.KeyTypeHash)
	if sorted {
		key("sk", types.KeyTypeRange)
	}
	if _, err := c.CreateTable(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // t.Context has ended by then
		_, _ = c.DeleteTable(context.Background(), &awsdb.DeleteTableInput{TableName: &name})
	})
}
