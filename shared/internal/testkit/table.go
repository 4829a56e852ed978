package testkit

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdb "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"hark/localstack/cloud/dynamodb"
	"hark/localstack/cloud/meter"
	"hark/shared/dynamo"
	"hark/shared/membership"
)

// Region and account of everything that tests create.
const (
	Region  = "us-east-1"
	Account = "000000000000"
)

// Table returns an empty state table on the local DynamoDB engine. Its requests reach the engine
// without a network, so that a test may live in a bubble of package synctest. bill counts its
// units; nil counts none.
func Table(t testing.TB, bill *meter.Meter) *dynamo.State {
	t.Helper()
	return TableBehind(t, bill, func(engine http.Handler) http.Handler { return engine })
}

// TableBehind is Table with a handler before the engine, which may refuse requests.
func TableBehind(
	t testing.TB, bill *meter.Meter, before func(engine http.Handler) http.Handler,
) *dynamo.State {
	t.Helper()
	engine := dynamodb.New(dynamodb.Options{Region: Region, Account: Account, Meter: bill})
	if err := engine.Create(StateTable()); err != nil {
		t.Fatal(err)
	}
	return &dynamo.State{Table: StateTable().TableName, Client: awsdb.New(awsdb.Options{
		Region: Region, BaseEndpoint: aws.String("http://dynamodb.local"),
		Credentials: aws.CredentialsProviderFunc(Credentials), HTTPClient: Direct(before(engine)),
	})}
}

// StateTable is the state table as the stack has it.
func StateTable() dynamodb.TableSpec {
	return dynamodb.TableSpec{
		TableName: "state",
		KeySchema: []dynamodb.KeyElement{
			{AttributeName: "pk", KeyType: "HASH"}, {AttributeName: "sk", KeyType: "RANGE"},
		},
		AttributeDefinitions: []dynamodb.AttributeDefinition{
			{AttributeName: "pk", AttributeType: "S"}, {AttributeName: "sk", AttributeType: "S"},
		},
	}
}

// Credentials are the SDK's: the engines check none.
func Credentials(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
}

// Direct returns a client whose requests a handler answers, without a network.
func Direct(h http.Handler) *http.Client { return &http.Client{Transport: direct{h}} }

type direct struct{ http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w.Result(), nil
}

// Store is all rows of the steps behind one value, so that a test can put itself in between.
type Store interface {
	membership.Connections
	membership.Channels
	membership.Subscriptions
	membership.Cache
	membership.Markers
	membership.Presence
	membership.Counts
	membership.SignIns
	membership.Statuses
	membership.Leases
}

// Rows are the rows of the steps, all in one store.
func Rows(s Store) membership.Rows {
	return membership.Rows{
		Connections: s, Channels: s, Subscriptions: s, Cache: s, Markers: s,
		Presence: s, Counts: s, SignIns: s, Statuses: s, Leases: s,
	}
}
