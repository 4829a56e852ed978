package dynamodb_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"hark/localstack/cloud/dynamodb"
	"hark/localstack/cloud/iam"
)

const tableTemplate = `{
	"TableName": "state", "BillingMode": "PAY_PER_REQUEST",
	"AttributeDefinitions": [
		{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"}
	],
	"KeySchema": [
		{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}
	],
	"TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": true},
	"Replicas": [{
		"Region": "us-east-1",
		"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": true}
	}],
	"Tags": [{"Key": "a", "Value": "b"}]%s
}`

func decodeSpec(t *testing.T, extra string) dynamodb.TableSpec {
	t.Helper()
	var spec dynamodb.TableSpec
	if err := json.Unmarshal(fmt.Appendf(nil, tableTemplate, extra), &spec); err != nil {
		t.Fatal(err)
	}
	return spec
}

func TestCreateFromATemplate(t *testing.T) {
	tests := []struct {
		name, extra string
		want        string // part of the error
	}{
		{"a table", "", ""},
		{
			"a global index", `, "GlobalSecondaryIndexes": [{"IndexName": "i"}]`,
			"GlobalSecondaryIndexes are not part of the local cloud",
		},
		{"no global index", `, "GlobalSecondaryIndexes": []`, ""},
		{
			"a local index", `, "LocalSecondaryIndexes": [{"IndexName": "i"}]`,
			"LocalSecondaryIndexes are not",
		},
		{
			"a stream", `, "StreamSpecification": {"StreamViewType": "NEW_IMAGE"}`,
			"StreamSpecification is not",
		},
		{
			"a key without definition",
			`, "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]`,
			`key "id": no definition`,
		},
		{
			"no partition key", `, "KeySchema": [{"AttributeName": "sk", "KeyType": "RANGE"}]`,
			"no HASH key",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := dynamodb.New(dynamodb.Options{})
			err := s.Create(decodeSpec(t, tt.extra))
			if tt.want == "" && err != nil ||
				tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if err == nil && s.Create(decodeSpec(t, tt.extra)) == nil {
				t.Error("created twice")
			}
		})
	}
}

func TestDescribe(t *testing.T) {
	e := ours(t)
	e.pk = "p"
	e.put(t, "a", M{"v": 1})
	out, err := e.DescribeTable(t.Context(), &sdk.DescribeTableInput{TableName: e.table(state)})
	wantError(t, err, "")
	d := out.Table
	if *d.TableArn != "arn:aws:dynamodb:us-east-1:000000000000:table/state" ||
		d.TableStatus != types.TableStatusActive ||
		*d.ItemCount != 1 || *d.TableSizeBytes != int64(len("pkpskav")+2) || len(d.KeySchema) != 2 {
		t.Errorf("%+v", d)
	}
	ttl, err := e.DescribeTimeToLive(
		t.Context(), &sdk.DescribeTimeToLiveInput{TableName: e.table(state)},
	)
	wantError(t, err, "")
	if ttl.TimeToLiveDescription.TimeToLiveStatus != types.TimeToLiveStatusEnabled {
		t.Errorf("%+v", ttl.TimeToLiveDescription)
	}
	var names []string
	p := sdk.NewListTablesPaginator(e, &sdk.ListTablesInput{Limit: aws.Int32(3)})
	for p.HasMorePages() {
		page, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, page.TableNames...)
	}
	if got := strings.Join(names, " "); got != "apps bytes numbers state" {
		t.Errorf("tables %s", got)
	}
}

func TestSeed(t *testing.T) {
	s := dynamodb.New(dynamodb.Options{})
	if err := s.Create(decodeSpec(t, "")); err != nil {
		t.Fatal(err)
	}
	item := []byte(`{"pk":{"S":"a"},"sk":{"S":"b"},"n":{"N":"1.0"}}`)
	if err := s.Put("state", item); err != nil {
		t.Fatal(err)
	}
	if got := post(t, s, "GetItem", "{"+keyOfState+"}"); got !=
		`{"Item":{"n":{"N":"1"},"pk":{"S":"a"},"sk":{"S":"b"}}}` {
		t.Error(got)
	}
	for _, bad := range []string{`{"pk":{"S":"a"}}`, `{"pk":"a"}`, `[]`, ``} {
		if err := s.Put("state", []byte(bad)); err == nil {
			t.Errorf("%s: stored", bad)
		}
	}
	if err := s.Put("none", []byte(`{}`)); err == nil {
		t.Error("stored in no table")
	}
}

// post sends a request by hand and returns the answer's body.
func post(t *testing.T, h http.Handler, operation, body string) string {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	answer, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	if want := w.Code == http.StatusOK; want == strings.Contains(string(answer), "__type") {
		t.Errorf("status %d with %s", w.Code, answer)
	}
	return string(answer)
}

// keyOfState is the table and the key of a request.
const keyOfState = `"TableName":"state","Key":{"pk":{"S":"a"},"sk":{"S":"b"}}`

// refusal is a request by hand, and a part of its answer.
type refusal struct{ name, operation, body, want string }

func testRefusals(t *testing.T, tests []refusal) {
	s := dynamodb.New(dynamodb.Options{})
	if err := s.Create(decodeSpec(t, "")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := post(t, s, tt.operation, tt.body); !strings.Contains(got, tt.want) {
				t.Errorf("%s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestBadValuesAreRefused(t *testing.T) {
	testRefusals(t, []refusal{
		{"no JSON", "GetItem", `{`, "#SerializationException"},
		{
			"a number where a string belongs", "GetItem",
			`{"TableName":"state","Key":{"pk":{"S":5}}}`, "#SerializationException",
		},
		{
			"bytes that are not base64", "GetItem", `{"TableName":"state","Key":{"pk":{"B":"!"}}}`,
			"#SerializationException",
		},
		{
			"a value of two types", "GetItem",
			`{"TableName":"state","Key":{"pk":{"S":"a","N":"1"}}}`, "more than one datatypes set",
		},
		{
			"a value of no type", "GetItem", `{"TableName":"state","Key":{"pk":{}}}`,
			"Supplied AttributeValue is empty",
		},
		{
			"a bad expression value", "UpdateItem",
			`{` + keyOfState +
				`,"UpdateExpression":"SET a = :v","ExpressionAttributeValues":{":v":{"N":"x"}}}`,
			"ExpressionAttributeValues contains invalid value: The parameter cannot be " +
				"converted to a numeric value: x for key :v",
		},
	})
}

func TestWhatIsNotSupportedIsRefused(t *testing.T) {
	testRefusals(t, []refusal{
		{
			"an operation that is not here", "CreateBackup", `{}`,
			`#UnknownOperationException",` +
				`"message":"CreateBackup is not part of the local cloud's DynamoDB; ` +
				`scripts/localstack`,
		},
		{"PartiQL", "ExecuteStatement", `{}`, "ExecuteStatement is not part"},
		{
			"AttributesToGet", "GetItem", `{` + keyOfState + `,"AttributesToGet":["a"]}`,
			"AttributesToGet is not part of the local cloud",
		},
		{
			"AttributesToGet in a batch", "BatchGetItem",
			`{"RequestItems":{"state":{"Keys":[{"pk":{"S":"a"},"sk":{"S":"b"}}],` +
				`"AttributesToGet":["a"]}}}`,
			"AttributesToGet is not part",
		},
		{
			"Expected", "DeleteItem", `{` + keyOfState + `,"Expected":{"a":{"Exists":false}}}`,
			"Expected is not part",
		},
		{
			"AttributeUpdates", "UpdateItem", `{` + keyOfState + `,"AttributeUpdates":{}}`,
			"AttributeUpdates is not part",
		},
		{
			"KeyConditions", "Query", `{"TableName":"state","KeyConditions":{}}`,
			"KeyConditions is not part",
		},
		{"an index", "Scan", `{"TableName":"state","IndexName":"i"}`, "IndexName is not part"},
		{
			"names without an expression", "GetItem",
			`{` + keyOfState + `,"ExpressionAttributeNames":{"#a":"a"}}`,
			"ExpressionAttributeNames can only be specified when using expressions",
		},
		{
			"an unknown ReturnConsumedCapacity", "GetItem",
			`{` + keyOfState + `,"ReturnConsumedCapacity":"ALL"}`, "returnConsumedCapacity",
		},
		{
			"a table that is not there", "GetItem", `{"TableName":"none","Key":{}}`,
			`com.amazonaws.dynamodb.v20120810#ResourceNotFoundException`,
		},
	})
}

func TestPermissions(t *testing.T) {
	const prefix = "arn:aws:dynamodb:us-east-1:000000000000:table/"
	tests := []struct {
		name    string
		actions []string
		call    func(*testing.T, *engine) error
		allowed bool
	}{
		{"a get", []string{"dynamodb:GetItem"}, getOne, true},
		{"a get with the permission to query", []string{"dynamodb:Query"}, getOne, false},
		{"a batch", []string{"dynamodb:BatchGetItem"}, batchGetOne, true},
		{"a batch with the permission to get", []string{"dynamodb:GetItem"}, batchGetOne, false},
		{"a transaction's parts", []string{
			"dynamodb:PutItem", "dynamodb:ConditionCheckItem",
		}, transactOne, true},
		{"a transaction without one of its parts", []string{
			"dynamodb:PutItem", "dynamodb:TransactWriteItems",
		}, transactOne, false},
		{"another table", []string{"dynamodb:*"}, func(t *testing.T, e *engine) error {
			_, err := e.GetItem(t.Context(), &sdk.GetItemInput{
				TableName: aws.String("apps"), Key: avs(t, M{"pk": "a"}),
			})
			return err
		}, false},
		{"a table that is not there, unseen", []string{
			"dynamodb:*",
		}, func(t *testing.T, e *engine) error {
			_, err := e.DescribeTable(
				t.Context(), &sdk.DescribeTableInput{TableName: aws.String("none")},
			)
			return err
		}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			deny := iam.Statement{
				Effect: "Deny", Actions: []string{"dynamodb:*"},
				Resources: []string{prefix + "apps"},
			}
			e := asRole(t, &iam.Role{
				Name: "hark-api", Session: "hark-api", Account: "000000000000",
				Statements: []iam.Statement{
					{Effect: "Allow", Actions: tt.actions, Resources: []string{prefix + "state"}},
					deny,
				},
			})
			e.pk = "a"
			want := ""
			if !tt.allowed {
				want = "AccessDeniedException: User: " +
					"arn:aws:sts::000000000000:assumed-role/hark-api/hark-api is not " +
					"authorized to perform: dynamodb:"
			}
			wantError(t, tt.call(t, e), want)
		})
	}
}

func getOne(t *testing.T, e *engine) error {
	_, err := e.GetItem(t.Context(), &sdk.GetItemInput{TableName: e.table(state), Key: e.key("a")})
	return err
}

func batchGetOne(t *testing.T, e *engine) error {
	_, err := e.BatchGetItem(t.Context(), batchGet(state, e.keys(1)))
	return err
}

func transactOne(t *testing.T, e *engine) error {
	_, err := e.TransactWriteItems(t.Context(), &sdk.TransactWriteItemsInput{
		TransactItems: []types.TransactWriteItem{
			{Put: &types.Put{TableName: e.table(state), Item: e.key("a")}},
			{ConditionCheck: &types.ConditionCheck{
				TableName: e.table(state), Key: e.key("b"),
				ConditionExpression: aws.String("attribute_not_exists(pk)"),
			}},
		},
	})
	return err
}

// asRole returns our engine with every request made in the role.
func asRole(t *testing.T, role *iam.Role) *engine {
	t.Helper()
	s := dynamodb.New(dynamodb.Options{Region: "us-east-1", Account: "000000000000"})
	for _, spec := range specs() {
		if err := s.Create(spec); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.ServeHTTP(w, r.WithContext(iam.WithRole(r.Context(), role)))
	}))
	t.Cleanup(server.Close)
	return &engine{Client: client(server.URL)}
}

func TestExpiredItemsGoAway(t *testing.T) {
	var clock atomic.Int64
	clock.Store(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Unix())
	s := dynamodb.New(dynamodb.Options{Now: func() time.Time { return time.Unix(clock.Load(), 0) }})
	if err := s.Create(decodeSpec(t, "")); err != nil {
		t.Fatal(err)
	}
	put := func(sk, expires string) {
		t.Helper()
		item := fmt.Appendf(nil, `{"pk":{"S":"a"},"sk":{"S":%q},"expires":%s}`, sk, expires)
		if err := s.Put("state", item); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 50 {
		put(fmt.Sprintf("soon-%02d", i), fmt.Sprintf(`{"N":"%d"}`, clock.Load()+60))
	}
	put("later", fmt.Sprintf(`{"N":"%d"}`, clock.Load()+3600))
	put("no number", fmt.Sprintf(`{"S":"%d"}`, clock.Load()+60))
	put("years ago", `{"N":"1000000000"}`)
	clock.Add(61)
	for range 60 { // each write looks at two items
		put("written", `{"NULL":true}`)
	}
	got := post(
		t, s, "Query",
		`{"TableName":"state","KeyConditionExpression":"pk = :p",`+
			`"ExpressionAttributeValues":{":p":{"S":"a"}},"ProjectionExpression":"sk"}`,
	)
	const want = `{"Items":[{"sk":{"S":"later"}},{"sk":{"S":"no number"}},{"sk":{"S":"written"}},` +
		`{"sk":{"S":"years ago"}}],"Count":4,"ScannedCount":4}`
	if got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
