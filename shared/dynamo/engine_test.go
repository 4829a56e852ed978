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

// now is when the rows of these tests are written.
var now = time.UnixMilli(1_795_521_600_000) //nolint:gochecknoglobals // a constant, but for its type

// What most of these tests are about.
const (
	app  = "shop"
	id   = pusher.ConnectionID("L0SM9cOFvHcCIhw=")
	news = pusher.Channel("news")
)

func stateTable(t *testing.T, c *awsdb.Client) *dynamo.State {
	return &dynamo.State{Client: c, Table: tableName(t, "state")}
}

// on runs a test of the state table on the engines.
func on(t *testing.T, test func(t *testing.T, s *dynamo.State)) {
	t.Helper()
	onEngines(t, func(t *testing.T, client *awsdb.Client) { test(t, stateTable(t, client)) })
}

// do is for a step that must work.
func do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// held is for a step on a condition.
func held(t *testing.T, step string, want, got bool, err error) {
	t.Helper()
	if err != nil || got != want {
		t.Errorf("%s: held %t, error %v, want %t", step, got, err, want)
	}
}

// onEngines runs a test on the local engine and, where HARK_DYNAMODB_LOCAL names one, on AWS's DynamoDB Local: an expression
// that only our own engine takes would be of no use.
func onEngines(t *testing.T, test func(t *testing.T, client *awsdb.Client)) {
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

// tableName keeps the tests apart that share one DynamoDB Local.
func tableName(t *testing.T, name string) string {
	if !strings.HasSuffix(t.Name(), "/DynamoDB_Local") {
		return name
	}
	return name + "-" + strings.NewReplacer("/", "-", " ", "_", ",", "").Replace(t.Name())
}

// local is for tests that say nothing about DynamoDB itself: one engine will do. Its tables are named apps and state.
func local(t *testing.T) *awsdb.Client {
	t.Helper()
	server := httptest.NewServer(engine(t))
	t.Cleanup(server.Close)
	return client(server.URL)
}

func engine(t *testing.T) *dynamodb.Service { return metered(t, nil) }

func metered(t *testing.T, bill *meter.Meter) *dynamodb.Service {
	t.Helper()
	s := dynamodb.New(dynamodb.Options{Region: "us-east-1", Account: "000000000000", Meter: bill})
	pk := dynamodb.KeyElement{AttributeName: "pk", KeyType: "HASH"}
	sk := dynamodb.KeyElement{AttributeName: "sk", KeyType: "RANGE"}
	texts := []dynamodb.AttributeDefinition{{AttributeName: "pk", AttributeType: "S"}, {AttributeName: "sk", AttributeType: "S"}}
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
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}},
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS}},
	}
	if sorted {
		in.KeySchema = append(in.KeySchema, types.KeySchemaElement{AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange})
		in.AttributeDefinitions = append(in.AttributeDefinitions,
			types.AttributeDefinition{AttributeName: aws.String("sk"), AttributeType: types.ScalarAttributeTypeS})
	}
	if _, err := c.CreateTable(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // the test's own context has ended by then
		_, _ = c.DeleteTable(context.Background(), &awsdb.DeleteTableInput{TableName: &name})
	})
}
