package dynamodb

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"hark/localstack/cloud/dynamodb/attr"
	"hark/localstack/cloud/dynamodb/expr"
)

// TableSpec describes a table. Its fields are the properties of AWS::DynamoDB::Table and
// AWS::DynamoDB::GlobalTable.
type TableSpec struct {
	TableName               string
	AttributeDefinitions    []AttributeDefinition
	KeySchema               []KeyElement
	TimeToLiveSpecification TimeToLive

	// Refused if set.
	GlobalSecondaryIndexes, LocalSecondaryIndexes []json.RawMessage
	StreamSpecification                           json.RawMessage

	// Without effect: capacity never runs short, there is one Region, and nothing outlives the
	// process.
	BillingMode, Replicas, TableClass, SSESpecification, Tags   json.RawMessage
	DeletionProtectionEnabled, PointInTimeRecoverySpecification json.RawMessage
}

// AttributeDefinition gives a key attribute its type: S, N or B.
type AttributeDefinition struct {
	AttributeName string
	AttributeType attr.Type
}

// KeyElement makes an attribute the partition key (HASH) or the sort key (RANGE).
type KeyElement struct {
	AttributeName string
	KeyType       string
}

// TimeToLive names the attribute that holds an item's time of expiry, in seconds since 1970.
type TimeToLive struct {
	AttributeName string
	Enabled       bool
}

// keys returns the partition key and the sort key. The sort key is empty if there is none.
func (s TableSpec) keys() (partition, sort expr.Key, err error) {
	switch {
	case s.TableName == "":
		return partition, sort, errors.New("no TableName")
	case len(s.GlobalSecondaryIndexes) > 0:
		return partition, sort, errors.New("GlobalSecondaryIndexes are not part of the local cloud")
	case len(s.LocalSecondaryIndexes) > 0:
		return partition, sort, errors.New("LocalSecondaryIndexes are not part of the local cloud")
	case s.StreamSpecification != nil:
		return partition, sort, errors.New("StreamSpecification is not part of the local cloud")
	}
	for _, k := range s.KeySchema {
		key := expr.Key{Name: k.AttributeName}
		i := slices.IndexFunc(s.AttributeDefinitions, func(d AttributeDefinition) bool {
			return d.AttributeName == k.AttributeName
		})
		if i >= 0 {
			key.Type = s.AttributeDefinitions[i].AttributeType
		}
		if key.Type != attr.TypeS && key.Type != attr.TypeN && key.Type != attr.TypeB {
			return partition, sort, fmt.Errorf("key %q: no definition as S, N or B", key.Name)
		}
		switch k.KeyType {
		case "HASH":
			partition = key
		case "RANGE":
			sort = key
		default:
			return partition, sort, fmt.Errorf("key %q: unknown KeyType %q", key.Name, k.KeyType)
		}
	}
	if partition.Name == "" {
		return partition, sort, errors.New("KeySchema has no HASH key")
	}
	return partition, sort, nil
}
