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

// step is a request of docs/steps.md §3, with its condition in DynamoDB's terms.
type step struct {
	name      string
	sk        string
	kind      string // put, update, delete
	update    string
	condition string
	stamp     any // the value of :t; nil if there is none
	want      string
	after     M // nil: the row is gone; unchanged if the condition failed
}

// Conditions and updates of the steps.
const (
	absentRow   = "attribute_not_exists(pk)"
	putStamped  = "attribute_not_exists(pk) OR v <= :t"
	subscribe   = "SET #on.#ch = :t REMOVE #off.#ch"
	unsubscribe = "SET #off.#ch = :t REMOVE #on.#ch"
	notVacant   = "attribute_exists(pk) AND attribute_not_exists(vac)"
	putNewer    = "attribute_not_exists(#last) OR #last < :t"
)

// connection is a connection's row after a step.
func connection(on, off M) M { return M{"on": on, "off": off, "expires": 99} }

func TestStepsOfAConnection(t *testing.T) {
	on7, off8 := connection(M{"news": 7}, M{}), connection(M{}, M{"news": 8})
	dead := M{"on": M{}, "off": M{"news": 8}, "dead": 9, "expires": 99}
	runSteps(t, "conn", []step{
		{"subscribe before connect", "conn", "update", subscribe, onCondition, 7, no, nil},
		{"connect", "conn", "put", "", absentRow, nil, yes, connection(M{}, M{})},
		{"subscribe at 7", "conn", "update", subscribe, onCondition, 7, yes, on7},
		{"subscribe at 7 again", "conn", "update", subscribe, onCondition, 7, yes, on7},
		{"subscribe at 6, late", "conn", "update", subscribe, onCondition, 6, no, on7},
		{
			"unsubscribe at 7 loses to subscribe",
			"conn", "update", unsubscribe, offCondition, 7, no, on7,
		},
		{"unsubscribe at 8", "conn", "update", unsubscribe, offCondition, 8, yes, off8},
		{"mark dead", "conn", "update", "SET dead = :t", "attribute_exists(pk)", 9, yes, dead},
		{"subscribe when dead", "conn", "update", subscribe, onCondition, 10, no, dead},
	})
}

func TestStepsOfASubscription(t *testing.T) {
	runSteps(t, "sub", []step{
		{"put the row of a subscription", "sub#1", "put", "", putStamped, 7, yes, M{"v": 7}},
		{"put an older one", "sub#1", "put", "", putStamped, 6, no, M{"v": 7}},
		{
			"delete with a stamp that is not newer", "sub#1", "delete", "", "v < :t", 7, no,
			M{"v": 7},
		},
		{"delete", "sub#1", "delete", "", "v < :t", 8, yes, nil},
	})
}

// TestStepsOfAMarker has a simpler condition for "vacate" than the step, which may also run again
// with its own nonce.
func TestStepsOfAMarker(t *testing.T) {
	occupied, vacant := M{"told": 0}, M{"told": 0, "vac": "nonce"}
	runSteps(t, "mark", []step{
		{"put the marker", "mark", "put", "", absentRow, nil, yes, occupied},
		{"put it again", "mark", "put", "", absentRow, nil, no, occupied},
		{"vacate", "mark", "update", "SET vac = :t", notVacant, "nonce", yes, vacant},
		{"vacate twice", "mark", "update", "SET vac = :t", notVacant, "other", no, vacant},
		{
			"reopen with another nonce", "mark", "update", "REMOVE vac", "vac = :t", "other", no,
			vacant,
		},
		{"delete the vacant marker", "mark", "delete", "", "vac = :t", "nonce", yes, nil},
	})
}

// TestStepsOfALane keeps the highest sequence number, as the lanes of docs/steps.md §3.15 would.
func TestStepsOfALane(t *testing.T) {
	const set = "SET #last = :t"
	last := func(n string) M { return M{"last": pad(n)} }
	const one, two = "18849496460467696128", "18849496460467696129"
	runSteps(t, "lane", []step{
		{"last", "lane", "update", set, putNewer, pad("99"), yes, last("99")},
		{"last of an older number", "lane", "update", set, putNewer, pad("9"), no, last("99")},
		{"last of a newer number", "lane", "update", set, putNewer, pad(one), yes, last(one)},
		{"last of the next number", "lane", "update", set, putNewer, pad(two), yes, last(two)},
	})
}

// runSteps runs the steps one after another in one partition.
func runSteps(t *testing.T, name string, steps []step) {
	each(t, func(t *testing.T, e *engine) {
		e.run(t, name, func(t *testing.T, e *engine) {
			for _, s := range steps {
				if wantError(t, e.step(t, s), s.want); t.Failed() {
					t.Fatalf("in step %q", s.name)
				}
				if same(t, e.get(t, s.sk), avs(t, s.after)); t.Failed() {
					t.Fatalf("after step %q", s.name)
				}
			}
		})
	})
}

// step sends the request of a step.
func (e *engine) step(t *testing.T, s step) (err error) {
	names, values := namesIn(s.update+" "+s.condition), M{}
	if s.stamp != nil {
		values[":t"] = s.stamp
	}
	switch s.kind {
	case "put":
		_, err = e.PutItem(t.Context(), &sdk.PutItemInput{
			TableName: e.table(state), Item: e.item(t, s.sk, s.after),
			ConditionExpression:       &s.condition,
			ExpressionAttributeValues: avs(t, values),
			ExpressionAttributeNames:  names,
		})
	case "update":
		_, err = e.UpdateItem(t.Context(), &sdk.UpdateItemInput{
			TableName: e.table(state), Key: e.key(s.sk), UpdateExpression: &s.update,
			ConditionExpression:       &s.condition,
			ExpressionAttributeValues: avs(t, values),
			ExpressionAttributeNames:  names,
		})
	case "delete":
		_, err = e.DeleteItem(t.Context(), &sdk.DeleteItemInput{
			TableName: e.table(state), Key: e.key(s.sk),
			ConditionExpression:       &s.condition,
			ExpressionAttributeValues: avs(t, values),
			ExpressionAttributeNames:  names,
		})
	}
	return err
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

// namesIn returns the names of the placeholders in the text, nil if there are none.
func namesIn(text string) map[string]string {
	found := map[string]string{}
	all := names("#on", "on", "#off", "off", "#ch", "news", "#last", "last")
	for placeholder, name := range all {
		if slices.Contains(tokens(text), placeholder) {
			found[placeholder] = name
		}
	}
	if len(found) == 0 {
		return nil
	}
	return found
}

func tokens(text string) []string {
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
					"one subscriber", "pk = :p AND begins_with(sk, :v)", "sub#", aws.Int32(1),
					[]string{"sub#a"},
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
			keys := []map[string]types.AttributeValue{e.key("mark"), e.key("conn")}
			out, err := e.BatchGetItem(t.Context(), batchGet(*e.table(state), keys))
			wantError(t, err, "")
			got := sortKeys(out.Responses[*e.table(state)])
			if !slices.Equal(got, []string{"mark"}) {
				t.Errorf("marker and connection: %q", got)
			}
		})
	})
}
