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

// keyCondition is a condition on the keys of testKeyConditions' partition.
type keyCondition struct {
	name      string
	condition string
	values    M
	want      []string
	err       string
}

func keysOfTheSteps() []string {
	return []string{"done", "lane", "sub#a", "sub#b", "sub#b#2", "sub$", "sv"}
}

func testKeyConditions(t *testing.T, tests []keyCondition) {
	rows := keysOfTheSteps()
	each(t, func(t *testing.T, e *engine) {
		e.run(t, "partition", func(t *testing.T, e *engine) {
			for _, sk := range rows {
				e.put(t, sk, nil)
			}
			before := *e
			before.pk = "0 a partition before the queried one"
			before.put(t, "sub#a", nil)
			for _, tt := range tests {
				t.Run(tt.name, func(t *testing.T) {
					for _, forward := range []bool{true, false} {
						out, err := e.Query(t.Context(), e.query(t, tt.condition, tt.values, func(in *sdk.QueryInput) {
							in.ScanIndexForward = &forward
						}))
						wantError(t, err, tt.err)
						if err != nil {
							continue
						}
						want := slices.Clone(tt.want)
						if !forward {
							slices.Reverse(want)
						}
						if got := sortKeys(out.Items); !slices.Equal(got, want) {
							t.Errorf("forward %t: %q, want %q", forward, got, want)
						}
					}
				})
			}
		})
	})
}

func TestKeyConditionsSelectARange(t *testing.T) {
	rows := keysOfTheSteps()
	testKeyConditions(t, []keyCondition{
		{"a partition", "pk = :p", nil, rows, ""},
		{"the other way round", ":p = pk", nil, rows, ""},
		{"one key", "pk = :p AND sk = :v", v("lane"), rows[1:2], ""},
		{"at least", "pk = :p AND sk >= :v", v("lane"), rows[1:], ""},
		{"above", "pk = :p AND sk > :v", v("lane"), rows[2:], ""},
		{"at most", "sk <= :v AND pk = :p", v("lane"), rows[:2], ""},
		{"below", "(pk = :p) AND (sk < :v)", v("lane"), rows[:1], ""},
		{"below, the other way round", "pk = :p AND :v > sk", v("lane"), rows[:1], ""},
		{"between", "pk = :p AND sk BETWEEN :v AND :w", vw("lane", "sub#b"), rows[1:4], ""},
		{"between gaps", "pk = :p AND sk BETWEEN :v AND :w", vw("e", "sub#bb"), rows[1:5], ""},
		{"a prefix", "pk = :p AND begins_with(sk, :v)", v("sub#"), rows[2:5], ""},
		{"a prefix that is a key", "pk = :p AND begins_with(sk, :v)", v("sub#b"), rows[3:5], ""},
		{"a prefix of none", "pk = :p AND begins_with(sk, :v)", v("x"), nil, ""},
		{
			"a prefix of the last code point", "pk = :p AND begins_with(sk, :v)", v("\U0010ffff"),
			nil, "",
		},
	})
}

func TestBadKeyConditionsAreRefused(t *testing.T) {
	testKeyConditions(t, []keyCondition{
		{
			"between the wrong way round", "pk = :p AND sk BETWEEN :v AND :w", vw("x", "a"), nil,
			invalid("requires upper bound to be greater"),
		},
		{"no partition", "sk = :p", nil, nil, invalid("Query condition missed key schema element")},
		{
			"a range of partitions", "pk > :p", nil, nil,
			invalid("Query key condition not supported"),
		},
		{
			"a prefix of partitions", "begins_with(pk, :p)", nil, nil,
			invalid("Query key condition not supported"),
		},
		{
			"another attribute", "pk = :p AND v = :p", nil, nil,
			invalid("Query condition missed key schema element"),
		},
		{
			"OR", "pk = :p OR sk = :p", nil, nil,
			invalid("Invalid operator used in KeyConditionExpression: OR"),
		},
		{
			"NOT", "pk = :p AND NOT sk = :p", nil, nil,
			invalid("Invalid operator used in KeyConditionExpression: NOT"),
		},
		{
			"unequal", "pk = :p AND sk <> :p", nil, nil,
			invalid("Invalid operator used in KeyConditionExpression: <>"),
		},
		{
			"IN", "pk = :p AND sk IN (:p)", nil, nil,
			invalid("Invalid operator used in KeyConditionExpression: IN"),
		},
		{
			"contains", "pk = :p AND contains(sk, :p)", nil, nil,
			invalid("Invalid operator used in KeyConditionExpression: contains"),
		},
		{
			"a key twice", "pk = :p AND sk > :p AND sk < :p", nil, nil,
			invalid("must only contain one condition per key"),
		},
		{
			"two attributes", "pk = sk", nil, nil,
			invalid("Multiple attribute names used in one condition"),
		},
		{"a size", "size(pk) = :p", nil, nil, invalid("cannot contain nested operations")},
		{"a nested path", "pk.a = :p", nil, nil, invalid("Key attributes must be scalars")},
		{
			"another type", "pk = :p AND sk = :v", v(1), nil,
			invalid("Condition parameter type does not match schema type"),
		},
		{
			"an empty string", "pk = :p AND sk >= :v", v(""), nil,
			invalid("cannot contain an empty string value. Key: sk"),
		},
	})
}

// query is a strong query of the state table; the value :p is the test's partition if the condition
// mentions it.
func (e *engine) query(
	t *testing.T, condition string, values M, edits ...func(*sdk.QueryInput),
) *sdk.QueryInput {
	t.Helper()
	all := M{}
	if strings.Contains(condition, ":p") {
		all[":p"] = e.pk
	}
	for k, v := range values {
		all[k] = v
	}
	in := &sdk.QueryInput{
		TableName: e.table(state), ConsistentRead: aws.Bool(true),
		KeyConditionExpression: &condition, ExpressionAttributeValues: avs(t, all),
	}
	for _, edit := range edits {
		edit(in)
	}
	return in
}

func sortKeys(items []map[string]types.AttributeValue) []string {
	var keys []string
	for _, i := range items {
		switch sk := i["sk"].(type) {
		case *types.AttributeValueMemberS:
			keys = append(keys, sk.Value)
		case *types.AttributeValueMemberN:
			keys = append(keys, sk.Value)
		case *types.AttributeValueMemberB:
			keys = append(keys, fmt.Sprintf("%x", sk.Value))
		}
	}
	return keys
}

func TestOrderOfKeys(t *testing.T) {
	tests := []struct {
		table string
		keys  L
		want  []string
	}{
		{state, L{"b", "a", "B", "aa", "é", "😀", "\uffee"}, []string{
			"B", "a", "aa", "b", "é", "\uffee", "😀",
		}},
		{
			numbers,
			L{
				10, 2, -1, N("-1.5"), N("1e2"), N("0.5"), 0, N("18849496460467696129"),
				N("18849496460467696128"),
			},
			[]string{
				"-1.5", "-1", "0", "0.5", "2", "10", "100", "18849496460467696128",
				"18849496460467696129",
			},
		},
		{bytes, L{[]byte{255}, []byte{0}, []byte{128}, []byte{0, 1}}, []string{
			"00", "0001", "80", "ff",
		}},
	}
	each(t, func(t *testing.T, e *engine) {
		for _, tt := range tests {
			e.run(t, tt.table, func(t *testing.T, e *engine) {
				for _, sk := range tt.keys {
					_, err := e.PutItem(t.Context(), &sdk.PutItemInput{
						TableName: e.table(tt.table), Item: avs(t, M{"pk": e.pk, "sk": sk}),
					})
					wantError(t, err, "")
				}
				out, err := e.Query(t.Context(), e.query(t, "pk = :p", nil, func(in *sdk.QueryInput) {
					in.TableName = e.table(tt.table)
				}))
				wantError(t, err, "")
				if got := sortKeys(out.Items); !slices.Equal(got, tt.want) {
					t.Errorf("%q, want %q", got, tt.want)
				}
			})
		}
	})
}

func TestPrefixOfBytes(t *testing.T) {
	each(t, func(t *testing.T, e *engine) {
		e.run(t, "at the end of a byte's range", func(t *testing.T, e *engine) {
			for _, sk := range [][]byte{
				{0x7f}, {0x80}, {0x80, 0xff}, {0x80, 0xff, 0xff}, {0x81}, {0xff}, {0xff, 0xff},
			} {
				_, err := e.PutItem(t.Context(), &sdk.PutItemInput{
					TableName: e.table(bytes), Item: avs(t, M{"pk": e.pk, "sk": sk}),
				})
				wantError(t, err, "")
			}
			for prefix, want := range map[string][]string{
				"\x80": {"80", "80ff", "80ffff"}, "\x80\xff": {"80ff", "80ffff"},
				"\xff": {"ff", "ffff"}, "\xff\xff\xff": nil,
			} {
				out, err := e.Query(t.Context(), e.query(t, "pk = :p AND begins_with(sk, :v)", v(
					[]byte(prefix),
				),
					func(in *sdk.QueryInput) { in.TableName = e.table(bytes) }))
				wantError(t, err, "")
				if got := sortKeys(out.Items); !slices.Equal(got, want) {
					t.Errorf("%x: %q, want %q", prefix, got, want)
				}
			}
		})
	})
}

func TestPages(t *testing.T) {
	each(t, func(t *testing.T, e *engine) {
		e.run(t, "partition", func(t *testing.T, e *engine) {
			rows := []string{"a", "b", "c", "d", "e"}
			for i, sk := range rows {
				e.put(t, sk, M{"v": i})
			}
			for _, forward := range []bool{true, false} {
				want := slices.Clone(rows)
				if !forward {
					slices.Reverse(want)
				}
				got, pages := e.pages(t, func(in *sdk.QueryInput) {
					in.ScanIndexForward, in.Limit = &forward, aws.Int32(2)
				})
				if !slices.Equal(got, want) || pages != 3 {
					t.Errorf("forward %t: %q in %d pages", forward, got, pages)
				}
			}
			if _, pages := e.pages(
				t, func(in *sdk.QueryInput) { in.Limit = aws.Int32(5) },
			); pages != 2 {
				t.Errorf("%d pages, want an empty one after a full one", pages)
			}
		})
		e.run(t, "of 1 MB", func(t *testing.T, e *engine) {
			// 256 KB each: four fill a page to the byte. That a page of four items of 300 KB may be
			// over 1 MB, as on DynamoDB Local, is not asked: the guide says "1 MB in size (or
			// less)", and ours keeps to it.
			for i := range 5 {
				sk := fmt.Sprint(i)
				e.put(t, sk, M{"v": strings.Repeat("x", 256<<10-len("pkskv")-len(e.pk)-len(sk))})
			}
			out, err := e.Query(t.Context(), e.query(t, "pk = :p", nil))
			wantError(t, err, "")
			if out.Count != 4 || len(out.LastEvaluatedKey) == 0 {
				t.Errorf("%d items, last key %v", out.Count, out.LastEvaluatedKey)
			}
		})
	})
}

// pages queries the partition to its end.
func (e *engine) pages(t *testing.T, edit func(*sdk.QueryInput)) (keys []string, pages int) {
	t.Helper()
	in := e.query(t, "pk = :p", nil, edit)
	for {
		out, err := e.Query(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		pages++
		keys = append(keys, sortKeys(out.Items)...)
		if len(out.LastEvaluatedKey) == 0 {
			return keys, pages
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// queryCase is a query of five items, a to e, with parameters.
type queryCase struct {
	name    string
	edit    func(*testing.T, *engine, *sdk.QueryInput)
	want    []string
	scanned int32
	err     string
}

func testQueries(t *testing.T, tests []queryCase) {
	each(t, func(t *testing.T, e *engine) {
		for _, tt := range tests {
			e.run(t, tt.name, func(t *testing.T, e *engine) {
				for i, sk := range []string{"a", "b", "c", "d", "e"} {
					e.put(t, sk, M{"v": i})
				}
				in := e.query(t, "pk = :p", nil)
				tt.edit(t, e, in)
				out, err := e.Query(t.Context(), in)
				wantError(t, err, tt.err)
				if err != nil {
					return
				}
				if got := sortKeys(out.Items); !slices.Equal(got, tt.want) ||
					out.ScannedCount != tt.scanned {
					t.Errorf("%q of %d, want %q of %d", got, out.ScannedCount, tt.want, tt.scanned)
				}
			})
		}
	})
}

// fromThree filters values of v from 3 on.
func fromThree(t *testing.T, _ *engine, in *sdk.QueryInput) {
	in.FilterExpression = aws.String("v >= :v")
	in.ExpressionAttributeValues[":v"] = avs(t, v(3))[":v"]
}

func TestQueryParameters(t *testing.T) {
	testQueries(t, []queryCase{
		{"a filter comes after reading", fromThree, []string{"d", "e"}, 5, ""},
		{"a limit counts before the filter", func(t *testing.T, e *engine, in *sdk.QueryInput) {
			fromThree(t, e, in)
			in.Limit = aws.Int32(4)
		}, []string{"d"}, 4, ""},
		{"the count alone", func(t *testing.T, e *engine, in *sdk.QueryInput) {
			in.Select = types.SelectCount
		}, nil, 5, ""},
		{"a projection", func(t *testing.T, e *engine, in *sdk.QueryInput) {
			in.ProjectionExpression = aws.String("sk")
		}, []string{"a", "b", "c", "d", "e"}, 5, ""},
		{"a start between keys", func(t *testing.T, e *engine, in *sdk.QueryInput) {
			in.ExclusiveStartKey = e.key("bb")
		}, []string{"c", "d", "e"}, 3, ""},
	})
}

func TestBadQueryParametersAreRefused(t *testing.T) {
	testQueries(t, []queryCase{
		{"a filter may not read keys", func(t *testing.T, e *engine, in *sdk.QueryInput) {
			in.FilterExpression = aws.String("sk >= :p")
		}, nil, 0, invalid(
			"Filter Expression can only contain non-primary key attributes: Primary key " +
				"attribute: sk",
		)},
		{"the count with a projection", func(t *testing.T, e *engine, in *sdk.QueryInput) {
			in.Select, in.ProjectionExpression = types.SelectCount, aws.String("v")
		}, nil, 0, invalid(
			"Cannot specify the ProjectionExpression when choosing to get only the Count",
		)},
		{"a limit of 0", func(t *testing.T, e *engine, in *sdk.QueryInput) {
			in.Limit = aws.Int32(0)
		}, nil, 0, validation},
		{"a start in another partition", func(t *testing.T, e *engine, in *sdk.QueryInput) {
			in.ExclusiveStartKey = avs(t, M{"pk": "z", "sk": "a"})
		}, nil, 0, validation},
		{"a start without sort key", func(t *testing.T, e *engine, in *sdk.QueryInput) {
			in.ExclusiveStartKey = avs(t, M{"pk": e.pk})
		}, nil, 0, validation},
		{"no key condition", func(t *testing.T, e *engine, in *sdk.QueryInput) {
			in.KeyConditionExpression, in.ExpressionAttributeValues = nil, nil
		}, nil, 0, invalid(
			"Either the KeyConditions or KeyConditionExpression parameter must be specified",
		)},
		{"an index", func(t *testing.T, e *engine, in *sdk.QueryInput) {
			in.IndexName = aws.String("by-user")
		}, nil, 0, validation},
	})
}

func TestScan(t *testing.T) {
	each(t, func(t *testing.T, e *engine) {
		var want []string
		for i := range 40 {
			pk := fmt.Sprintf("scan-%02d", i)
			want = append(want, pk)
			_, err := e.PutItem(t.Context(), &sdk.PutItemInput{
				TableName: e.table(apps), Item: avs(t, M{"pk": pk, "v": i}),
			})
			wantError(t, err, "")
		}
		e.run(t, "in pages", func(t *testing.T, e *engine) {
			if got := e.scanAll(t, &sdk.ScanInput{Limit: aws.Int32(7)}); !slices.Equal(got, want) {
				t.Errorf("%q", got)
			}
		})
		e.run(t, "in segments", func(t *testing.T, e *engine) {
			var got []string
			for i := range int32(3) {
				part := e.scanAll(t, &sdk.ScanInput{
					Limit: aws.Int32(7), Segment: &i, TotalSegments: aws.Int32(3),
				})
				if len(part) == len(want) {
					t.Error("one segment has everything")
				}
				got = append(got, part...)
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%q", got)
			}
		})
		e.run(t, "with a filter on the key", func(t *testing.T, e *engine) {
			got := e.scanAll(t, &sdk.ScanInput{
				FilterExpression:          aws.String("pk = :p"),
				ExpressionAttributeValues: avs(t, M{":p": "scan-09"}),
			})
			if !slices.Equal(got, []string{"scan-09"}) {
				t.Errorf("%q", got)
			}
		})
		e.run(t, "of a segment that is not there", func(t *testing.T, e *engine) {
			_, err := e.Scan(t.Context(), &sdk.ScanInput{
				TableName: e.table(apps), Segment: aws.Int32(2), TotalSegments: aws.Int32(2),
			})
			wantError(t, err, validation)
		})
	})
}

// scanAll returns the sorted partition keys of the apps table.
func (e *engine) scanAll(t *testing.T, in *sdk.ScanInput) []string {
	t.Helper()
	in.TableName = e.table(apps)
	var keys []string
	p := sdk.NewScanPaginator(e, in)
	for p.HasMorePages() {
		out, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range out.Items {
			keys = append(keys, i["pk"].(*types.AttributeValueMemberS).Value)
		}
	}
	slices.Sort(keys)
	return keys
}
