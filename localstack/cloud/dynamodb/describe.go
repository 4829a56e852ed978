package dynamodb

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"

	"hark/localstack/cloud/dynamodb/attr"
)

type describeRequest struct{ TableName string }

// tableDescription has those members of AWS's TableDescription that are known here.
type tableDescription struct {
	TableName            string
	TableArn             string
	TableStatus          string
	CreationDateTime     float64
	KeySchema            []KeyElement
	AttributeDefinitions []AttributeDefinition
	ItemCount            int
	TableSizeBytes       int
	BillingModeSummary   struct{ BillingMode string }
}

func (s *Service) describeTable(ctx context.Context, r *describeRequest) ([]byte, error) {
	if err := s.allow(ctx, r.TableName, "DescribeTable"); err != nil {
		return nil, err
	}
	t, err := s.table(r.TableName)
	if err != nil {
		return nil, err
	}
	d := tableDescription{
		TableName:            t.name,
		TableArn:             t.arn,
		TableStatus:          "ACTIVE",
		CreationDateTime:     float64(t.created.UnixMilli()) / 1000,
		KeySchema:            t.spec.KeySchema,
		AttributeDefinitions: t.spec.AttributeDefinitions,
	}
	d.BillingModeSummary.BillingMode = "PAY_PER_REQUEST"
	t.mu.RLock()
	d.ItemCount, d.TableSizeBytes = t.items.Len(), t.bytes
	t.mu.RUnlock()
	return json.Marshal(struct{ Table tableDescription }{d})
}

func (s *Service) describeTimeToLive(ctx context.Context, r *describeRequest) ([]byte, error) {
	if err := s.allow(ctx, r.TableName, "DescribeTimeToLive"); err != nil {
		return nil, err
	}
	t, err := s.table(r.TableName)
	if err != nil {
		return nil, err
	}
	var d struct {
		TimeToLiveDescription struct {
			TimeToLiveStatus string
			AttributeName    string `json:",omitempty"`
		}
	}
	d.TimeToLiveDescription.TimeToLiveStatus = "DISABLED"
	if ttl := t.spec.TimeToLiveSpecification; ttl.Enabled {
		d.TimeToLiveDescription.TimeToLiveStatus = "ENABLED"
		d.TimeToLiveDescription.AttributeName = ttl.AttributeName
	}
	return json.Marshal(d)
}

type listRequest struct {
	ExclusiveStartTableName string
	Limit                   *int
}

func (s *Service) listTables(ctx context.Context, r *listRequest) ([]byte, error) {
	if err := s.allow(ctx, "*", "ListTables"); err != nil {
		return nil, err
	}
	limit := 100
	if r.Limit != nil {
		limit = *r.Limit
	}
	if limit < 1 || limit > 100 {
		return nil, invalid("1 validation error detected: Value '" + strconv.Itoa(limit) +
			"' at 'limit' failed to satisfy " +
			"constraint: Member must have value between 1 and 100")
	}
	s.mu.RLock()
	names := slices.Sorted(maps.Keys(s.tables))
	s.mu.RUnlock()
	first, found := slices.BinarySearch(names, r.ExclusiveStartTableName)
	if found {
		first++
	}
	var answer struct {
		TableNames             []string
		LastEvaluatedTableName string `json:",omitempty"`
	}
	answer.TableNames = append([]string{}, names[first:min(first+limit, len(names))]...)
	if first+limit < len(names) {
		answer.LastEvaluatedTableName = names[first+limit-1]
	}
	return json.Marshal(answer)
}

// seconds returns the time as a TTL attribute holds it.
func seconds(t time.Time) attr.Number { return attr.Number(strconv.FormatInt(t.Unix(), 10)) }
