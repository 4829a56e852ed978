package dynamodb_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// TestSteps walks through the requests that the stack's protocol consists of (docs/steps.md §3):
// each step's condition as it is written there, met and not met.
func TestSteps(t *testing.T) {
	const yes, no = "", failed
	steps := []struct {
		name      string
		sk        string
		kind      string // put, update, delete
		update    string
		condition string
		values    M
		want      string
		after     M // nil: the row is gone; unchanged if the condition failed
	}{
		{
			"subscribe before connect", "conn", "update", "SET #on.#ch = :t", onCondition,
			M{":t": 7}, no, nil,
		},
		{"connect", "conn", "put", "", "attribute_not_exists(pk)", nil, yes, M{
			"on": M{}, "off": M{}, "expires": 99,
		}},
		{
			"subscribe at 7", "conn", "update", "SET #on.#ch = :t REMOVE #off.#ch", onCondition,
			M{":t": 7}, yes, M{"on": M{"news": 7}, "off": M{}, "expires": 99},
		},
		{
			"subscribe at 7 again", "conn", "update", "SET #on.#ch = :t REMOVE #off.#ch",
			onCondition, M{":t": 7}, yes, M{"on": M{"news": 7}, "off": M{}, "expires": 99},
		},
		{
			"subscribe at 6, late", "conn", "update", "SET #on.#ch = :t REMOVE #off.#ch",
			onCondition, M{":t": 6}, no, M{"on": M{"news": 7}, "off": M{}, "expires": 99},
		},
		{
			"unsubscribe at 7 loses to subscribe", "conn", "update",
			"SET #off.#ch = :t REMOVE #on.#ch", offCondition, M{":t": 7}, no,
			M{"on": M{"news": 7}, "off": M{}, "expires": 99},
		},
		{
			"unsubscribe at 8", "conn", "update", "SET #off.#ch = :t REMOVE #on.#ch", offCondition,
			M{":t": 8}, yes, M{"on": M{}, "off": M{"news": 8}, "expires": 99},
		},
		{"mark dead", "conn", "update", "SET dead = :t", "attribute_exists(pk)", M{":t": 9}, yes, M{
			"on": M{}, "off": M{"news": 8}, "dead": 9, "expires": 99,
		}},
		{
			"subscribe when dead", "conn", "update", "SET #on.#ch = :t REMOVE #off.#ch",
			onCondition, M{":t": 10}, no,
			M{"on": M{}, "off": M{"news": 8}, "dead": 9, "expires": 99},
		},
		{
			"put the row of a subscription", "sub#1", "put", "",
			"attribute_not_exists(pk) OR v <= :t", M{":t": 7}, yes, M{"v": 7},
		},
		{
			"put an older one", "sub#1", "put", "", "attribute_not_exists(pk) OR v <= :t",
			M{":t": 6}, no, M{"v": 7},
		},
		{
			"delete with a stamp that is not newer", "sub#1", "delete", "", "v < :t", M{":t": 7},
			no, M{"v": 7},
		},
		{"delete", "sub#1", "delete", "", "v < :t", M{":t": 8}, yes, nil},
		{"put the marker", "mark", "put", "", "attribute_not_exists(pk)", nil, yes, M{"told": 0}},
		{"put it again", "mark", "put", "", "attribute_not_exists(pk)", nil, no, M{"told": 0}},
		{
			"vacate", "mark", "update", "SET vac = :t",
			"attribute_exists(pk) AND attribute_not_exists(vac)", M{":t": "nonce"}, yes,
			M{"told": 0, "vac": "nonce"},
		},
		{
			"vacate twice", "mark", "update", "SET vac = :t",
			"attribute_exists(pk) AND attribute_not_exists(vac)", M{":t": "other"}, no,
			M{"told": 0, "vac": "nonce"},
		},
		{
			"reopen with another nonce", "mark", "update", "REMOVE vac", "vac = :t",
			M{":t": "other"}, no, M{"told": 0, "vac": "nonce"},
		},
		{"delete the vacant marker", "mark", "delete", "", "vac = :t", M{":t": "nonce"}, yes, nil},
		{
			"last", "lane", "update", "SET #last = :t", "attribute_not_exists(#last) OR #last < :t",
			M{":t": pad("99")}, yes, M{"last": pad("99")},
		},
		{
			"last of an older number", "lane", "update", "SET #last = :t",
			"attribute_not_exists(#last) OR #last < :t", M{":t": pad("9")}, no,
			M{"last": pad("99")},
		},
		{
			"last of a newer number", "lane", "update", "SET #last = :t",
			"attribute_not_exists(#last) OR #last < :t", M{":t": pad("18849496460467696128")}, yes,
			M{"last": pad("18849496460467696128")},
		},
		{
			"last of the next number", "lane", "update", "SET #last = :t",
			"attribute_not_exists(#last) OR #last < :t", M{":t": pad("18849496460467696129")}, yes,
			M{"last": pad("18849496460467696129")},
		},
	}
	each(t, func(t *testing.T, e *engine) {
		e.run(t, "one connection", func(t *testing.T, e *engine) {
			for _, s := range steps {
				names := namesIn(s.update + " " + s.condition)
				var err error
				switch s.kind {
				case "put":
					_, err = e.PutItem(t.Context(), &sdk.PutItemInput{
						TableName: e.table(state), Item: e.item(t, s.sk, s.after),
						ConditionExpression:       &s.condition,
						ExpressionAttributeValues: avs(t, s.values),
						ExpressionAttributeNames:  names,
					})
				case "update":
					_, err = e.UpdateItem(t.Context(), &sdk.UpdateItemInput{
						TableName: e.table(state), Key: e.key(s.sk), UpdateExpression: &s.update,
						ConditionExpression:       &s.condition,
						ExpressionAttributeValues: avs(t, s.values),
						ExpressionAttributeNames:  names,
					})
				case "delete":
					_, err = e.DeleteItem(t.Context(), &sdk.DeleteItemInput{
						TableName: e.table(state), Key: e.key(s.sk),
						ConditionExpression:       &s.condition,
						ExpressionAttributeValues: avs(t, s.values),
						ExpressionAttributeNames:  names,
					})
				}
				if wantError(t, err, s.want); t.Failed() {
					t.Fatalf("in step %q", s.name)
				}
				if same(t, e.get(t, s.sk), avs(t, s.after)); t.Failed() {
					t.Fatalf("after step %q", s.name)
				}
			}
		})
	})
}

const (
	onCondition = "attribute_exists(pk) AND attribute_not_exists(dead) AND " +
		"(attribute_not_exists(#on.#ch) OR #on.#ch <= :t) AND " +
		"(attribute_not_exists(#off.#ch) OR #off.#ch <= :t)"
	offCondition = "attribute_exists(pk) AND attribute_not_exists(dead) AND " +
		"(attribute_not_exists(#on.#ch) OR #on.#ch < :t) AND " +
		"(attribute_not_exists(#off.#ch) OR #off.#ch <= :t)"
)

// pad is a sequence number as the stack stores it: 128 bits as 39 digits.
func pad(n string) string { return fmt.Sprintf("%039s", n) }

func namesIn(text string) map[string]string {
	names := map[string]string{}
	for placeholder, name := range map[string]string{
		"#on": "on", "#off": "off", "#ch": "news", "#last": "last",
	} {
		if slices.Contains(words(text), placeholder) {
			names[placeholder] = name
		}
	}
	if len(names) == 0 {
		return nil
	}
	return names
}

func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" .()", r) })
}

func TestReadsOfTheSteps(t *testing.T) {
	each(t, func(t *testing.T, e *engine) {
		e.run(t, "one channel", func(t *testing.T, e *engine) {
			for _, sk := range []string{"mark", "lane", "sub#a", "sub#b"} {
				e.put(t, sk, M{"v": 1})
			}
			queries := []struct {
				name, condition, value string
				limit                  *int32
				want                   []string
			}{
				{
					"is anybody subscribed", "pk = :p AND begins_with(sk, :v)", "sub#",
					aws.Int32(1), []string{"sub#a"},
				},
				{
					"the subscribers", "pk = :p AND begins_with(sk, :v)", "sub#", nil,
					[]string{"sub#a", "sub#b"},
				},
				{"the lane and the subscribers", "pk = :p AND sk >= :v", "lane", nil, []string{
					"lane", "mark", "sub#a", "sub#b",
				}},
			}
			for _, q := range queries {
				out, err := e.Query(t.Context(), e.query(
					t, q.condition, M{":v": q.value},
					func(in *sdk.QueryInput) { in.Limit = q.limit },
				))
				wantError(t, err, "")
				if got := sortKeys(out.Items); !slices.Equal(got, q.want) {
					t.Errorf("%s: %q, want %q", q.name, got, q.want)
				}
			}
			out, err := e.BatchGetItem(t.Context(), &sdk.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
				*e.table(state): {
					Keys:           []map[string]types.AttributeValue{e.key("mark"), e.key("conn")},
					ConsistentRead: aws.Bool(true),
				},
			}})
			wantError(t, err, "")
			if got := sortKeys(
				out.Responses[*e.table(state)],
			); !slices.Equal(got, []string{"mark"}) {
				t.Errorf("marker and connection: %q", got)
			}
		})
	})
}
