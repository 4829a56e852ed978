package dynamodb_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hark/localstack/cloud/dynamodb"
)

// BenchmarkOperations times the engine behind its handler, without the network: decode, do, encode.
// The items are of the size of a subscription's row, among 10,000 others.
func BenchmarkOperations(b *testing.B) {
	const item = `"TableName":"state","Item":{"pk":{"S":"chan#app-1#presence-room-%d"},` +
		`"sk":{"S":"sub#Ab3dEfGhIjKlMnO="},"v":{"N":"1795561456562"},"user":{"S":"user-42"},` +
		`"info":{"S":"{\"name\":\"Ada\",` +
		`\"color\":\"green\"}"},"expires":{"N":"1795568956"}}`
	const key = `"TableName":"state","Key":{"pk":{"S":"chan#app-1#presence-room-%d"},` +
		`"sk":{"S":"sub#Ab3dEfGhIjKlMnO="}}`
	const query = `"TableName":"state","ConsistentRead":true,` +
		`"KeyConditionExpression":"pk = :p AND begins_with(sk, :s)",` +
		`"ExpressionAttributeValues":{":p":{"S":"chan#app-1#presence-room-%d"},":s":{"S":"sub#"}}`
	const condition = `,"ConditionExpression":"attribute_not_exists(pk) OR v <= :v",` +
		`"ExpressionAttributeValues":{":v":{"N":"1795561456563"}}`
	const update = `,"UpdateExpression":"SET v = :v REMOVE pending",` +
		`"ConditionExpression":"attribute_exists(pk) AND v <= :v",` +
		`"ExpressionAttributeValues":{":v":{"N":"1795561456563"}}`
	operations := []struct{ name, operation, body string }{
		{"get", "GetItem", key + `,"ConsistentRead":true`},
		{"put", "PutItem", item},
		{"put on a condition", "PutItem", item + condition},
		{"update", "UpdateItem", key + update},
		{"query one", "Query", query},
	}
	for _, o := range operations {
		b.Run(o.name, func(b *testing.B) { run(b, filled(b, item), o.operation, "{"+o.body+"}") })
	}
	b.Run("query 100", func(b *testing.B) {
		s := filled(b, item)
		for i := range 100 {
			row := strings.ReplaceAll(fmt.Sprintf("{"+item+"}", 1), "Ab3d", fmt.Sprintf("%04d", i))
			serve(b, s, "PutItem", row)
		}
		run(b, s, "Query", "{"+strings.ReplaceAll(query, "%d", "1")+"}")
	})
}

func filled(b *testing.B, item string) *dynamodb.Service {
	b.Helper()
	s := dynamodb.New(dynamodb.Options{})
	for _, spec := range specs() {
		if err := s.Create(spec); err != nil {
			b.Fatal(err)
		}
	}
	for i := range 10_000 {
		serve(b, s, "PutItem", fmt.Sprintf("{"+item+"}", i))
	}
	return s
}

func run(b *testing.B, s http.Handler, operation, body string) {
	b.Helper()
	b.ReportAllocs()
	bodies := make([]string, 1000)
	for i := range bodies {
		bodies[i] = strings.ReplaceAll(body, "%d", fmt.Sprint(i*7%10_000))
	}
	i := 0
	for b.Loop() {
		serve(b, s, operation, bodies[i%len(bodies)])
		i++
	}
}

func serve(b *testing.B, s http.Handler, operation, body string) {
	b.Helper()
	r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		b.Fatal(w.Body.String())
	}
}
