package dynamodb

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"hark/localstack/cloud/dynamodb/attr"
)

// Limits of batches ("Quotas": API-specific limits).
const (
	maxBatchGet   = 100
	maxBatchWrite = 25
	maxResponse   = 16 << 20 // bytes of items in one answer of BatchGetItem
)

type batchGetRequest struct {
	RequestItems           map[string]*keysRequest
	ReturnConsumedCapacity detail
}

// keysRequest is the part of a BatchGetItem that is about one table.
type keysRequest struct {
	Keys                     []attr.Map
	ConsistentRead           bool              `json:",omitempty"`
	ProjectionExpression     *string           `json:",omitempty"`
	ExpressionAttributeNames map[string]string `json:",omitempty"`
	AttributesToGet          json.RawMessage   `json:",omitempty"`
}

// tableGets is a checked keysRequest, with one get for each of its keys.
type tableGets struct {
	request *keysRequest
	gets    []get
}

func (s *Service) batchGetItem(ctx context.Context, r *batchGetRequest) ([]byte, error) {
	tables := slices.Sorted(maps.Keys(r.RequestItems))
	for _, name := range tables {
		if err := s.allow(ctx, name, "BatchGetItem"); err != nil {
			return nil, err
		}
	}
	if err := r.valid(); err != nil {
		return nil, err
	}
	batch := make([]tableGets, len(tables))
	for i, name := range tables {
		gets, err := s.prepareKeys(name, r.RequestItems[name])
		if err != nil {
			return nil, err
		}
		batch[i] = tableGets{request: r.RequestItems[name], gets: gets}
	}
	cost := s.reads(by(ctx, "BatchGetItem"))
	responses, unprocessed, err := readBatch(tables, batch, cost)
	if err != nil {
		return nil, err
	}
	var o object
	o.raw("Responses", responses)
	o.raw("UnprocessedKeys", unprocessed)
	cost.writeList(&o, r.ReturnConsumedCapacity)
	return o.end(), nil
}

func (r *batchGetRequest) valid() error {
	n := 0
	for name, request := range r.RequestItems {
		if request == nil || len(request.Keys) == 0 {
			return invalid(
				"The list of keys in RequestItems for BatchGetItem is required: " + name +
					" has empty list",
			)
		}
		n += len(request.Keys)
	}
	switch {
	case n == 0:
		return invalid("BatchGetItem must have some requests set")
	case n > maxBatchGet:
		return invalid("Too many items requested for the BatchGetItem call")
	}
	return r.ReturnConsumedCapacity.valid()
}

func (s *Service) prepareKeys(table string, r *keysRequest) ([]get, error) {
	gets := make([]get, len(r.Keys))
	keys := make(keySet)
	for i, key := range r.Keys {
		var err error
		gets[i], err = s.prepareGet(&getRequest{
			TableName:            table,
			Key:                  key,
			ProjectionExpression: r.ProjectionExpression,
			placeholders: placeholders{
				ExpressionAttributeNames: r.ExpressionAttributeNames,
			},
			legacy: legacy{AttributesToGet: r.AttributesToGet},
		})
		if err != nil {
			return nil, err
		}
		if !keys.add(table, gets[i].key) {
			return nil, invalid("Provided list of item keys contains duplicates")
		}
	}
	return gets, nil
}

// readBatch reads table by table until the answer is full. The remaining keys are returned as
// unprocessed.
func readBatch(
	tables []string, batch []tableGets, cost *consumption,
) (responses, unprocessed []byte, err error) {
	var answered, left object
	size := 0
	for n, b := range batch {
		items := []attr.Map{}
		for i, g := range b.gets {
			g.table.mu.RLock()
			found := g.table.get(g.key)
			g.table.mu.RUnlock()
			if size += found.bytes(); size > maxResponse {
				rest := *b.request
				rest.Keys = b.request.Keys[i:]
				again, err := json.Marshal(rest)
				if err != nil {
					return nil, nil, err
				}
				left.raw(tables[n], again)
				break
			}
			cost.add(tables[n], readUnits(found.bytes(), b.request.ConsistentRead))
			if found != nil {
				items = append(items, g.selection.of(found.attrs))
			}
		}
		answered.items(tables[n], items)
	}
	return answered.end(), left.end(), nil
}

type batchWriteRequest struct {
	RequestItems           map[string][]batchWrite
	ReturnConsumedCapacity detail
}

// batchWrite has exactly one of its fields set.
type batchWrite struct {
	PutRequest    *struct{ Item attr.Map }
	DeleteRequest *struct{ Key attr.Map }
}

func (s *Service) batchWriteItem(ctx context.Context, r *batchWriteRequest) ([]byte, error) {
	tables := slices.Sorted(maps.Keys(r.RequestItems))
	for _, name := range tables {
		if err := s.allow(ctx, name, "BatchWriteItem"); err != nil {
			return nil, err
		}
	}
	if err := r.valid(); err != nil {
		return nil, err
	}
	var writes []*write
	keys := make(keySet)
	for _, name := range tables {
		for _, one := range r.RequestItems[name] {
			w, err := s.prepareBatchWrite(name, one)
			if err != nil {
				return nil, err
			}
			if !keys.add(name, w.key) {
				return nil, invalid("Provided list of item keys contains duplicates")
			}
			writes = append(writes, w)
		}
	}
	billTo := by(ctx, "BatchWriteItem")
	total := s.writes(billTo)
	for _, w := range writes {
		_, _, cost, err := s.apply(w, billTo)
		if err != nil {
			return nil, err
		}
		total.merge(cost)
	}
	var o object
	o.raw("UnprocessedItems", []byte("{}"))
	total.writeList(&o, r.ReturnConsumedCapacity)
	return o.end(), nil
}

func (r *batchWriteRequest) valid() error {
	n := 0
	for name, requests := range r.RequestItems {
		if len(requests) == 0 {
			return invalid(
				"The batch write request list for a table cannot be null or empty: " + name,
			)
		}
		n += len(requests)
	}
	switch {
	case n == 0:
		return invalid("BatchWriteItem cannot have a null or no requests set")
	case n > maxBatchWrite:
		return invalid("Too many items requested for the BatchWriteItem call: " + strconv.Itoa(n))
	}
	return r.ReturnConsumedCapacity.valid()
}

func (s *Service) prepareBatchWrite(table string, one batchWrite) (*write, error) {
	switch {
	case one.PutRequest != nil && one.DeleteRequest == nil:
		return s.preparePut(&putRequest{
			Item: one.PutRequest.Item, conditional: conditional{TableName: table},
		})
	case one.DeleteRequest != nil && one.PutRequest == nil:
		return s.prepareDelete(&deleteRequest{
			Key: one.DeleteRequest.Key, conditional: conditional{TableName: table},
		})
	}
	return nil, invalid("Supplied AttributeValue has more than one datatypes set, " +
		"must contain exactly one of the supported datatypes")
}

// keySet finds duplicate keys in a request.
type keySet map[string]bool

// add adds the key and reports whether it is new.
func (d keySet) add(table string, key *item) bool {
	id := attr.AppendJSON([]byte(table+"\n"), key.pk)
	if key.sk != nil {
		id = attr.AppendJSON(id, key.sk)
	}
	if d[string(id)] {
		return false
	}
	d[string(id)] = true
	return true
}
