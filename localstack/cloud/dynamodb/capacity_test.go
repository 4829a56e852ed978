package dynamodb_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"hark/localstack/cloud/dynamodb"
	"hark/localstack/cloud/iam"
	"hark/localstack/cloud/meter"
)

// sized puts an item of exactly that size in bytes, names included.
func (e *engine) sized(t *testing.T, sk string, size int) {
	t.Helper()
	e.put(t, sk, M{"v": strings.Repeat("x", size-len("pkskv")-len(e.pk)-len(sk))})
}

// cost is what an answer says about its consumption.
type cost = types.ConsumedCapacity

// costCase is a request and the units that it costs.
type costCase struct {
	name     string
	oursOnly string // the reason
	run      func(*testing.T, *engine) (*cost, error)
	reads    float64
	writes   float64
	err      string
}

func testCosts(t *testing.T, tests []costCase) {
	each(t, func(t *testing.T, e *engine) {
		for _, tt := range tests {
			e.run(t, tt.name, func(t *testing.T, e *engine) {
				e.skipTheirs(t, tt.oursOnly)
				got, err := tt.run(t, e)
				wantError(t, err, tt.err)
				if got != nil && *got.CapacityUnits != tt.reads+tt.writes {
					t.Errorf("%v units, want %v", *got.CapacityUnits, tt.reads+tt.writes)
				}
			})
		}
	})
}

func TestReadsCostByFourKB(t *testing.T) {
	testCosts(t, []costCase{
		{"an eventual read of 4 KB", "", func(t *testing.T, e *engine) (*cost, error) {
			e.sized(t, "a", 4096)
			return e.read(t, "a", false)
		}, 0.5, 0, ""},
		{"an eventual read of a byte more", "", func(t *testing.T, e *engine) (*cost, error) {
			e.sized(t, "a", 4097)
			return e.read(t, "a", false)
		}, 1, 0, ""},
		{"a strong read of 4 KB and a byte", "", func(t *testing.T, e *engine) (*cost, error) {
			e.sized(t, "a", 4097)
			return e.read(t, "a", true)
		}, 2, 0, ""},
		{"a strong read of nothing", "", func(t *testing.T, e *engine) (*cost, error) {
			return e.read(t, "a", true)
		}, 1, 0, ""},
		{"a query rounds its sum once", "", func(t *testing.T, e *engine) (*cost, error) {
			e.sized(t, "a", 3000)
			e.sized(t, "b", 3000)
			e.sized(t, "c", 3000)
			return e.ask(t, true)
		}, 3, 0, ""},
		{"a query is billed before its filter", "", func(t *testing.T, e *engine) (*cost, error) {
			e.sized(t, "a", 3000)
			e.sized(t, "b", 3000)
			return e.ask(t, false, func(in *sdk.QueryInput) {
				in.FilterExpression = aws.String("attribute_exists(zz)")
			})
		}, 1, 0, ""},
		{
			"a query of nothing", "every request costs at least a step; DynamoDB Local says 0",
			func(t *testing.T, e *engine) (*cost, error) { return e.ask(t, true) }, 1, 0, "",
		},
	})
}

func TestWritesCostByOneKB(t *testing.T) {
	testCosts(t, []costCase{
		{"a put over a larger item", "", func(t *testing.T, e *engine) (*cost, error) {
			e.sized(t, "a", 2049)
			out, err := e.PutItem(t.Context(), &sdk.PutItemInput{
				TableName: e.table(state), Item: e.key("a"),
				ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
			})
			return capacity(err, func() *cost { return out.ConsumedCapacity })
		}, 0, 3, ""},
		{
			"an update of one attribute of a large item", "",
			func(t *testing.T, e *engine) (*cost, error) {
				e.sized(t, "a", 1024)
				return e.update(t, "a", "SET w = :v")
			}, 0, 2, "",
		},
		{"a delete of a large item", "", func(t *testing.T, e *engine) (*cost, error) {
			e.sized(t, "a", 2048)
			return e.remove(t, "a", nil)
		}, 0, 2, ""},
		{"a delete of nothing", "", func(t *testing.T, e *engine) (*cost, error) {
			return e.remove(t, "a", nil)
		}, 0, 1, ""},
		{
			"a failed condition costs what it read",
			"an error carries no consumption: only the meter shows it",
			func(t *testing.T, e *engine) (*cost, error) {
				e.sized(t, "a", 2048)
				return e.remove(t, "a", aws.String("attribute_not_exists(pk)"))
			}, 0, 2, failed,
		},
	})
}

func TestBatchesAndTransactionsCostByItem(t *testing.T) {
	testCosts(t, []costCase{
		{
			"a batch rounds each item, absent ones too",
			"reads of what is not there are billed; DynamoDB Local says 0",
			func(t *testing.T, e *engine) (*cost, error) {
				e.sized(t, "0", 5000)
				e.sized(t, "1", 100)
				out, err := e.BatchGetItem(t.Context(), &sdk.BatchGetItemInput{
					RequestItems: map[string]types.KeysAndAttributes{*e.table(state): {
						Keys: e.keys(3), ConsistentRead: aws.Bool(true),
					}},
					ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
				})
				return capacity(err, func() *cost { return &out.ConsumedCapacity[0] })
			}, 4, 0, "",
		},
		{
			"a transaction costs twice",
			"DynamoDB Local says 2 for two items; the guide: two writes for each item",
			func(t *testing.T, e *engine) (*cost, error) {
				out, err := e.TransactWriteItems(t.Context(), &sdk.TransactWriteItemsInput{
					TransactItems: []types.TransactWriteItem{
						e.transactPut(t, "a", M{"v": strings.Repeat("x", 1000)}),
						e.transactPut(t, "b", nil),
					},
					ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
				})
				return capacity(err, func() *cost { return &out.ConsumedCapacity[0] })
			}, 0, 6, "",
		},
	})
}

// capacity returns the consumption of an answer, or the error.
func capacity(err error, from func() *cost) (*cost, error) {
	if err != nil {
		return nil, err
	}
	return from(), nil
}

func (e *engine) read(t *testing.T, sk string, strong bool) (*cost, error) {
	out, err := e.GetItem(t.Context(), &sdk.GetItemInput{
		TableName: e.table(state), Key: e.key(sk), ConsistentRead: &strong,
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	})
	return capacity(err, func() *cost { return out.ConsumedCapacity })
}

func (e *engine) update(t *testing.T, sk, expression string) (*cost, error) {
	out, err := e.UpdateItem(t.Context(), &sdk.UpdateItemInput{
		TableName: e.table(state), Key: e.key(sk), UpdateExpression: &expression,
		ExpressionAttributeValues: avs(t, M{":v": 1}),
		ReturnConsumedCapacity:    types.ReturnConsumedCapacityTotal,
	})
	return capacity(err, func() *cost { return out.ConsumedCapacity })
}

func (e *engine) remove(t *testing.T, sk string, condition *string) (*cost, error) {
	out, err := e.DeleteItem(t.Context(), &sdk.DeleteItemInput{
		TableName: e.table(state), Key: e.key(sk), ConditionExpression: condition,
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	})
	return capacity(err, func() *cost { return out.ConsumedCapacity })
}

func (e *engine) ask(t *testing.T, strong bool, edits ...func(*sdk.QueryInput)) (*cost, error) {
	edits = append(edits, func(in *sdk.QueryInput) {
		in.ConsistentRead, in.ReturnConsumedCapacity = &strong, types.ReturnConsumedCapacityTotal
	})
	out, err := e.Query(t.Context(), e.query(t, "pk = :p", nil, edits...))
	return capacity(err, func() *cost { return out.ConsumedCapacity })
}

func TestEveryUnitIsMetered(t *testing.T) {
	const key = `{"pk":{"S":"a"},"sk":{"S":"b"}}`
	const failing = `{"TableName":"state","Item":` + key +
		`,"ConditionExpression":"attribute_not_exists(pk)"}`
	const deletion = `{"DeleteRequest":{"Key":` + key + `}}`
	const transaction = `{"TransactItems":[{"Put":{"TableName":"state","Item":` + key +
		`}}],"ClientRequestToken":"t"}`
	steps := []struct {
		operation, body string
		reads, writes   float64
	}{
		{"PutItem", `{"TableName":"state","Item":` + key + `}`, 0, 1},
		{"PutItem", failing, 0, 1},
		{"UpdateItem", `{` + keyOfState + `,"UpdateExpression":"SET sk = sk"}`, 0, 0}, // invalid
		{"GetItem", `{` + keyOfState + `,"ConsistentRead":true}`, 1, 0},
		{"Scan", `{"TableName":"state"}`, 0.5, 0},
		{"BatchGetItem", `{"RequestItems":{"state":{"Keys":[` + key + `]}}}`, 0.5, 0},
		{"BatchWriteItem", `{"RequestItems":{"state":[` + deletion + `]}}`, 0, 1},
		{"TransactGetItems", `{"TransactItems":[{"Get":{` + keyOfState + `}}]}`, 2, 0},
		{"TransactWriteItems", transaction, 0, 2},
		{"TransactWriteItems", transaction, 2, 0},
		{"DescribeTable", `{"TableName":"state"}`, 0, 0},
	}
	m := new(meter.Meter)
	s := dynamodb.New(dynamodb.Options{Meter: m})
	if err := s.Create(decodeSpec(t, "")); err != nil {
		t.Fatal(err)
	}
	for _, step := range steps {
		reads, writes := counted(m, step.operation)
		post(t, s, step.operation, step.body)
		readsNow, writesNow := counted(m, step.operation)
		reads, writes = readsNow-reads, writesNow-writes
		if reads != step.reads || writes != step.writes {
			t.Errorf("%s %s: %v reads, %v writes; want %v, %v",
				step.operation, step.body, reads, writes, step.reads, step.writes)
		}
	}
}

// counted returns what an operation without a role has used.
func counted(m *meter.Meter, operation string) (reads, writes float64) {
	for _, l := range m.Lines() {
		switch {
		case l.Operation != operation || l.Function != "":
		case l.Unit == meter.ReadUnits:
			reads += l.N
		case l.Unit == meter.WriteUnits:
			writes += l.N
		}
	}
	return reads, writes
}

func TestUnitsAreTheCallers(t *testing.T) {
	m := new(meter.Meter)
	s := dynamodb.New(dynamodb.Options{Meter: m})
	if err := s.Create(decodeSpec(t, "")); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("{"+keyOfState+"}"))
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810.GetItem")
	role := &iam.Role{Session: "Hark-message", Statements: []iam.Statement{
		{Effect: "Allow", Actions: []string{"*"}, Resources: []string{"*"}},
	}}
	s.ServeHTTP(httptest.NewRecorder(), r.WithContext(iam.WithRole(r.Context(), role)))
	want := []meter.Line{{
		Service: "dynamodb", Unit: meter.ReadUnits, Function: "Hark-message", Operation: "GetItem",
		N: 0.5,
	}}
	if diff := cmp.Diff(want, m.Lines()); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
}

func TestCapacityByTable(t *testing.T) {
	each(t, func(t *testing.T, e *engine) {
		e.run(t, "indexes", func(t *testing.T, e *engine) {
			e.put(t, "a", nil)
			out, err := e.GetItem(t.Context(), &sdk.GetItemInput{
				TableName: e.table(state), Key: e.key("a"),
				ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes,
			})
			wantError(t, err, "")
			if c := out.ConsumedCapacity; c == nil || c.Table == nil ||
				*c.Table.CapacityUnits != 0.5 || *c.TableName != *e.table(state) {
				t.Errorf("%+v", c)
			}
		})
	})
}
