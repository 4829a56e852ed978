package dynamodb_test

import (
	"crypto/rand"
	"errors"
	"net/http/httptest"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"hark/localstack/cloud/dynamodb"
	"hark/localstack/cloud/dynamodb/attr"
)

// The conformance suite runs the same cases on two engines: always on ours, and on AWS's DynamoDB
// Local if HARK_DYNAMODB_LOCAL names its endpoint (scripts/lib/dynamodb-local.sh downloads and
// starts it). Where DynamoDB Local is known to differ from DynamoDB, a case gives the reason in
// oursOnly and runs on ours alone.
const localEndpoint = "HARK_DYNAMODB_LOCAL"

// The tables of the suite. Their names get a suffix on DynamoDB Local, which may be running for
// longer than one test.
const (
	state   = "state"   // pk S, sk S, TTL on expires: the shape of the stack's own
	apps    = "apps"    // pk S
	numbers = "numbers" // pk S, sk N
	bytes   = "bytes"   // pk S, sk B
)

func specs() []dynamodb.TableSpec {
	spec := func(name string, sortType attr.Type) dynamodb.TableSpec {
		s := dynamodb.TableSpec{
			TableName: name,
			KeySchema: []dynamodb.KeyElement{{AttributeName: "pk", KeyType: "HASH"}},
			AttributeDefinitions: []dynamodb.AttributeDefinition{{
				AttributeName: "pk", AttributeType: "S",
			}},
		}
		if sortType != "" {
			s.KeySchema = append(
				s.KeySchema, dynamodb.KeyElement{AttributeName: "sk", KeyType: "RANGE"},
			)
			s.AttributeDefinitions = append(s.AttributeDefinitions,
				dynamodb.AttributeDefinition{AttributeName: "sk", AttributeType: sortType})
		}
		return s
	}
	withTTL := spec(state, attr.TypeS)
	withTTL.TimeToLiveSpecification = dynamodb.TimeToLive{AttributeName: "expires", Enabled: true}
	return []dynamodb.TableSpec{
		withTTL, spec(apps, ""), spec(numbers, attr.TypeN), spec(bytes, attr.TypeB),
	}
}

// engine is one of the two, with its tables.
type engine struct {
	*sdk.Client
	suffix string // of table names
	local  bool   // DynamoDB Local
	pk     string // an own partition for each test: see run
}

// each runs the test on our engine and, if there is one, on DynamoDB Local.
func each(t *testing.T, run func(*testing.T, *engine)) {
	t.Helper()
	t.Run("hark", func(t *testing.T) { run(t, ours(t)) })
	t.Run("DynamoDBLocal", func(t *testing.T) {
		endpoint := os.Getenv(localEndpoint)
		if endpoint == "" {
			t.Logf(
				"%s is not set: these answers were not compared with AWS's own DynamoDB Local",
				localEndpoint,
			)
			t.Skip("start it by scripts/lib/dynamodb-local.sh")
		}
		run(t, theirs(t, endpoint))
	})
}

func ours(t testing.TB) *engine {
	t.Helper()
	s := dynamodb.New(dynamodb.Options{Region: "us-east-1", Account: "000000000000"})
	for _, spec := range specs() {
		if err := s.Create(spec); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return &engine{Client: client(server.URL)}
}

func theirs(t *testing.T, endpoint string) *engine {
	t.Helper()
	e := &engine{Client: client(endpoint), suffix: "-" + rand.Text(), local: true}
	for _, s := range specs() {
		in := &sdk.CreateTableInput{
			TableName: e.table(s.TableName), BillingMode: types.BillingModePayPerRequest,
		}
		for _, k := range s.KeySchema {
			in.KeySchema = append(in.KeySchema, types.KeySchemaElement{
				AttributeName: &k.AttributeName, KeyType: types.KeyType(k.KeyType),
			})
		}
		for _, d := range s.AttributeDefinitions {
			in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{
				AttributeName: &d.AttributeName,
				AttributeType: types.ScalarAttributeType(d.AttributeType),
			})
		}
		if _, err := e.CreateTable(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

// client keeps the SDK's three attempts. On a busy machine smithy-go may close a request's body
// before net/http has seen its end. Then the connection breaks within an answer of more than 4 KB,
// and only a second attempt gets it.
func client(endpoint string) *sdk.Client {
	return sdk.New(sdk.Options{
		BaseEndpoint: &endpoint,
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

// run runs a subtest in a partition of its own.
func (e *engine) run(t *testing.T, name string, f func(*testing.T, *engine)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		own := *e
		own.pk = t.Name()
		f(t, &own)
	})
}

// skipTheirs skips a case on DynamoDB Local if there is a reason to.
func (e *engine) skipTheirs(t *testing.T, reason string) {
	t.Helper()
	if reason != "" && e.local {
		t.Skip(reason)
	}
}

func (e *engine) table(name string) *string { return aws.String(name + e.suffix) }

// M and L are documents as Go has them; attributevalue turns them into DynamoDB's.
type (
	M = map[string]any
	L = []any
	N = attributevalue.Number
)

// v and vw are the values of the placeholders :v and :w.
func v(value any) M          { return M{":v": value} }
func vw(first, second any) M { return M{":v": first, ":w": second} }

// names are placeholders of names, each followed by its name.
func names(pairs ...string) map[string]string {
	m := make(map[string]string, len(pairs)/2)
	for pair := range slices.Chunk(pairs, 2) {
		m[pair[0]] = pair[1]
	}
	return m
}

func ss(s ...string) types.AttributeValue { return &types.AttributeValueMemberSS{Value: s} }
func ns(s ...string) types.AttributeValue { return &types.AttributeValueMemberNS{Value: s} }

// item returns the attributes with the test's partition key and the sort key.
func (e *engine) item(t testing.TB, sk string, attributes M) map[string]types.AttributeValue {
	t.Helper()
	m := e.key(sk)
	for k, v := range avs(t, attributes) {
		m[k] = v
	}
	return m
}

func (e *engine) key(sk string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: e.pk},
		"sk": &types.AttributeValueMemberS{Value: sk},
	}
}

// avs converts values for a request. An empty map becomes nil, because a request without
// placeholders must not send any.
func avs(t testing.TB, m M) map[string]types.AttributeValue {
	t.Helper()
	if len(m) == 0 {
		return nil
	}
	values := make(map[string]types.AttributeValue, len(m))
	for k, v := range m {
		if v, ok := v.(types.AttributeValue); ok {
			values[k] = v
			continue
		}
		value, err := attributevalue.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		values[k] = value
	}
	return values
}

// put stores an item of the state table.
func (e *engine) put(t testing.TB, sk string, attributes M) {
	t.Helper()
	_, err := e.PutItem(
		t.Context(), &sdk.PutItemInput{TableName: e.table(state), Item: e.item(t, sk, attributes)},
	)
	if err != nil {
		t.Fatal(err)
	}
}

// get reads an item of the state table without its key, nil if there is none.
func (e *engine) get(t testing.TB, sk string) map[string]types.AttributeValue {
	t.Helper()
	out, err := e.GetItem(t.Context(), &sdk.GetItemInput{
		TableName: e.table(state), Key: e.key(sk), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		t.Fatal(err)
	}
	return withoutKey(out.Item)
}

func withoutKey(m map[string]types.AttributeValue) map[string]types.AttributeValue {
	delete(m, "pk")
	delete(m, "sk")
	return m
}

// same compares two documents; sets have no order.
func same(t testing.TB, got, want map[string]types.AttributeValue) {
	t.Helper()
	if diff := cmp.Diff(plain(want), plain(got)); diff != "" {
		t.Errorf("differs (-want +got):\n%s", diff)
	}
}

// plain converts values into a form that cmp can compare.
func plain(m map[string]types.AttributeValue) M {
	p := M{}
	for k, v := range m {
		p[k] = plainValue(v)
	}
	return p
}

func plainValue(v types.AttributeValue) any {
	set := func(kind string, members []string) M {
		s := M{}
		for _, m := range members {
			s[m] = true
		}
		return M{kind: s}
	}
	switch v := v.(type) {
	case *types.AttributeValueMemberN:
		return M{"N": v.Value}
	case *types.AttributeValueMemberL:
		l := L{}
		for _, e := range v.Value {
			l = append(l, plainValue(e))
		}
		return l
	case *types.AttributeValueMemberM:
		return plain(v.Value)
	case *types.AttributeValueMemberSS:
		return set("SS", v.Value)
	case *types.AttributeValueMemberNS:
		return set("NS", v.Value)
	default:
		return M{strings.TrimPrefix(
			reflect.TypeOf(v).Elem().Name(), "AttributeValueMember",
		): reflect.ValueOf(v).Elem().Field(0).Interface()}
	}
}

// Errors as tests expect them: the code, then perhaps a part of the message.
const (
	validation = "ValidationException"
	failed     = "ConditionalCheckFailedException"
	notFound   = "ResourceNotFoundException"
)

// invalid is a validation error whose message contains the part.
func invalid(part string) string { return validation + ": " + part }

// wantError compares an error with "Code" or "Code: part of the message". "" stands for no error.
func wantError(t testing.TB, err error, want string) {
	t.Helper()
	code, message, _ := strings.Cut(want, ": ")
	var api smithy.APIError
	switch {
	case want == "" && err != nil:
		t.Errorf("unexpected error: %v", err)
	case want == "":
	case !errors.As(err, &api):
		t.Errorf("error %v, want %s", err, want)
	case api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), message):
		t.Errorf("error %s: %s, want %s", api.ErrorCode(), api.ErrorMessage(), want)
	}
}
