package e2e_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"hark/localstack/e2e/wire"
)

// Tests' access to the inside of a local cloud: its tables, its functions and its faults.

func admin() aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider("admin", "admin", "")
}

func tables() *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(hark.AWS), Credentials: admin(),
	})
}

// item is a row as a Go map. A nil value is an attribute that is not there.
type item map[string]any

func (it item) attributes(t *testing.T) map[string]types.AttributeValue {
	t.Helper()
	all, err := attributevalue.MarshalMap(map[string]any(it))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func put(t *testing.T, table string, it item) {
	t.Helper()
	in := &dynamodb.PutItemInput{TableName: aws.String(hark.Tables[table]), Item: it.attributes(t)}
	if _, err := tables().PutItem(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

// row reads a row of the state table; it fails if there is none.
func row(t *testing.T, pk, sk string) item {
	t.Helper()
	it, ok := find(t, pk, sk)
	if !ok {
		t.Fatalf("no row %s %s", pk, sk)
	}
	return it
}

// find reads a row of the state table, if it is there.
func find(t *testing.T, pk, sk string) (item, bool) {
	t.Helper()
	out, err := tables().GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: aws.String(hark.Tables["State"]), Key: item{"pk": pk, "sk": sk}.attributes(t),
		ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		t.Fatal(err)
	}
	it := item{}
	if err := attributevalue.UnmarshalMap(out.Item, (*map[string]any)(&it)); err != nil {
		t.Fatal(err)
	}
	return it, out.Item != nil
}

// subscribers counts the subscription rows of a channel.
func subscribers(t *testing.T, channel string) int {
	t.Helper()
	return subscribersOf(t, hark.App, channel)
}

// subscribersOf counts the subscription rows of a channel of the app.
func subscribersOf(t *testing.T, app wire.App, channel string) int {
	t.Helper()
	return len(rowsIn(t, app, channel))
}

// subscription is a subscription's row (docs/decisions/0007-one-state-table.md).
type subscription struct {
	user    string
	pending bool
}

// subscriptionKey is the key of a connection's row on a channel.
func subscriptionKey(channel, connectionID string) item {
	return item{"pk": "chan#" + hark.App.ID + "#" + channel, "sk": "sub#" + connectionID}
}

// rowsOf returns a channel's subscriptions by connection.
func rowsOf(t *testing.T, channel string) map[string]subscription {
	t.Helper()
	return rowsIn(t, hark.App, channel)
}

// rowsIn returns the subscriptions of a channel of the app, by connection.
func rowsIn(t *testing.T, app wire.App, channel string) map[string]subscription {
	t.Helper()
	out, err := tables().Query(t.Context(), &dynamodb.QueryInput{
		TableName: aws.String(hark.Tables["State"]), ConsistentRead: aws.Bool(true),
		KeyConditionExpression: aws.String("pk = :channel AND begins_with(sk, :sub)"),
		ExpressionAttributeValues: item{
			":channel": "chan#" + app.ID + "#" + channel, ":sub": "sub#",
		}.attributes(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]subscription{}
	for _, it := range out.Items {
		var s struct {
			SK      string `dynamodbav:"sk"`
			User    string `dynamodbav:"user"`
			Pending bool   `dynamodbav:"pending"`
		}
		if err := attributevalue.UnmarshalMap(it, &s); err != nil {
			t.Fatal(err)
		}
		all[strings.TrimPrefix(s.SK, "sub#")] = subscription{s.User, s.Pending}
	}
	return all
}

// rows lists the keys of the state table, except for the rows in which sweep keeps its place.
func rows(t *testing.T) []string {
	t.Helper()
	var all []string
	pages := dynamodb.NewScanPaginator(tables(), &dynamodb.ScanInput{
		TableName: aws.String(hark.Tables["State"]), ConsistentRead: aws.Bool(true),
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range out.Items {
			pk, _ := it["pk"].(*types.AttributeValueMemberS)
			sk, _ := it["sk"].(*types.AttributeValueMemberS)
			if pk == nil || sk == nil {
				t.Fatalf("row without keys: %v", it)
			}
			if pk.Value != "sweep" {
				all = append(all, pk.Value+" "+sk.Value)
			}
		}
	}
	return all
}

// newApp puts an app with these settings into the table of apps, as scripts/app does
// (docs/decisions/0008-apps-table.md). Settings that are left out have their defaults.
func newApp(t *testing.T, settings item) wire.App {
	t.Helper()
	local(t)
	app := wire.App{ID: unique("app-"), Key: unique("key-"), Secret: unique("secret-")}
	it := item{"pk": "app#" + app.ID, "id": app.ID, "key": app.Key, "secret": app.Secret}
	for name, value := range settings {
		it[name] = value
	}
	put(t, "Apps", it)
	put(t, "Apps", item{"pk": "key#" + app.Key, "app": app.ID})
	return app
}

// fault is something that the local cloud breaks on purpose; localstack/README.md says what there
// is.
type fault map[string]any

// breaks sets faults until the test ends or mend is called.
func breaks(t *testing.T, faults ...fault) (mend func()) {
	t.Helper()
	local(t)
	send := func(method string, order []byte) {
		req, err := http.NewRequest(method, hark.AWS+"/_hark/faults", bytes.NewReader(order))
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Fatalf("%s of faults %s: %s", method, order, res.Status)
		}
	}
	send(http.MethodPost, body(t, map[string]any{"seed": 7, "faults": faults}))
	mend = func() { send(http.MethodDelete, nil) }
	t.Cleanup(mend)
	return mend
}

// connectionID is API Gateway's ID of the connection. The socket ID is another form of it.
func (c client) connectionID() string {
	c.t.Helper()
	high, low, _ := strings.Cut(c.SocketID, ".")
	h, err := strconv.ParseUint(high, 10, 64)
	if err != nil {
		c.t.Fatal(err)
	}
	l, err := strconv.ParseUint(low, 10, 24)
	if err != nil {
		c.t.Fatal(err)
	}
	b := binary.BigEndian.AppendUint64(nil, h)
	return base64.URLEncoding.EncodeToString(append(b, byte(l>>16), byte(l>>8), byte(l)))
}

// vanish ends the connection without its $disconnect, which API Gateway may lose.
func (c client) vanish() {
	c.t.Helper()
	mend := breaks(c.t, fault{"do": "lose-disconnect", "connection": c.connectionID(), "count": 1})
	if err := c.Drop(); err != nil {
		c.t.Fatal(err)
	}
	// The fault is there until it has struck.
	eventually(c.t, func() bool { return faultHits(c.t) > 0 }, "the loss of a $disconnect")
	mend()
}

// faultHits returns how often the faults that are set have struck.
func faultHits(t *testing.T) (hits int) {
	t.Helper()
	for _, f := range faultsSet(t) {
		hits += f.Hits
	}
	return hits
}

// faultsSet lists the faults that are set.
func faultsSet(t *testing.T) []faultSet {
	t.Helper()
	res, err := http.Get(hark.AWS + "/_hark/faults")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }() // the body was read to its end
	var list struct{ Faults []faultSet }
	if err := json.NewDecoder(res.Body).Decode(&list); err != nil {
		t.Fatal(err)
	}
	return list.Faults
}

// faultSet is a fault, and how often it has struck.
type faultSet struct {
	Do, Function string
	Hits         int
}

// sweep makes sweep look at a connection, as it does every ten minutes. It puts the connection's
// lease into a past minute, moves sweep's place before that minute, and invokes sweep.
func sweep(t *testing.T, connectionID string) {
	t.Helper()
	minute := time.Now().Unix()/60 - 1
	expires := time.Now().Add(time.Hour).Unix()
	for shard := range 8 { // the connection has one shard; sweep reads all
		pk := fmt.Sprintf("lease#%d#%d", minute, shard)
		put(t, "State", item{"pk": pk, "sk": connectionID, "expires": expires})
	}
	put(t, "State", item{"pk": "sweep", "sk": "swept", "minute": minute - 1, "expires": expires})
	if _, err := invoke(t.Context(), "sweep", []byte("{}")); err != nil {
		t.Fatal(err)
	}
}

// invoke runs a function of the stack.
func invoke(ctx context.Context, function string, payload []byte) ([]byte, error) {
	client := lambda.New(lambda.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(hark.AWS), Credentials: admin(),
	})
	out, err := client.Invoke(ctx,
		&lambda.InvokeInput{FunctionName: aws.String("Hark-" + function), Payload: payload})
	if err != nil {
		return nil, err
	}
	if out.FunctionError != nil {
		return nil, fmt.Errorf("%s: %s %s", function, *out.FunctionError, out.Payload)
	}
	return out.Payload, nil
}

// functionURL invokes the api function as its URL does, with payload format 2.0. It puts a base
// path before the path of each request.
type functionURL struct{ base string }

func (u functionURL) RoundTrip(r *http.Request) (*http.Response, error) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	path := u.base + r.URL.Path
	event, err := json.Marshal(map[string]any{
		"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": r.URL.RawQuery,
		"headers": map[string]string{"content-type": r.Header.Get("Content-Type")},
		"requestContext": map[string]any{"http": map[string]string{
			"method": r.Method, "path": path, "protocol": "HTTP/1.1",
		}},
		"body": string(text), "isBase64Encoded": false,
	})
	if err != nil {
		return nil, err
	}
	payload, err := invoke(r.Context(), "api", event)
	if err != nil {
		return nil, err
	}
	var a struct {
		StatusCode      int
		Body            string
		IsBase64Encoded bool
	}
	if err := json.Unmarshal(payload, &a); err != nil {
		return nil, err
	}
	answer := []byte(a.Body)
	if a.IsBase64Encoded {
		if answer, err = base64.StdEncoding.DecodeString(a.Body); err != nil {
			return nil, err
		}
	}
	return &http.Response{
		StatusCode: a.StatusCode, Body: io.NopCloser(bytes.NewReader(answer)), Request: r,
	}, nil
}
