package referee_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// item is an item, or the values of an expression.
type item = map[string]types.AttributeValue

func s(v string) types.AttributeValue     { return &types.AttributeValueMemberS{Value: v} }
func n(v string) types.AttributeValue     { return &types.AttributeValueMemberN{Value: v} }
func ss(v ...string) types.AttributeValue { return &types.AttributeValueMemberSS{Value: v} }
func m(v item) types.AttributeValue       { return &types.AttributeValueMemberM{Value: v} }
func key(pk, sk string) item              { return item{"pk": s(pk), "sk": s(sk)} }
func with(i item, name string, v types.AttributeValue) item {
	i = maps.Clone(i)
	i[name] = v
	return i
}

// show writes an attribute value, with sets in order.
func show(v types.AttributeValue) string {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return fmt.Sprintf("%q", v.Value)
	case *types.AttributeValueMemberN:
		return v.Value
	case *types.AttributeValueMemberBOOL:
		return fmt.Sprint(v.Value)
	case *types.AttributeValueMemberNULL:
		return "null"
	case *types.AttributeValueMemberSS:
		return "set" + fmt.Sprint(slices.Sorted(slices.Values(v.Value)))
	case *types.AttributeValueMemberNS:
		return "set" + fmt.Sprint(slices.Sorted(slices.Values(v.Value)))
	case *types.AttributeValueMemberL:
		var parts []string
		for _, part := range v.Value {
			parts = append(parts, show(part))
		}
		return "[" + strings.Join(parts, " ") + "]"
	case *types.AttributeValueMemberM:
		return showItem(v.Value)
	default:
		return fmt.Sprintf("%T", v)
	}
}

func showItem(i item) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(i)) {
		parts = append(parts, name+":"+show(i[name]))
	}
	return "{" + strings.Join(parts, " ") + "}"
}

// allOld has a failed condition return the item.
const allOld = types.ReturnValuesOnConditionCheckFailureAllOld

// table is the stack's table in one cloud, and the facts that its methods add.
type table struct {
	*testing.T
	*cloud
	facts facts
}

func (t table) name() *string { return aws.String(t.outputs["Table"]) }

// put puts an item under a condition, and adds the outcome and the old item.
func (t table) put(fact string, i item, condition string, values item) {
	in := &dynamodb.PutItemInput{
		TableName: t.name(), Item: i, ReturnValues: types.ReturnValueAllOld,
	}
	if condition != "" {
		in.ConditionExpression, in.ExpressionAttributeValues = &condition, values
		in.ReturnValuesOnConditionCheckFailure = allOld
	}
	out, err := t.tables.PutItem(t.Context(), in)
	t.facts[fact] = call(err)
	if out != nil {
		t.facts[fact] += " was " + showItem(out.Attributes)
	}
	t.conditionFailed(fact, err)
}

func (t table) conditionFailed(fact string, err error) {
	if failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		t.facts[fact] += " with " + showItem(failed.Item)
	}
}

// update updates an item, and adds the outcome and the whole new item.
func (t table) update(
	fact string, k item, expression, condition string, names map[string]string, values item,
) {
	in := &dynamodb.UpdateItemInput{
		TableName: t.name(), Key: k, UpdateExpression: &expression,
		ReturnValues:             types.ReturnValueAllNew,
		ExpressionAttributeNames: names, ExpressionAttributeValues: values,
	}
	if condition != "" {
		in.ConditionExpression = &condition
		in.ReturnValuesOnConditionCheckFailure = allOld
	}
	out, err := t.tables.UpdateItem(t.Context(), in)
	t.facts[fact] = call(err)
	if out != nil {
		t.facts[fact] += " " + showItem(out.Attributes)
	}
	t.conditionFailed(fact, err)
}

func TestDynamoDBConditionsAndUpdates(t *testing.T) {
	compare(t, func(t *testing.T, c *cloud) facts {
		tt := table{t, c, facts{}}
		tt.puts()
		tt.conditions()
		tt.updates()
		return tt.facts
	})
}

// puts puts items, valid and invalid ones.
func (t table) puts() {
	a := key("conditions", "a")
	t.put("put where nothing is", with(a, "n", n("1")), "attribute_not_exists(pk)", nil)
	t.put("put where something is", a, "attribute_not_exists(pk)", nil)
	t.put("put over it", with(a, "n", n("2")), "n = :one", item{":one": n("1.0")})
	t.put("an unused value", a, "attribute_exists(pk)", item{":unused": s("x")})
	t.put("an undefined value", a, "n = :undefined", item{":other": n("1")})
	t.put("an empty key", key("", "a"), "", nil)
	t.put("an empty string that is no key", with(a, "empty", s("")), "", nil)
	t.put("an empty set", with(a, "set", ss()), "", nil)
	t.put("a set with a value twice", with(a, "set", ss("x", "x")), "", nil)
	t.put("a key of another type", item{"pk": n("1"), "sk": s("a")}, "", nil)
	t.put("no sort key", item{"pk": s("conditions")}, "", nil)
	t.put("too large an item", with(a, "x", s(strings.Repeat("x", 400<<10))), "", nil)
	t.put("a number of 38 digits", with(a, "n", n("12345678901234567890123456789012345678")),
		"", nil)
	t.put("a number of 39 digits", with(a, "n", n("123456789012345678901234567890123456789")),
		"", nil)
	t.put("a number to be normalized", with(a, "n", n("-00012.3400e2")), "", nil)
	t.put("what it became", with(a, "n", n("1")), "", nil)
	t.put("a number too large", with(a, "n", n("1e126")), "", nil)
	t.put("what is no number", with(a, "n", n("one")), "", nil)
}

// conditions puts an item under each kind of condition.
func (t table) conditions() {
	for fact, condition := range map[string]string{
		"equal": "n = :n", "unequal": "n <> :n", "in": "n IN (:zero, :n)",
		"between": "n BETWEEN :zero AND :n", "not": "NOT n = :n",
		"size of text": "size(sk) = :n", "begins": "begins_with(sk, :a)",
		"contains in a set": "contains(tags, :a)", "type": "attribute_type(n, :N)",
		"a missing attribute is unequal":  "missing <> :n",
		"a missing attribute is not less": "missing < :n",
		"text is not less than a number":  "sk < :n",
		"precedence":                      "n = :zero AND n = :n OR n = :n",
		"a map's part":                    "o.x = :n",
		"a list's part":                   "l[1] = :n",
	} {
		k := key("conditions", "a")
		full := item{
			"n": n("1"), "tags": ss("a", "b"), "o": m(item{"x": n("1")}),
			"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{n("0"), n("1")}},
		}
		maps.Copy(full, k)
		t.put("", full, "", nil)
		values := item{}
		for name, v := range map[string]types.AttributeValue{
			":n": n("1"), ":zero": n("0"), ":a": s("a"), ":N": s("N"),
		} {
			if strings.Contains(condition+" ", name+" ") ||
				strings.Contains(condition, name+")") || strings.Contains(condition, name+",") {
				values[name] = v
			}
		}
		t.put("condition: "+fact, full, condition, values)
	}
	delete(t.facts, "")
}

// updates updates an item with each kind of expression.
func (t table) updates() {
	u := key("conditions", "u")
	one := item{":one": n("1")}
	t.update("SET makes an item", u, "SET a = :one", "", nil, one)
	t.update("arithmetic", u, "SET a = a + :one, b = if_not_exists(b, :one)", "", nil, one)
	t.update("arithmetic on nothing", u, "SET a = missing + :one", "", nil, one)
	t.update("ADD makes a number", u, "ADD c :one", "", nil, one)
	t.update("ADD makes a set", u, "ADD d :set", "", nil, item{":set": ss("x", "y")})
	t.update("DELETE of a set's last value", u, "DELETE d :set", "", nil,
		item{":set": ss("x", "y")})
	t.update("a map's part without the map", u, "SET o.x = :one", "", nil, one)
	t.update("a name that is reserved", u, "SET name = :one", "", nil, one)
	t.update("a name by its placeholder", u, "SET #n = :one", "",
		map[string]string{"#n": "name"}, one)
	t.update("a part twice", key("conditions", "twice"), "SET a = :one, a = :one", "", nil,
		one)
	t.update("a key", u, "SET sk = :one", "", nil, one)
	t.update("REMOVE of nothing", u, "REMOVE nothing", "", nil, nil)
	t.update("the old values on the right", u, "SET a = b, b = a", "", nil, nil)
	t.update("under a condition that fails", u, "SET a = :one", "attribute_not_exists(pk)",
		nil, one)
	t.update("only if it is there", key("conditions", "nobody"), "SET a = :one",
		"attribute_exists(pk)", nil, one)
	t.update("large numbers", u, "SET large = :large + :one", "", nil,
		item{":large": n("18849496460467696128"), ":one": n("1")})
}

// query queries the items of one partition, and adds the keys that it returns and the units that it
// costs. It returns the last key of the page.
func (t table) query(
	fact string, change func(*dynamodb.QueryInput),
) map[string]types.AttributeValue {
	in := &dynamodb.QueryInput{
		TableName: t.name(), KeyConditionExpression: aws.String("pk = :pk"),
		ExpressionAttributeValues: item{":pk": s("pages")},
		ReturnConsumedCapacity:    types.ReturnConsumedCapacityTotal,
	}
	change(in)
	out, err := t.tables.Query(t.Context(), in)
	if err != nil {
		t.facts[fact] = call(err)
		return nil
	}
	var keys []string
	for _, i := range out.Items {
		keys = append(keys, show(i["sk"]))
	}
	t.facts[fact] = fmt.Sprintf("%v count %d scanned %d last %s", keys, out.Count,
		out.ScannedCount, showItem(out.LastEvaluatedKey))
	if out.ConsumedCapacity != nil {
		t.facts[fact+": units"] = fmt.Sprint(aws.ToFloat64(out.ConsumedCapacity.CapacityUnits))
	}
	return out.LastEvaluatedKey
}

func TestDynamoDBQueriesAndPages(t *testing.T) {
	compare(t, func(t *testing.T, c *cloud) facts {
		tt := table{t, c, facts{}}
		f := tt.facts
		for _, sk := range []string{"a", "b", "B", "ä", "sub#1", "sub#2", "sub#3", "x\u0000", "😀"} {
			tt.put("", with(key("pages", sk), "n", n(fmt.Sprint(len(sk)))), "", nil)
		}
		delete(f, "")
		query := tt.query
		query("all, in the order of bytes", func(*dynamodb.QueryInput) {})
		query("backwards", func(in *dynamodb.QueryInput) { in.ScanIndexForward = aws.Bool(false) })
		query("consistent", func(in *dynamodb.QueryInput) { in.ConsistentRead = aws.Bool(true) })
		condition := func(text string, values item) func(*dynamodb.QueryInput) {
			return func(in *dynamodb.QueryInput) {
				in.KeyConditionExpression = aws.String("pk = :pk AND " + text)
				maps.Copy(in.ExpressionAttributeValues, values)
			}
		}
		query("begins", condition("begins_with(sk, :x)", item{":x": s("sub#")}))
		query("between", condition("sk BETWEEN :x AND :y", item{":x": s("b"), ":y": s("sub#2")}))
		query("from", condition("sk >= :x", item{":x": s("sub#2")}))
		query("between the wrong way",
			condition("sk BETWEEN :x AND :y", item{":x": s("b"), ":y": s("a")}))
		query("not a key", condition("n = :x", item{":x": n("1")}))
		last := query("a page of two", func(in *dynamodb.QueryInput) { in.Limit = aws.Int32(2) })
		query("the next page",
			func(in *dynamodb.QueryInput) { in.Limit, in.ExclusiveStartKey = aws.Int32(2), last })
		query("a page that ends with the items",
			func(in *dynamodb.QueryInput) { in.Limit = aws.Int32(9) })
		query("a page that is larger", func(in *dynamodb.QueryInput) { in.Limit = aws.Int32(10) })
		query("after a key that is not there",
			func(in *dynamodb.QueryInput) { in.ExclusiveStartKey = key("pages", "c") })
		query("after a key of another partition",
			func(in *dynamodb.QueryInput) { in.ExclusiveStartKey = key("others", "a") })
		query("a limit of nothing", func(in *dynamodb.QueryInput) { in.Limit = aws.Int32(0) })
		query("a filter counts after the limit", func(in *dynamodb.QueryInput) {
			in.Limit, in.FilterExpression = aws.Int32(3), aws.String("n > :n")
			in.ExpressionAttributeValues[":n"] = n("1")
		})
		query("a filter on a key", func(in *dynamodb.QueryInput) {
			in.FilterExpression = aws.String("sk > :n")
			in.ExpressionAttributeValues[":n"] = s("a")
		})
		query("only a count", func(in *dynamodb.QueryInput) { in.Select = types.SelectCount })
		query("a projection",
			func(in *dynamodb.QueryInput) { in.ProjectionExpression = aws.String("n") })
		for i := range 12 { // over 1 MB
			large := s(strings.Repeat("x", 100<<10))
			tt.put("", with(key("megabytes", fmt.Sprintf("%02d", i)), "x", large), "", nil)
		}
		delete(f, "")
		query("a page ends at 1 MB",
			func(in *dynamodb.QueryInput) { in.ExpressionAttributeValues[":pk"] = s("megabytes") })
		return f
	})
}
