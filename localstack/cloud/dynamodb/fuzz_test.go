package dynamodb_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hark/localstack/cloud/dynamodb"
)

// FuzzRequests sends arbitrary bodies to every operation: an answer of 200 or 400, never a panic or
// an internal error.
func FuzzRequests(f *testing.F) {
	operations := []string{
		"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "BatchGetItem",
		"BatchWriteItem",
		"TransactGetItems", "TransactWriteItems", "DescribeTable", "DescribeTimeToLive",
		"ListTables",
	}
	const key = `{"pk":{"S":"a"},"sk":{"S":"b"}}`
	for i, seed := range []string{
		`{"TableName":"state","Key":` + key + `,"ProjectionExpression":"a.b"}`,
		`{"TableName":"state","Item":` + key +
			`,"ConditionExpression":"attribute_not_exists(pk)","ReturnValues":"ALL_OLD"}`,
		`{"TableName":"state","Key":` + key +
			`,"UpdateExpression":"ADD n :v","ExpressionAttributeValues":{":v":{"N":"1"}},` +
			`"ReturnValues":"UPDATED_NEW"}`,
		`{"TableName":"state","Key":` + key + `,"ReturnConsumedCapacity":"INDEXES"}`,
		`{"TableName":"state","KeyConditionExpression":"pk = :p",` +
			`"ExpressionAttributeValues":{":p":{"S":"a"}},"Limit":1,"ExclusiveStartKey":` + key +
			`}`,
		`{"TableName":"state","Segment":0,"TotalSegments":2,"Select":"COUNT"}`,
		`{"RequestItems":{"state":{"Keys":[` + key + `]}}}`,
		`{"RequestItems":{"state":[{"PutRequest":{"Item":` + key + `}},{"DeleteRequest":null}]}}`,
		`{"TransactItems":[{"Get":{"TableName":"state","Key":` + key + `}}]}`,
		`{"ClientRequestToken":"x","TransactItems":[{"Put":{"TableName":"state","Item":` + key +
			`}},{"Delete":null}]}`,
		`{"TableName":"state"}`, `null`, `{"Limit":-1}`,
	} {
		f.Add(uint8(i), seed)
	}
	s := dynamodb.New(dynamodb.Options{})
	for _, spec := range specs() {
		if err := s.Create(spec); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, operation uint8, body string) {
		r := httptest.NewRequestWithContext(
			t.Context(), http.MethodPost, "/", strings.NewReader(body),
		)
		r.Header.Set(
			"X-Amz-Target", "DynamoDB_20120810."+operations[int(operation)%len(operations)],
		)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != http.StatusOK && w.Code != http.StatusBadRequest {
			t.Errorf("%d: %s", w.Code, w.Body)
		}
	})
}
